package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// open opens a broker with an embedded server.
func open(t *testing.T) *Broker {
	t.Helper()
	b, err := Open(t.Context(), Options{
		Dir: t.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// numbers are the sequences of what a pull brings until it is over.
func numbers(t *testing.T, p *Pull) (all []uint64) {
	t.Helper()
	for m := p.Next(nil); m != nil; m = p.Next(nil) {
		seq, at, err := Place(m)
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Fatalf("%q: %d, %v, %v", m.Reply, seq, at, err)
		}
		all = append(all, seq)
		if err := m.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestPull(t *testing.T) {
	t.Parallel()
	b := open(t)
	for i := range 5 {
		if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", []byte("1")); err != nil {
			t.Fatal(i, err)
		}
	}
	// What a publisher writes in its headers says nothing of the request.
	posing := &nats.Msg{Subject: "events.demo.x", Header: nats.Header{"Status": {"409"}, "Description": {"Consumer Deleted"}}}
	if _, err := b.JetStream.PublishMsg(t.Context(), posing); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[1 2 3]", "[4 5 6]", "[]"} {
		p, err := b.Pull(3, 1<<20, 200*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(numbers(t, p)); got != want || p.Err() != nil {
			t.Errorf("the pull brought %s and %v, want %s", got, p.Err(), want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if at, err := b.Progress(t.Context()); err != nil || at.HandedOut != 6 {
		t.Error(at, err)
	}
}

// What is there comes before the end of the wait for it, and what comes after that is not lost.
func TestPullWaitsUntil(t *testing.T) {
	t.Parallel()
	b := open(t)
	p, err := b.Pull(2, 1<<20, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }() // the test is over
	enough := make(chan struct{})
	close(enough)
	if m := p.Next(enough); m != nil {
		t.Error("there is an event in an empty stream")
	}
	if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if m := p.Next(t.Context().Done()); m == nil || string(m.Data) != "1" || p.Err() != nil {
		t.Errorf("the pull brought %v and %v", m, p.Err())
	}
}

// A pull whose consumer is gone says so, and does not wait to its end.
func TestPullOfAConsumerThatIsGone(t *testing.T) {
	t.Parallel()
	b := open(t)
	p, err := b.Pull(2, 1<<20, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.JetStream.DeleteConsumer(t.Context(), streamEvents, "dispatch"); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, p); got != nil || p.Err() == nil {
		t.Errorf("the pull brought %v and %v", got, p.Err())
	}
	again, err := b.Pull(2, 1<<20, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, again); got != nil || again.Err() != nil {
		t.Errorf("the pull after it brought %v and %v", got, again.Err())
	}
	b.Close()
	if _, err := b.Pull(2, 1<<20, time.Minute); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Error(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// A pull that NATS forgets, as after a change of leaders, ends soon after its time.
func TestPullThatIsForgotten(t *testing.T) {
	t.Parallel()
	b := open(t)
	p, err := b.Pull(2, 1<<20, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.sub.Unsubscribe(); err != nil { // so that no answer comes
		t.Fatal(err)
	}
	for len(p.messages) > 0 {
		<-p.messages
	}
	if got := numbers(t, p); got != nil || !errors.Is(p.Err(), errForgotten) {
		t.Errorf("the pull brought %v and %v", got, p.Err())
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]uint64{
		"$JS.ACK.EVENTS.dispatch.1.42.7.1764097200000000001.0":                  42,
		"$JS.ACK._.hash.EVENTS.dispatch.1.42.7.1764097200000000001.0":           42,
		"$JS.ACK.hub.hash.EVENTS.dispatch.1.42.7.1764097200000000001.0.random":  42,
		"$JS.ACK.hub.hash.EVENTS.dispatch.1.42.7.1764097200000000001.0.more.of": 42,
		"$JS.ACK.EVENTS.dispatch.1.42.7.1764097200000000001.0.what":             0,
		"$JS.ACK.EVENTS.dispatch.1.42.7.1764097200000000001":                    0,
		"$JS.ACK.EVENTS.dispatch.1.-42.7.1764097200000000001.0":                 0,
		"$JS.ACK.EVENTS.dispatch.1.42.7.99999999999999999999.0":                 0,
		"$JS.ACK.EVENTS.dispatch.1.99999999999999999999.7.1764097200000000001.": 0,
		"$JS.ACK.......":  0,
		"_INBOX.a.b.c.42": 0,
		"":                0,
	} {
		seq, at, err := Place(&nats.Msg{Reply: reply})
		if want == 0 {
			if err == nil {
				t.Errorf("%q has the place %d", reply, seq)
			}
			continue
		}
		if err != nil || seq != want || at.UnixNano() != 1764097200000000001 {
			t.Errorf("%q: %d, %v, %v", reply, seq, at, err)
		}
	}
}

// A pull is bounded in bytes. What is larger than that by itself comes in a pull of its own, and is no reason to look after the
// consumer.
func TestPullIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := open(t)
	for _, size := range []int{1000, 1000, 1000, 300_000, 1000} {
		if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", body(size)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.check(); err != nil { // as the first pull does
		t.Fatal(err)
	}
	doubts := b.doubts()
	for _, want := range []string{"[1 2]", "[3]", "[]", "[4]", "[5]"} {
		p, err := b.Pull(10, 2500, 200*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(numbers(t, p)); got != want || p.Err() != nil {
			t.Errorf("the pull brought %s and %v, want %s", got, p.Err(), want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := b.doubts(); got != doubts {
		t.Errorf("%d doubts about the consumer", got-doubts)
	}
}

// A consumer with replicas sends events later than it says that all are handed out. They are awaited, and none is handed out
// twice.
func TestPullFromReplicas(t *testing.T) {
	t.Parallel()
	var first *server.Server
	for _, o := range cluster(t) {
		if s := startServer(t, o); first == nil {
			first = s
		}
	}
	b, err := Open(t.Context(), Options{
		URL: first.ClientURL(), Replicas: nodes, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	const pulls, each = 10, 100
	for range pulls * each {
		if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range pulls {
		p, err := b.Pull(each, 1<<20, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got := numbers(t, p)
		if len(got) != each || got[0] != uint64(i*each+1) || p.Err() != nil {
			t.Fatalf("pull %d brought %d events, and %v", i, len(got), p.Err())
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What NATS has said is on its way and does not come is waited for in vain only for a while.
func TestPullThatLacksWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(Broker)
		p := &Pull{broker: b, messages: make(chan *nats.Msg, 8), left: 3, late: time.NewTimer(time.Hour)}
		p.messages <- &nats.Msg{Header: nats.Header{"Status": {"409"}, "Description": {completed}, "Nats-Pending-Messages": {"0"}}}
		event := &nats.Msg{Reply: "$JS.ACK.EVENTS.dispatch.2.1.1.1764097200000000001.0"}
		p.messages <- event
		p.messages <- event
		began := time.Now()
		for range 2 {
			if p.Next(nil) != event {
				t.Fatal("an event that came after the end was not returned")
			}
		}
		if p.Left() != 1 {
			t.Errorf("%d may come, want 1", p.Left())
		}
		if m := p.Next(nil); m != nil || p.Err() != nil || time.Since(began) != answerTime {
			t.Errorf("the third is %v after %v, %v", m, time.Since(began), p.Err())
		}
	})
}
