package broker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// door is a gate that a test opens and closes.
type door struct {
	closed, unknown atomic.Bool
	asked           atomic.Int32
}

func (d *door) MayPublish(_ context.Context, _, secret, _ string) (bool, error) {
	d.asked.Add(1)
	if d.unknown.Load() {
		return false, errors.New("this cannot be told")
	}
	return secret == "right" && !d.closed.Load(), nil
}

func listening(t *testing.T) *Broker {
	t.Helper()
	b, err := Open(t.Context(), Options{
		Listen: "127.0.0.1:0", Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestLoginWaitsForTheGate(t *testing.T) {
	t.Parallel()
	b := listening(t)
	connected := make(chan error, 1)
	go func() {
		nc, err := nats.Connect(b.Embedded(), nats.UserInfo("demo", "right"), nats.Timeout(loginTime))
		if err == nil {
			nc.Close()
		}
		connected <- err
	}()
	// It has connected, and waits for an answer.
	for b.embedded.server.NumClients() < 3 {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-connected:
		t.Fatalf("without a gate: %v", err)
	default:
	}
	b.Admit(&door{})
	if err := <-connected; err != nil {
		t.Errorf("with a gate: %v", err)
	}
}

// A publisher that is told that it may not log in gives up; so it is not told that where nobody knows.
func TestLoginThatNobodyCanJudgeIsNotRefused(t *testing.T) {
	t.Parallel()
	b, d := listening(t), &door{}
	d.unknown.Store(true)
	b.Admit(d)
	if nc, err := nats.Connect(b.Embedded(), nats.UserInfo("demo", "right"), nats.Timeout(2*loginTime)); err == nil || errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("%v", err)
		nc.Close()
	}
}

func TestLoginThatDoesNotHoldAnyMoreEnds(t *testing.T) {
	t.Parallel()
	b, d := listening(t), &door{}
	b.Admit(d)
	ended := make(chan struct{}, 2)
	for range 2 {
		nc, err := nats.Connect(b.Embedded(), nats.UserInfo("demo", "right"), nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { ended <- struct{}{} }))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	p := b.embedded.publishers
	soon := time.Now().Add(againAfter + time.Second)
	d.unknown.Store(true)
	d.closed.Store(true)
	p.lookAfter(t.Context(), soon)
	d.unknown.Store(false)
	asked := d.asked.Load()
	p.lookAfter(t.Context(), soon.Add(time.Second))
	if n := d.asked.Load(); n != asked {
		t.Errorf("a login was judged again after a second")
	}
	if len(ended) > 0 {
		t.Error("a login that cannot be judged was ended")
	}
	p.lookAfter(t.Context(), soon.Add(againAfter))
	for range 2 {
		<-ended
	}
	// Both connections have one login, which was judged once.
	if n := d.asked.Load(); n != asked+1 {
		t.Errorf("the login of two connections was judged %d times", n-asked)
	}
	if left := p.forget(soon.Add(againAfter + unseen + time.Second)); left != 0 {
		t.Errorf("%d logins are remembered", left)
	}
}
