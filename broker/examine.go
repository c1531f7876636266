package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// State is what NATS looks like from outside.
type State struct {
	Version string
	Address string // without credentials
	// MaxPayload is the largest message that it takes, in bytes.
	MaxPayload int64
	// Ahead is by how much its clock is ahead of this machine's, give or take RoundTrip.
	Ahead, RoundTrip time.Duration
	// Store is how many bytes JetStream holds for the account, and MaxStore the most that it may; not positive: no bound.
	Store, MaxStore int64
	Streams         []StreamState
}

// StreamState is one of Saumer's streams; buckets are streams too.
type StreamState struct {
	Name string
	// There says whether the stream is there. What follows is zero if it is not.
	There    bool
	Replicas int
	// Leaderless says that no server leads it: it takes and gives nothing.
	Leaderless bool
	// Behind are the servers whose copy is offline or not current.
	Behind []string
	// Bytes are what it holds, and MaxBytes the most that it may; not positive: no bound.
	Bytes, MaxBytes int64
	// Missing are the consumers that Saumer works with and that are not there, Paused those that somebody paused.
	Missing, Paused []string
}

// Examine looks at an external NATS and changes nothing. Its error says what to check.
func Examine(ctx context.Context, url string, login []nats.Option) (State, error) {
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.Name("saumer doctor"), nats.CustomInboxPrefix(inboxPrefix + rand.Text()), nats.Timeout(5 * time.Second), nats.NoReconnect(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // a request that is refused has an error of its own
	}, login...)...)
	if err != nil {
		return State{}, fmt.Errorf("connect to NATS at %s: %w; check --nats-url, and that nats-server runs there with -js", redact(url), err)
	}
	defer nc.Close()
	s := State{Version: nc.ConnectedServerVersion(), Address: nc.ConnectedUrlRedacted(), MaxPayload: nc.MaxPayload()}
	js, err := jetstream.New(nc)
	if err != nil {
		return s, fmt.Errorf("use JetStream: %w", err)
	}
	account, err := js.AccountInfo(ctx)
	if err != nil {
		return s, fmt.Errorf("ask JetStream about the account: %w; check that nats-server runs with -js and that the login may use $JS.API.>", err)
	}
	s.Store, s.MaxStore = int64(account.Store), account.Limits.MaxStore
	if s.RoundTrip, err = nc.RTT(); err != nil {
		return s, fmt.Errorf("wait for an answer of NATS: %w", err)
	}
	for _, name := range streamNames() {
		stream, err := examineStream(ctx, js, name, &s)
		if err != nil {
			return s, err
		}
		s.Streams = append(s.Streams, stream)
	}
	return s, nil
}

// streamNames are the names of all of Saumer's streams.
func streamNames() []string {
	b := new(Broker)
	var names []string
	for _, config := range b.streams() {
		names = append(names, config.Name)
	}
	for _, bucket := range slices.Sorted(maps.Keys(b.buckets())) {
		names = append(names, bucketPrefix+bucket)
	}
	return names
}

func examineStream(ctx context.Context, js jetstream.JetStream, name string, s *State) (StreamState, error) {
	state := StreamState{Name: name}
	asked := time.Now()
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return state, nil
	}
	if err != nil {
		return state, fmt.Errorf("ask NATS for the stream %s: %w", name, err)
	}
	info := stream.CachedInfo()
	if at := info.TimeStamp; !at.IsZero() {
		s.Ahead = at.Sub(asked.Add(time.Since(asked) / 2))
	}
	state.There, state.Replicas = true, info.Config.Replicas
	state.Bytes, state.MaxBytes = int64(info.State.Bytes), info.Config.MaxBytes
	if c := info.Cluster; c != nil {
		state.Leaderless = c.Leader == ""
		for _, r := range c.Replicas {
			if r.Offline || !r.Current {
				state.Behind = append(state.Behind, r.Name)
			}
		}
	}
	needed := map[string][]string{streamEvents: {dispatchName}, streamWakes: {runnersName}}
	for _, consumer := range needed[name] {
		c, err := stream.Consumer(ctx, consumer)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			state.Missing = append(state.Missing, consumer)
		case err != nil:
			return state, fmt.Errorf("ask NATS for the consumer %s of %s: %w", consumer, name, err)
		case c.CachedInfo().Paused:
			state.Paused = append(state.Paused, consumer)
		}
	}
	return state, nil
}
