package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

const (
	// demoEvent is the event that the demo publishes.
	demoEvent = "optin_finalized"
	// look is the pause between two looks at something that is waited for.
	look = 100 * time.Millisecond
	// patience is how long a single step may take.
	patience = 30 * time.Second
)

// story is the demo: its chapters are its methods.
type story struct {
	*narrator
	account, password string
	service           *webService
	publisher         jetstream.Publisher
	receiver          witness
	webhook           uint64
	published         int
}

// tell tells the chapters in order. It returns the first error, or that events are missing.
func (s *story) tell(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.receiver.down()) }()
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"A webhook, and events that reach it", s.deliver},
		{"The receiver goes down: Saumer backs off, then deactivates the webhook", s.fail},
		{"Events go on: they are kept", s.buffer},
		{"The receiver is up again: the webhook is activated with its replay", s.activate},
		{"Back to normal", s.goOn},
	} {
		s.chapter(chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return err
		}
	}
	return s.sum()
}

func (s *story) deliver(ctx context.Context) error {
	if err := s.receiver.up(); err != nil {
		return err
	}
	s.say("the receiver listens at %s", s.receiver.address)
	var w webHook
	err := s.service.call(ctx, "CreateWebHook", url.Values{
		"app": {"demo"}, "event": {demoEvent}, "url": {"http://" + s.receiver.address + "/"},
	}, &w)
	if err != nil {
		return err
	}
	s.webhook = w.ID
	if err := s.receiver.verifyWith(w.Secret); err != nil {
		return err
	}
	s.say("CreateWebHook made the webhook %d for %s, active %d", w.ID, demoEvent, w.Active)
	if err := s.publish(ctx, 5); err != nil {
		return err
	}
	return s.arrive(ctx)
}

func (s *story) fail(ctx context.Context) error {
	if err := s.receiver.down(); err != nil {
		return fmt.Errorf("take the receiver down: %w", err)
	}
	s.say("the receiver refuses connections")
	if err := s.publish(ctx, 3); err != nil {
		return err
	}
	var announced time.Time
	state := ""
	return s.watch(ctx, "the webhook is deactivated", func(w webHook) bool {
		if w.State != state {
			state = w.State
			s.say("GetWebHooks: state %s, %d behind, last error: %s", w.State, w.Lag, w.LastError)
		}
		if w.Active == 0 {
			s.say("GetWebHooks: active 0, reason: %s", w.Reason)
			return true
		}
		if w.NextAttempt != nil && w.NextAttempt.After(announced) {
			announced = *w.NextAttempt
			s.say("GetWebHooks: next attempt in %v", time.Until(announced).Round(10*time.Millisecond))
		}
		return false
	})
}

func (s *story) buffer(ctx context.Context) error {
	if err := s.publish(ctx, 5); err != nil {
		return err
	}
	missing := s.receiver.count(s.published).missing
	return s.watch(ctx, fmt.Sprintf("%d events are buffered", missing), func(w webHook) bool {
		if w.Buffered != uint64(missing) {
			return false
		}
		s.say("GetWebHooks: %d buffered; the receiver lacks %d", w.Buffered, missing)
		return true
	})
}

func (s *story) activate(ctx context.Context) error {
	if err := s.receiver.up(); err != nil {
		return err
	}
	s.say("the receiver listens again at %s", s.receiver.address)
	var w webHook
	err := s.service.call(ctx, "ActivateWebHook", url.Values{
		"id": {strconv.FormatUint(s.webhook, 10)}, "replayEvents": {"1"},
	}, &w)
	if err != nil {
		return err
	}
	s.say("ActivateWebHook: active %d, %d events will be replayed", w.Active, w.Replay)
	return s.arrive(ctx)
}

func (s *story) goOn(ctx context.Context) error {
	err := s.watch(ctx, "the webhook is live", func(w webHook) bool {
		if w.State != "live" {
			return false
		}
		s.say("GetWebHooks: state live, %d behind", w.Lag)
		return true
	})
	if err != nil {
		return err
	}
	if err := s.publish(ctx, 2); err != nil {
		return err
	}
	return s.arrive(ctx)
}

// sum prints the counts. It is an error if an event is missing.
func (s *story) sum() error {
	t := s.receiver.count(s.published)
	order := "kept"
	if t.late > 0 {
		order = fmt.Sprintf("%d came after a later one", t.late)
	}
	s.chapter("In all")
	s.say("published %d, delivered %d, duplicates %d, missing %d, order: %s", t.published, t.delivered, t.duplicates, t.missing, order)
	s.say("%d deliveries said they are a replay; %d of %d signatures verify", t.replayed, t.verified, t.delivered+t.duplicates)
	if t.missing > 0 {
		return fmt.Errorf("%d of %d events did not arrive", t.missing, t.published)
	}
	return nil
}

// publish publishes the next few events, each with its number.
func (s *story) publish(ctx context.Context, count int) error {
	first := s.published + 1
	for range count {
		data := fmt.Appendf(nil, `{"number":%d}`, s.published+1)
		if _, err := event.Publish(ctx, s.publisher, s.account, demoEvent, "", data); err != nil {
			return err
		}
		s.published++
	}
	s.say("published the events %d to %d", first, s.published)
	return nil
}

// arrive waits until the receiver has every event that was published. That some did not come in time is no error here:
// the counts at the end tell.
func (s *story) arrive(ctx context.Context) error {
	err := wait(ctx, func() (bool, error) { return s.receiver.count(s.published).missing == 0, nil })
	t := s.receiver.count(s.published)
	s.say("the receiver has %d of %d events", t.delivered, t.published)
	if errors.Is(err, errPatience) {
		return nil
	}
	return err
}

// watch looks at the webhook over and over until seen is true of it.
func (s *story) watch(ctx context.Context, what string, seen func(webHook) bool) error {
	var last webHook
	err := wait(ctx, func() (bool, error) {
		w, err := s.service.webHook(ctx, s.webhook)
		last = w
		return err == nil && seen(w), err
	})
	if errors.Is(err, errPatience) {
		return fmt.Errorf("%w for what should come now: %s; GetWebHooks says state %s, %d behind, %d buffered, last error: %s",
			err, what, last.State, last.Lag, last.Buffered, last.LastError)
	}
	return err
}

// errPatience is that something did not come in time.
var errPatience = fmt.Errorf("waited %v in vain", patience)

// wait looks until done is true or an error, ctx ends (its cause), or patience is over (errPatience).
func wait(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-end.C:
			return errPatience
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
