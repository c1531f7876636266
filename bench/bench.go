// Package bench measures Saumer beside a bare loop of net/http: throughput, CPU, latency, isolation, catch-up, scale.
//
// Each part runs in a process of its own, so that what Saumer uses is told from what receiver, baseline and publisher
// use. In every round each scenario is measured once, by turns with what it is compared with.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/saumer/saumer/registry"
)

// Options of a benchmark.
type Options struct {
	// Command runs Serve in a process of its own, with the name of the part after it.
	Command []string
	// Only are the scenarios to run, such as t1; none: all.
	Only []string
	// Rounds is how often each is measured.
	Rounds int
	// Quick makes everything a tenth as large.
	Quick bool
	// NATSURL and RedisURL are external services to use instead of the embedded ones.
	NATSURL, RedisURL string
	// Profile is a directory for profiles of each node; empty: none are made. They cost some of what is measured.
	Profile string
	// Version is Saumer's, for the report.
	Version string
	// Progress is told what is being done.
	Progress io.Writer
}

// Bench is a benchmark under way.
type Bench struct {
	Options
	dir      string
	key      []byte
	receiver *process
	loop     *process
	address  string // of the receiver
	report   *Report
	// under is the scenario that is measured, and nodes counts what was started.
	under string
	nodes int
}

// scenario is what is measured in one go, and the targets that it speaks of.
type scenario struct {
	names   []string
	measure func(*Bench, context.Context) error
}

var scenarios = []scenario{
	{[]string{"t1", "t2"}, (*Bench).throughput},
	{[]string{"t3"}, (*Bench).fanOut},
	{[]string{"t4"}, (*Bench).latency},
	{[]string{"t5"}, (*Bench).isolation},
	{[]string{"t6", "t7"}, (*Bench).backlog},
	{[]string{"t8"}, (*Bench).many},
	{[]string{"t9"}, (*Bench).idle},
	{[]string{"t10"}, (*Bench).workers},
	{[]string{"t11"}, (*Bench).distance},
	{[]string{"t12", "t13"}, (*Bench).neighbours},
	{[]string{"t14"}, (*Bench).crowds},
	{[]string{"t15"}, (*Bench).oneForAll},
	{[]string{"t21"}, (*Bench).syncs},
	{[]string{"t16", "t17"}, (*Bench).secure},
	{[]string{"t18"}, (*Bench).replicated},
	{[]string{"t19"}, (*Bench).accepted},
	{[]string{"t20"}, (*Bench).large},
	{[]string{"growth"}, (*Bench).growth},
}

// Scenarios are the names that Only may have.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.names...)
	}
	return names
}

// Run measures, and returns the report. All that it starts listens only on loopback, and has ended when it returns.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	for i, name := range o.Only {
		o.Only[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(Scenarios(), o.Only[i]) {
			return nil, fmt.Errorf("there is no scenario %q: choose among %s", name, strings.Join(Scenarios(), ", "))
		}
	}
	b := &Bench{Options: o, key: registry.NewKey(), report: &Report{
		Version: o.Version, CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Rounds: o.Rounds, Quick: o.Quick,
	}}
	if b.dir, err = os.MkdirTemp("", "saumer-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory for the benchmark: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := certify(b.dir); err != nil {
		return nil, err
	}
	// Whatever goes wrong, no process stays.
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	if b.receiver, err = b.begin(ctx, receiving); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.receiver.end()) }()
	if b.loop, err = b.begin(ctx, looping); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.loop.end()) }()
	if b.address, err = ask[string](ctx, b.receiver, "Listen", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	return b.report, b.rounds(ctx)
}

func (b *Bench) rounds(ctx context.Context) error {
	for round := range b.Rounds {
		for _, s := range scenarios {
			if len(b.Only) > 0 && !slices.ContainsFunc(s.names, func(name string) bool { return slices.Contains(b.Only, name) }) {
				continue
			}
			began := time.Now()
			b.under = s.names[0]
			if err := s.measure(b, ctx); err != nil {
				return fmt.Errorf("measure %s: %w", strings.Join(s.names, ", "), err)
			}
			b.say("round %d of %d: %s in %v", round+1, b.Rounds, strings.Join(s.names, ", "), time.Since(began).Round(time.Second/10))
		}
	}
	return nil
}

func (b *Bench) say(format string, args ...any) { fmt.Fprintf(b.Progress, format+"\n", args...) }

// size is how large something is: as given, or a tenth.
func (b *Bench) size(full int) int {
	if b.Quick {
		return full / 10
	}
	return full
}

// url is the beginning of the URLs of one kind of endpoint.
func (b *Bench) url(kind string) string { return "http://" + b.address + "/" + kind + "/" }

// start starts a node with webhooks, which delivers nothing yet, and returns the address for publishers. End it in any
// case.
func (b *Bench) start(ctx context.Context, hooks ...Hooks) (node *process, address string, err error) {
	return b.startWith(ctx, NodeOptions{NATSURL: b.NATSURL, RedisURL: b.RedisURL}, hooks...)
}

// startWith is start with options of the scenario's own.
func (b *Bench) startWith(ctx context.Context, o NodeOptions, hooks ...Hooks) (node *process, address string, err error) {
	if node, err = b.begin(ctx, working); err != nil {
		return nil, "", err
	}
	b.nodes++
	name := fmt.Sprintf("%s-%d", b.under, b.nodes)
	o.Dir, o.Key, o.Profile = filepath.Join(b.dir, name), b.key, b.Profile
	address, err = ask[string](ctx, node, "Open", o)
	if err == nil {
		_, err = ask[None](ctx, node, "Seed", hooks)
	}
	return node, address, err
}

// baseline measures the bare loop before and after what is compared with it, half of the requests each: the machine
// may become faster or slower meanwhile. It returns what the loop sent, and its CPU in all.
func (b *Bench) baseline(ctx context.Context, count int, compared func() error) (bare Received, cost time.Duration, err error) {
	return b.baselineAt(ctx, b.url(fast)+"0", count, compared)
}

// baselineAt is baseline with a URL.
func (b *Bench) baselineAt(ctx context.Context, url string, count int, compared func() error) (bare Received, cost time.Duration, err error) {
	before, used, err := b.post(ctx, url, count/2)
	if err != nil {
		return bare, 0, err
	}
	if err := compared(); err != nil {
		return bare, 0, err
	}
	after, more, err := b.post(ctx, url, count/2)
	return before.and(after), used + more, err
}

// post lets the bare loop post a number of requests to a URL, and measures that.
func (b *Bench) post(ctx context.Context, url string, count int) (got Received, cpu time.Duration, err error) {
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, count}); err != nil {
		return got, 0, err
	}
	used, err := ask[Usage](ctx, b.loop, "Post", Posts{URL: url, Count: count})
	if err != nil {
		return got, 0, err
	}
	got, err = b.wait(ctx, count)
	return got, used.CPU, err
}

// longest bounds how long anything that is expected may take.
const longest = 5 * time.Minute

// wait waits until all has come.
func (b *Bench) wait(ctx context.Context, count int) (Received, error) {
	got, err := ask[Received](ctx, b.receiver, "Wait", longest)
	if err == nil && got.Distinct != count {
		err = fmt.Errorf("%d of %d events came within %v", got.Distinct, count, longest)
	}
	return got, err
}
