package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tally is a record.
type tally struct {
	Form  int `json:"v"`
	Count int `json:"count"`
}

var errTest = errors.New("of the test")

// bundle is a store of tallies on a real bucket.
type bundle struct {
	record.Store[tally]
	t      *testing.T
	bucket *broker.Bucket
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Options{
		Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &bundle{t: t, bucket: b.Backlogs, Store: record.Store[tally]{
		Bucket: b.Backlogs, Name: "tally",
		Decode: func(e broker.Entry) (got tally, err error) { return got, record.Decode(e.Value, 1, &got) },
		Encode: func(r *tally) ([]byte, error) {
			if r.Count < 0 {
				return nil, errTest
			}
			r.Form = 1
			return json.Marshal(r)
		},
	}}
}

// put writes what some other version might, whatever there is.
func (b *bundle) put(key, data string) uint64 {
	b.t.Helper()
	entry, err := b.bucket.Get(b.t.Context(), key)
	if err != nil && !errors.Is(err, broker.ErrNoKey) {
		b.t.Fatal(err)
	}
	revision, err := b.bucket.Put(b.t.Context(), key, []byte(data), entry.Revision)
	if err != nil {
		b.t.Fatal(err)
	}
	return revision
}

// holds checks what the bucket has under a key, "" for nothing.
func (b *bundle) holds(key, data string, revision uint64) {
	b.t.Helper()
	entry, err := b.bucket.Get(b.t.Context(), key)
	if data == "" {
		if !errors.Is(err, broker.ErrNoKey) {
			b.t.Errorf("the bucket holds %s, %v", entry.Value, err)
		}
		return
	}
	if err != nil || string(entry.Value) != data || entry.Revision != revision {
		b.t.Errorf("the bucket holds %s at %d, %v; want %s at %d", entry.Value, entry.Revision, err, data, revision)
	}
}

// is checks a call's error.
func (b *bundle) is(err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("error %v, want %v", err, want)
	}
}

func set(n int) func(*tally) error {
	return func(r *tally) error { r.Count = n; return nil }
}

func returns(err error) func(*tally) error {
	return func(r *tally) error { r.Count = 99; return err }
}

const one, two = `{"v":1,"count":1}`, `{"v":1,"count":2}`

func TestLifeOfARecord(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	_, _, err := b.Load(ctx, "k")
	b.is(err, record.ErrNotFound)
	_, _, err = b.Update(ctx, "k", set(2))
	b.is(err, record.ErrNotFound)
	b.is(b.Remove(ctx, "k"), nil)

	created, err := b.Create(ctx, "k", tally{Count: 1})
	b.is(err, nil)
	b.holds("k", one, created)
	_, err = b.Create(ctx, "k", tally{Count: 2})
	b.is(err, record.ErrExists)
	if got, revision, err := b.Load(ctx, "k"); err != nil || got.Count != 1 || revision != created {
		t.Errorf("loaded %+v at %d, %v", got, revision, err)
	}

	got, updated, err := b.Update(ctx, "k", set(2))
	if err != nil || got.Count != 2 || updated <= created {
		t.Errorf("updated %+v at %d, %v", got, updated, err)
	}
	b.holds("k", two, updated)
	_, err = b.Write(ctx, "k", &tally{Count: 7}, created)
	b.is(err, record.ErrConflict)
	_, err = b.RemoveAt(ctx, "k", created)
	b.is(err, record.ErrConflict)
	b.holds("k", two, updated)

	// It can be made again after each way to remove it.
	for what, remove := range map[string]func(revision uint64) error{
		"Remove":   func(uint64) error { return b.Remove(ctx, "k") },
		"RemoveAt": func(revision uint64) error { _, err := b.RemoveAt(ctx, "k", revision); return err },
		"ErrGone":  func(uint64) error { _, _, err := b.Update(ctx, "k", returns(record.ErrGone)); return err },
	} {
		_, revision, err := b.Load(ctx, "k")
		b.is(err, nil)
		b.is(remove(revision), nil)
		b.holds("k", "", 0)
		created, err := b.Create(ctx, "k", tally{Count: 1})
		if err != nil || created <= revision+1 {
			t.Errorf("made again after %s: revision %d, %v", what, created, err)
		}
		b.holds("k", one, created)
	}
}

