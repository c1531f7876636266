package stats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a real one whose clock the test sets, and which can be made to fail before or after it has stored.
type store struct {
	*broker.Broker
	now           atomic.Pointer[time.Time]
	before, after atomic.Bool
	// reading, unless it is nil, is called before records are read.
	reading func()
}

var errAway = errors.New("the store is away")

func (s *store) Now() time.Time { return *s.now.Load() }

func (s *store) set(now time.Time) { s.now.Store(&now) }

func (s *store) StoreStats(ctx context.Context, account, id string, record []byte) error {
	if s.before.Load() {
		return errAway
	}
	if err := s.Broker.StoreStats(ctx, account, id, record); err != nil {
		return err
	}
	if s.after.Load() {
		return errAway
	}
	return nil
}

func (s *store) Stats(ctx context.Context, account string, since time.Time, each func([]byte)) error {
	if s.reading != nil {
		s.reading()
	}
	return s.Broker.Stats(ctx, account, since, each)
}

// open starts a store; its clock stands at half past some minute about now.
func open(tb testing.TB) *store {
	tb.Helper()
	b, err := broker.Open(tb.Context(), broker.Options{
		Dir: tb.TempDir(), Replicas: 1, Retention: 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	s := &store{Broker: b}
	s.set(b.Now().Truncate(time.Minute).Add(30 * time.Second))
	return s
}

// pass lets a minute go by, and has the node store what it counted.
func (s *store) pass(t *testing.T, n *Stats) {
	t.Helper()
	s.set(s.Now().Add(time.Minute))
	n.flush(t.Context())
}

func read(t *testing.T, n *Stats, account string, steps int) Series {
	t.Helper()
	series, err := n.Series(t.Context(), account, steps, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return series
}

// counts are those of the points, oldest first.
func counts(s Series) string {
	text := ""
	for _, p := range s.Points {
		text += fmt.Sprintf("%d/%d/%d ", p.Delivered, p.Rejected, p.Unreachable)
	}
	return text + fmt.Sprintf("= %d/%d/%d", s.Total.Delivered, s.Total.Rejected, s.Total.Unreachable)
}

func expect(t *testing.T, what string, s Series, want string) {
	t.Helper()
	if got := counts(s); got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestSeriesSumAllProcesses(t *testing.T) {
	t.Parallel()
	s := open(t)
	one, two := New(s, "one", zap.NewNop()), New(s, "two", zap.NewNop())
	one.Delivered("demo.1", time.Millisecond, 10*time.Millisecond)
	one.Replayed("demo.2", time.Millisecond)
	one.Rejected("other.3")
	two.Delivered("demo.1", time.Second, 6*24*time.Hour)
	two.Unreachable("demo.1")
	expect(t, "before it is stored", read(t, one, "demo", 2), "0/0/0 2/0/0 = 2/0/0")
	s.pass(t, one)
	two.flush(t.Context())
	for range 2 {
		s.pass(t, one)
		two.flush(t.Context())
	}
	one.Rejected("demo.1")
	for what, n := range map[string]*Stats{"one": one, "two": two} {
		last := map[string]string{"one": "0/1/0 = 3/1/1", "two": "0/0/0 = 3/0/1"}[what]
		expect(t, what, read(t, n, "demo", 5), "0/0/0 3/0/1 0/0/0 0/0/0 "+last)
		expect(t, what, read(t, n, "other", 4), "0/1/0 0/0/0 0/0/0 0/0/0 = 0/1/0")
		expect(t, what, read(t, n, "third", 2), "0/0/0 0/0/0 = 0/0/0")
	}
	series := read(t, two, "demo", 5)
	for i, p := range series.Points {
		if want := s.Now().Truncate(time.Minute).Add(time.Duration(i-4) * time.Minute); !p.At.Equal(want) || p.At.Location() != time.UTC {
			t.Errorf("point %d begins at %v, want %v", i, p.At, want)
		}
	}
	p50, p99 := series.Points[1].P50, series.Points[1].P99
	if p50 < 900*time.Microsecond || p50 > 1100*time.Microsecond || p99 < 900*time.Millisecond || p99 > 1100*time.Millisecond {
		t.Errorf("p50 %v and p99 %v of 1 ms, 1 ms and 1 s", p50, p99)
	}
	p50, p99 = series.Points[1].LagP50, series.Points[1].LagP99
	if p50 < 9*time.Millisecond || p50 > 11*time.Millisecond || p99 < 130*time.Hour || p99 > 158*time.Hour || series.Points[2].LagP99 != 0 {
		t.Errorf("the lag's p50 is %v and its p99 %v, of 10 ms and 6 days", p50, p99)
	}
	p50, p99 = series.Points[1].P50, series.Points[1].P99
	if series.Total.P50 != p50 || series.Total.P99 != p99 || series.Points[2].P99 != 0 {
		t.Errorf("the total is %+v, an empty point %+v", series.Total, series.Points[2])
	}
	if n, err := s.Broker.JetStream.Stream(t.Context(), "STATS"); err != nil {
		t.Error(err)
	} else if info := n.CachedInfo(); info.State.Msgs != 3 {
		t.Errorf("%d records are stored, want 3: who has nothing to say says nothing", info.State.Msgs)
	}
}

// What the store did not take, or took without saying so, is in the series once at any time, and stored in the end.
func TestWhatCannotBeStoredWaits(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			t.Parallel()
			s := open(t)
			n := New(s, "node", zap.NewNop())
			s.before.Store(!stored)
			s.after.Store(stored)
			for range 3 {
				n.Replayed("demo.1", time.Millisecond)
				s.pass(t, n)
			}
			n.Rejected("demo.1")
			expect(t, "while it waits", read(t, n, "demo", 4), "1/0/0 1/0/0 1/0/0 0/1/0 = 3/1/0")
			s.before.Store(false)
			s.after.Store(false)
			n.flush(t.Context())
			expect(t, "when it is stored", read(t, n, "demo", 4), "1/0/0 1/0/0 1/0/0 0/1/0 = 3/1/0")
			expect(t, "in another process", read(t, New(s, "another", zap.NewNop()), "demo", 4), "1/0/0 1/0/0 1/0/0 0/1/0 = 3/1/0")
			if len(n.waiting) != 0 {
				t.Errorf("%d records wait", len(n.waiting))
			}
		})
	}
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t)
	core, lines := observer.New(zap.WarnLevel)
	n := New(s, "node", zap.New(core))
	s.before.Store(true)
	for range 60 {
		n.Replayed("demo.1", time.Millisecond)
		s.pass(t, n)
	}
	if len(n.waiting) < 45 || len(n.waiting) > 51 {
		t.Errorf("%d records wait after an hour", len(n.waiting))
	}
	if lines.FilterMessageSnippet("dropped").Len() == 0 {
		t.Error("nothing says that records were dropped")
	}
	for i := range maxWaiting {
		n.Rejected(fmt.Sprintf("account%d.1", i))
	}
	n.flush(t.Context())
	if len(n.waiting) != maxWaiting {
		t.Errorf("%d records wait, want %d", len(n.waiting), maxWaiting)
	}
}

