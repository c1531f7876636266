// Package doctor looks at what Saumer runs on, changes nothing, and says what to change.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	Good    Level = "ok"
	Warning Level = "warning" // it works, and something is to be changed
	Problem Level = "problem" // events are not accepted or not delivered, or will not be
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level `json:"level"`
	// About is what was looked at: process, data, nats, redis, saumer.
	About string `json:"about"`
	// Says is what was found, Do what to do about it; empty if nothing.
	Says string `json:"says"`
	Do   string `json:"do,omitempty"`
}

// Examine looks at everything that the options name, and at the process that runs with them, whose API is at a URL.
func Examine(ctx context.Context, o app.Options, url string) []Finding {
	var all []Finding
	all = append(all, process()...)
	all = append(all, data(o)...)
	all = append(all, saumer(ctx, o, url)...)
	all = append(all, nats(ctx, o)...)
	return append(all, redis(ctx, o)...)
}

// tolerated is how far the clocks of Saumer and NATS may differ. Delays and retention are told by both.
const tolerated = 2 * time.Second

// fullAt is the part of a bound from which on there is a warning.
const fullAt = 0.85

// nats looks at an external NATS. The embedded one can be looked at only by the process that it runs in.
func nats(ctx context.Context, o app.Options) []Finding {
	if o.NATSURL == "" {
		return []Finding{{Level: Good, About: "nats", Says: "embedded: the running process says how it does"}}
	}
	s, err := broker.Examine(ctx, o.NATSURL, o.NATSLogin)
	if err != nil {
		return []Finding{{Level: Problem, About: "nats", Says: err.Error(), Do: "mend that first: without NATS nothing is accepted and nothing delivered"}}
	}
	found := []Finding{natsVersion(s)}
	if s.MaxPayload < broker.LargestMessage {
		found = append(found, Finding{
			Warning, "nats", fmt.Sprintf("it takes messages of %s, and an event of the largest size is %s with its headers", bytes(s.MaxPayload), bytes(broker.LargestMessage)),
			"raise max_payload in the configuration of nats-server",
		})
	}
	if off := s.Ahead.Abs(); off > tolerated+s.RoundTrip {
		found = append(found, Finding{
			Warning, "nats", fmt.Sprintf("its clock and this machine's are %v apart", off.Round(time.Millisecond)), "synchronize both, with chrony or systemd-timesyncd",
		})
	}
	found = append(found, full("nats", "the store of the account", s.Store, s.MaxStore, "raise the account's max_file, or shorten --retention")...)
	there := 0
	for _, stream := range s.Streams {
		if stream.There {
			there++
			found = append(found, streamFindings(stream, o.Replicas)...)
		}
	}
	if there == 0 {
		return append(found, Finding{Good, "nats", "no stream of Saumer is there yet: the first start makes them", ""})
	}
	for _, stream := range s.Streams {
		if !stream.There {
			found = append(found, Finding{Problem, "nats", "the stream " + stream.Name + " is gone", "start Saumer, which makes it again, empty; or restore it from a backup before (docs/OPERATIONS.md)"})
		}
	}
	return found
}

func natsVersion(s broker.State) Finding {
	says := fmt.Sprintf("nats-server %s at %s answers within %v", s.Version, s.Address, s.RoundTrip.Round(time.Microsecond))
	switch {
	case broker.OlderThan(s.Version, broker.Minimum):
		return Finding{Problem, "nats", says, "update it to " + broker.Minimum + " or newer: older ones do not set a consumer back with its stream after a loss of power"}
	case broker.OlderThan(s.Version, broker.Recommended):
		return Finding{Warning, "nats", says, "update it to " + broker.Recommended + " or newer: they mend syncs to the disk that were lost"}
	default:
		return Finding{Good, "nats", says, ""}
	}
}

func streamFindings(s broker.StreamState, replicas int) (found []Finding) {
	add := func(level Level, says, do string) {
		found = append(found, Finding{level, "nats", "the stream " + s.Name + " " + says, do})
	}
	if s.Leaderless {
		add(Problem, "has no leader: it takes and gives nothing", "bring back a majority of the servers that hold it")
	}
	if len(s.Behind) > 0 {
		add(Warning, "has copies that are away or behind: "+strings.Join(s.Behind, ", "), "bring these servers back; until then fewer may fail")
	}
	if s.Replicas < replicas {
		add(Warning, fmt.Sprintf("has %d copies, and --replicas says %d", s.Replicas, replicas), "see the log of Saumer's start for why it could not be changed")
	}
	for _, c := range s.Missing {
		add(Problem, "lacks its consumer "+c, "start Saumer, which makes it again at the right place")
	}
	for _, c := range s.Paused {
		add(Problem, "has its consumer "+c+" paused", "resume it: nats consumer resume "+s.Name+" "+c)
	}
	return append(found, full("nats", "the stream "+s.Name, s.Bytes, s.MaxBytes, "raise --max-store, or shorten --retention")...)
}

// full warns of what has nearly reached its bound.
func full(about, what string, used, most int64, do string) []Finding {
	if most <= 0 || float64(used) < fullAt*float64(most) {
		return nil
	}
	return []Finding{{Warning, about, fmt.Sprintf("%s holds %s of %s", what, bytes(used), bytes(most)), do}}
}

func redis(ctx context.Context, o app.Options) []Finding {
	if o.RedisURL == "" {
		return []Finding{{Level: Good, About: "redis", Says: "embedded: the index is made of the journal at each start"}}
	}
	servers, err := registry.ExamineRedis(ctx, o.RedisURL, o.Redis)
	if err != nil {
		return []Finding{{Problem, "redis", err.Error(), "mend that: without Redis no webhook is found, and events wait"}}
	}
	var found []Finding
	for _, s := range servers {
		f := Finding{Good, "redis", fmt.Sprintf("Redis %s at %s", s.Version, s.Address), ""}
		switch {
		case s.ReadOnly:
			f.Level, f.Says, f.Do = Problem, f.Says+" is a replica, which takes no changes", "name the master in --redis-url, or its Sentinels with --redis-master"
		case s.Most > 0 && strings.HasPrefix(s.Policy, "allkeys-"):
			f.Level, f.Says, f.Do = Warning, f.Says+" removes keys of the index where memory is short ("+s.Policy+")", "set maxmemory-policy to noeviction"
		}
		found = append(found, f)
		found = append(found, full("redis", s.Address, s.Used, s.Most, "raise its maxmemory")...)
	}
	return found
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
