package consumer

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/slots"
)

// A webhook is slow for what its own attempts take, never for what the process does.
func TestSlow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	// under makes a task whose attempt began so long ago, waits one that waits for so long.
	small, large := &inflightEvent{size: 1}, &inflightEvent{size: tooLarge}
	under := func(ago time.Duration) *task {
		return &task{event: small, since: now.Add(-ago), begun: true, began: now.Add(-ago)}
	}
	waits := func(ago time.Duration) *task { return &task{event: small, since: now.Add(-ago)} }
	heavy := func() *task { return &task{event: large, since: now.Add(-lookEvery)} }
	long, short := patience+lookEvery, patience/2
	covered := func() *task { return &task{event: small, since: now.Add(-long), begun: true} }
	for name, c := range map[string]struct {
		tasks []*task
		full  bool
		moved bool
		want  bool
	}{
		"nothing":                                     {nil, true, false, false},
		"an attempt outlasts the patience":            {[]*task{under(long)}, false, true, true},
		"it does behind what the backlog has":         {[]*task{covered(), under(long)}, false, true, true},
		"attempts are quick":                          {[]*task{under(short), under(short)}, true, true, false},
		"an event waits for a slot of the webhook":    {[]*task{under(short), waits(long)}, true, true, true},
		"an event waits for the process":              {[]*task{under(short), waits(long)}, false, true, false},
		"nothing is under way in a busy process":      {[]*task{waits(long)}, false, false, false},
		"a hand-over takes long":                      {[]*task{covered()}, false, false, false},
		"too many wait for a webhook that is silent":  {append([]*task{under(short)}, slices.Repeat([]*task{nil}, tooMany)...), true, false, true},
		"too much waits for a webhook that is silent": {[]*task{under(short), heavy()}, true, false, true},
		"too much waits and some was answered":        {[]*task{under(short), heavy()}, true, true, false},
		"too many wait and some were answered":        {append([]*task{under(short)}, slices.Repeat([]*task{nil}, tooMany)...), true, true, false},
		"too many wait for the process":               {append([]*task{under(short)}, slices.Repeat([]*task{nil}, tooMany)...), false, false, false},
	} {
		l := &lane{}
		for _, task := range c.tasks {
			if task == nil {
				task = waits(lookEvery)
			}
			l.add(task)
		}
		l.moved = c.moved
		if got := l.slow(now, c.full); got != c.want {
			t.Errorf("%s: slow is %v", name, got)
		}
	}
}

// stopped is an endpoint that answers nothing until the attempt is cut off.
type stopped struct{}

func (stopped) Attempt(ctx context.Context, _ delivery.Target, r delivery.Request) delivery.Attempt {
	<-ctx.Done()
	return delivery.Attempt{Seq: r.Seq, ID: r.ID, Outcome: delivery.Aborted}
}

// taken is a backlog that takes everything, and says how many events it has; slow is closed when it is told that the
// webhook is.
type taken struct {
	nobody
	once *sync.Once
	slow chan struct{}
}

func (c taken) Cover(_ context.Context, _ string, attempts []delivery.Attempt, _ int) error {
	if attempts[0].Outcome == delivery.Slow {
		c.once.Do(func() { close(c.slow) })
	}
	return nil
}

// A webhook that answers nothing leaves the live path, and what waits for it does not stay in the window.
func TestASilentWebhookLeavesTheLivePath(t *testing.T) {
	t.Parallel()
	l := openLive(t)
	if err := l.publish(2*window, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	cover := taken{nobody{t}, &sync.Once{}, make(chan struct{})}
	shared := slots.New(8, 8192)
	w := NewWorker(Options{
		Events: l.store, Webhooks: l.webhooks, Sender: stopped{}, Slots: shared, Cover: cover, Rejects: l.store, Names: l.store,
		Acks: l.store, Now: l.store.Now, Pull: time.Second, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	during(t, w.Run)
	<-cover.slow
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		// The rest passes the lane without an attempt, but for those under way.
		position, err := l.store.Progress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if position.HandedOut == 2*window && w.inflight.count() <= 8 {
			return
		}
	}
	t.Errorf("%d events are in flight, a minute after the webhook was found to be silent", w.inflight.count())
}

// count is how many events are in flight.
func (f *inflight) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// Failures in a row are counted until an event is taken; one that is long ago is not of the same row.
func TestALaneCountsFailures(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := &lane{}
	for want := 1; want < 4; want++ {
		if n := l.fail(now); n != want {
			t.Errorf("failure %d counts as %d", want, n)
		}
	}
	if n := l.fail(now.Add(2 * memory)); n != 1 {
		t.Errorf("one that is long after the others counts as %d", n)
	}
	l.took(now)
	if n := l.fail(now.Add(time.Second)); n != 1 || l.streak != 0 {
		t.Errorf("one after an event was taken counts as %d", n)
	}
}

// One event that is not answered does not make a webhook slow which answers later ones.
func TestALaneThatAnswersOthersIsNotSlow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := &lane{}
	l.add(&task{lane: l, event: &inflightEvent{}, since: now, begun: true, began: now})
	later := now.Add(patience + time.Second)
	if !l.slow(later, false) {
		t.Error("a webhook that answers nothing is not slow")
	}
	l.took(now.Add(time.Second))
	if l.slow(later, false) {
		t.Error("a webhook that answers others is slow")
	}
	l = &lane{taken: now.Add(time.Second)}
	l.add(&task{lane: l, event: &inflightEvent{}, since: now})
	if !l.slow(later, true) {
		t.Error("a webhook of which all slots are taken is not slow")
	}
}

// A webhook that is leaving gets no attempt, though its lane is empty meanwhile, until look-ups show that it has left and is
// back, or it takes too long.
func TestALaneLeavesUntilTheRangeShows(t *testing.T) {
	t.Parallel()
	now := time.Now()
	looked := func(ranges ...string) *registry.Subscription {
		s := &registry.Subscription{}
		for _, id := range ranges {
			s.Webhook.Ranges = append(s.Webhook.Ranges, registry.Range{ID: id})
		}
		return s
	}
	for name, c := range map[string]struct {
		shows *registry.Subscription
		after time.Duration
		busy  bool
		want  bool
	}{
		"nothing shows yet":          {looked("before"), 0, false, true},
		"it was away and is back":    {looked("before", "r1"), 0, false, false},
		"something is under way yet": {looked("before", "r1"), 0, true, true},
		"it takes too long":          {looked("before"), 2 * leavingTime, false, false},
	} {
		l := &lane{account: &account{}, last: looked("before")}
		if c.busy {
			l.add(&task{event: &inflightEvent{}})
		}
		l.leave(delivery.Busy)
		if l.stay(c.shows, now.Add(c.after)); l.leaving != c.want || l.account.leaving != l.size {
			t.Errorf("%s: leaving is %v, with %d of %d tasks", name, l.leaving, l.account.leaving, l.size)
		}
	}
}