func TestRecordsOfOthersAreSkipped(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i, text := range []string{`{"v":2,"at":"newer"}`, `{"v":1`, `{"v":2}`} {
		if err := s.StoreStats(t.Context(), "demo", fmt.Sprint(i), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	core, lines := observer.New(zap.WarnLevel)
	n := New(s, "node", zap.New(core))
	n.Replayed("demo.1", time.Millisecond)
	s.pass(t, n)
	for range 2 {
		expect(t, "beside them", read(t, n, "demo", 2), "1/0/0 0/0/0 = 1/0/0")
	}
	if lines.Len() != 1 {
		t.Errorf("it is said %d times", lines.Len())
	}
}

func TestStepsAreWholeMinutes(t *testing.T) {
	t.Parallel()
	n := New(open(t), "node", zap.NewNop())
	for _, c := range []struct {
		steps int
		step  time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {maxSteps + 1, time.Minute}, {1, 0}, {1, time.Second}, {1, 90 * time.Second}} {
		if _, err := n.Series(t.Context(), "demo", c.steps, c.step); !errors.Is(err, errSeries) {
			t.Errorf("%d steps of %v: %v", c.steps, c.step, err)
		}
	}
}

// A day of many processes is more than one read brings.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	s := open(t)
	const records = 4000
	at := s.Now().Truncate(time.Minute)
	for i := range records {
		data, err := encode("another", uint64(i), at.Add(-time.Duration(i%60)*time.Minute), &sums{rejected: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.JetStream.PublishAsync("stats.demo", data); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-s.JetStream.PublishAsyncComplete():
	case <-time.After(30 * time.Second):
		t.Fatal("the records are not stored within 30 s")
	}
	series := read(t, New(s, "node", zap.NewNop()), "demo", 60)
	if series.Total.Rejected != records || series.Points[0].Rejected != records/60 {
		t.Errorf("the sum is %d, the first point %d", series.Total.Rejected, series.Points[0].Rejected)
	}
}

func TestAReadThatAFlushCrossesCountsOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := New(s, "node", zap.NewNop())
	s.before.Store(true)
	n.Rejected("demo.1")
	s.pass(t, n) // it waits
	s.before.Store(false)
	n.Replayed("demo.1", time.Millisecond)
	s.reading = func() { n.flush(context.WithoutCancel(t.Context())) }
	expect(t, "while both are stored", read(t, n, "demo", 2), "0/1/0 1/0/0 = 1/1/0")
	s.reading = nil
	expect(t, "then", read(t, n, "demo", 2), "0/1/0 1/0/0 = 1/1/0")
}

// Nothing is lost or counted twice between those who count, the one who stores, and those who read.
func TestCountsAreExactWhileTheyMove(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := New(s, "node", zap.NewNop())
	const each, counters = 20_000, 4
	var counting sync.WaitGroup
	for i := range counters {
		counting.Go(func() {
			for j := range each {
				switch j % 4 {
				case 0:
					n.Rejected("demo.1")
				case 1:
					n.Unreachable("demo.2")
				default:
					n.Replayed(fmt.Sprintf("demo.%d", i), time.Duration(j)*time.Microsecond)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { counting.Wait(); close(done) }()
	var reading sync.WaitGroup
	reading.Go(func() {
		// A read that crosses a flush sees neither less nor more than there was.
		last := uint64(0)
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			default:
			}
			series, err := n.Series(context.WithoutCancel(t.Context()), "demo", 60, time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			sum := series.Total.Delivered + series.Total.Failed()
			if sum < last || sum > each*counters {
				t.Errorf("the sum was %d, and is %d", last, sum)
			}
			last = sum
		}
	})
	for flushed := false; !flushed; {
		select {
		case <-done:
			flushed = true
		default:
		}
		n.flush(t.Context())
	}
	reading.Wait()
	total := read(t, New(s, "another", zap.NewNop()), "demo", 60).Total
	if total.Delivered != each*counters/2 || total.Rejected != each*counters/4 || total.Unreachable != each*counters/4 {
		t.Errorf("the total is %+v", total)
	}
}

func TestAStopStoresWhatWasCounted(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := New(s, "node", zap.NewNop())
	n.Unreachable("demo.1")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := n.Run(ctx); err != nil {
		t.Fatal(err)
	}
	expect(t, "in another process", read(t, New(s, "another", zap.NewNop()), "demo", 1), "0/0/1 = 0/0/1")
}

func BenchmarkDelivered(b *testing.B) {
	n := New(open(b), "node", zap.NewNop())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		took := 100 * time.Microsecond
		for pb.Next() {
			took = took*5/4 + time.Microsecond
			if took > time.Minute {
				took = 100 * time.Microsecond
			}
			n.Delivered("demo.7", took, 2*took)
		}
	})
}