func TestWhatAChangeReturns(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	fresh := func() tally { return tally{Count: 40} }
	revision, err := b.Create(ctx, "k", tally{Count: 1})
	b.is(err, nil)

	for _, wrong := range []error{errTest, context.Canceled} {
		_, _, err = b.Update(ctx, "k", returns(wrong))
		b.is(err, wrong)
	}
	_, _, err = b.Update(ctx, "k", set(-1)) // cannot be encoded
	b.is(err, errTest)
	_, at, err := b.Update(ctx, "k", returns(fmt.Errorf("nothing new: %w", record.ErrUnchanged)))
	if err != nil || at != revision {
		t.Errorf("unchanged at %d, %v", at, err)
	}
	b.holds("k", one, revision)

	removed, at, err := b.Update(ctx, "k", func(*tally) error { return record.ErrGone })
	if err != nil || removed.Count != 1 || at <= revision {
		t.Errorf("removed %+v at %d, %v", removed, at, err)
	}
	b.holds("k", "", 0)

	// Of a record that is not there.
	for _, said := range []error{record.ErrGone, record.ErrUnchanged} {
		_, at, err := b.Upsert(ctx, "k", fresh, returns(said))
		if err != nil || at != 0 {
			t.Errorf("%v: revision %d, %v", said, at, err)
		}
		b.holds("k", "", 0)
	}
	_, _, err = b.Upsert(ctx, "k", fresh, returns(errTest))
	b.is(err, errTest)
	add := func(r *tally) error { r.Count++; return nil }
	for _, want := range []int{41, 42} {
		got, at, err := b.Upsert(ctx, "k", fresh, add)
		if err != nil || got.Count != want {
			t.Errorf("upserted %+v, %v, want %d", got, err, want)
		}
		b.holds("k", fmt.Sprintf(`{"v":1,"count":%d}`, want), at)
	}
}

// What this version cannot read is told, and left as it is by all but Remove.
func TestOthersRecordsAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	for data, want := range map[string]error{
		`{"v":2,"count":"many"}`: record.ErrNewer,
		`{"v":1,"count":"many"}`: record.ErrUnreadable,
		`{"v":0}`:                record.ErrUnreadable,
		`{}`:                     record.ErrUnreadable,
		`7`:                      record.ErrUnreadable,
		`no JSON`:                record.ErrUnreadable,
	} {
		revision := b.put("k", data)
		_, _, err := b.Load(ctx, "k")
		b.is(err, want)
		_, _, err = b.Update(ctx, "k", set(1))
		b.is(err, want)
		_, _, err = b.Upsert(ctx, "k", func() tally { return tally{} }, returns(record.ErrGone))
		b.is(err, want)
		_, err = b.Create(ctx, "k", tally{})
		b.is(err, record.ErrExists)
		b.holds("k", data, revision)
		b.is(b.Remove(ctx, "k"), nil)
		b.holds("k", "", 0)
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	var want []string
	for i := range 600 { // more than are read at once
		key := fmt.Sprintf("k%d", i)
		if _, err := b.Create(ctx, key, tally{Count: i}); err != nil {
			t.Fatal(err)
		}
		if i%3 != 0 {
			want = append(want, fmt.Sprintf("%s %d", key, i))
		} else if err := b.Remove(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	b.put("newer", `{"v":2}`)
	want = append(want, "newer newer")
	var got []string
	walk := func(key string, r tally, err error) error {
		if errors.Is(err, record.ErrNewer) {
			got = append(got, key+" newer")
			return nil
		}
		got = append(got, fmt.Sprintf("%s %d", key, r.Count))
		return err
	}
	b.is(b.Walk(ctx, walk), nil)
	if !slices.Equal(got, want) {
		t.Errorf("%d records %.200v, want %d %.200v", len(got), got, len(want), want)
	}
	got = nil
	b.is(b.Walk(ctx, func(key string, r tally, err error) error { return errors.Join(walk(key, r, err), errTest) }), errTest)
	if len(got) != 1 {
		t.Errorf("the walk went on after an error: %v", got)
	}
}

// What was written since a revision is read, and no more, with what was removed since.
func TestSince(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	for _, key := range []string{"old", "changed", "removed"} {
		if _, err := b.Create(ctx, key, tally{}); err != nil {
			t.Fatal(err)
		}
	}
	last := uint64(0)
	var got []string
	since := func(key string, r tally, revision uint64, err error) error {
		last = revision
		if errors.Is(err, record.ErrNotFound) {
			got = append(got, key+" removed")
			return nil
		}
		got = append(got, fmt.Sprintf("%s %d", key, r.Count))
		return err
	}
	b.is(b.Since(ctx, 0, since), nil)
	if want := []string{"old 0", "changed 0", "removed 0"}; !slices.Equal(got, want) {
		t.Errorf("at first there are %v, want %v", got, want)
	}
	got = nil
	b.is(b.Since(ctx, last, since), nil)
	if len(got) > 0 {
		t.Errorf("though nothing was written, there are %v", got)
	}
	if _, _, err := b.Update(ctx, "changed", func(r *tally) error { r.Count++; return nil }); err != nil {
		t.Fatal(err)
	}
	b.is(b.Remove(ctx, "removed"), nil)
	b.is(b.Since(ctx, last, since), nil)
	if want := []string{"changed 1", "removed removed"}; !slices.Equal(got, want) {
		t.Errorf("since then there are %v, want %v", got, want)
	}
}

// Every change of many at once counts, once.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, _, err := b.Upsert(t.Context(), "k", func() tally { return tally{} }, func(r *tally) error { r.Count++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, _, err := b.Load(t.Context(), "k"); err != nil || got.Count != writers*each {
		t.Errorf("%d writers left %+v, %v", writers, got, err)
	}
}

// rival writes each time just before somebody else does, as often as is set.
type rival struct {
	record.Bucket
	before func()
	times  int
}

func (r *rival) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	r.act()
	return r.Bucket.Put(ctx, key, value, revision)
}

func (r *rival) Remove(ctx context.Context, key string, revision uint64) (uint64, error) {
	r.act()
	return r.Bucket.Remove(ctx, key, revision)
}

func (r *rival) act() {
	if r.times > 0 {
		r.times--
		r.before()
	}
}

func TestConflictsAreTriedAgain(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	written := 0
	r := &rival{Bucket: b.bucket, before: func() { written++; b.put("k", fmt.Sprintf(`{"v":1,"count":%d}`, 1000+written)) }}
	b.Bucket = r
	double := func(r *tally) error { r.Count *= 2; return nil }
	for _, calls := range []struct {
		what string
		call func() error
		left string
	}{
		{"Update", func() error { _, _, err := b.Update(ctx, "k", double); return err }, `{"v":1,"count":2010}`},
		{"Upsert", func() error {
			_, _, err := b.Upsert(ctx, "k", func() tally { return tally{} }, double)
			return err
		}, `{"v":1,"count":2020}`},
		{"ErrGone", func() error { _, _, err := b.Update(ctx, "k", returns(record.ErrGone)); return err }, ""},
		{"Remove", func() error { return b.Remove(ctx, "k") }, ""},
	} {
		b.put("k", one)
		r.times = 5
		if err := calls.call(); err != nil || r.times != 0 {
			t.Errorf("%s beside five other writes: %v", calls.what, err)
		}
		entry, _ := b.bucket.Get(ctx, "k") // none where nothing is to be left
		if string(entry.Value) != calls.left {
			t.Errorf("%s beside five other writes left %s, want %s", calls.what, entry.Value, calls.left)
		}
	}

	// A creation that another one forestalls.
	r.times = 1
	_, err := b.Create(ctx, "k", tally{})
	b.is(err, record.ErrExists)

	// Not for ever, and not beyond the context.
	for what, call := range map[string]func(context.Context) error{
		"Update": func(ctx context.Context) error { _, _, err := b.Update(ctx, "k", double); return err },
		"Remove": func(ctx context.Context) error { return b.Remove(ctx, "k") },
	} {
		r.times = 1 << 30
		b.is(call(ctx), record.ErrConflict)
		if tried := 1<<30 - r.times; tried < 10 || tried > 1000 {
			t.Errorf("%s was tried %d times", what, tried)
		}
		ending, end := context.WithCancel(ctx)
		put := r.before
		r.before = func() { put(); end() }
		b.is(call(ending), context.Canceled)
		r.before = put
		end()
	}
}
