package runner

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// backlogsStream is the stream of the bucket BACKLOGS.
const backlogsStream = "KV_BACKLOGS"

// The bucket of the backlogs is deleted while the process runs: what it held comes again, and nobody says meanwhile that the
// webhook is live.
func TestBacklogsThatAreDeleted(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.during(w.broker.Run)
		w.outage100()
		if err := w.broker.JetStream.DeleteStream(w.t.Context(), backlogsStream); err != nil {
			w.t.Fatal(err)
		}
		began := time.Now()
		w.answers(nil)
		w.until("all is delivered", func() bool {
			if status, err := w.backlogs.Status(w.t.Context(), w.webhook()); err == nil && status.State == replay.Live && len(w.counts()) < w.published {
				w.t.Errorf("it is said to be %+v while %d of %d are delivered", status, len(w.counts()), w.published)
			}
			return len(w.counts()) == w.published
		})
		if took := time.Since(began); took > w.options.Pull+10*time.Second {
			w.t.Errorf("that took %v", took)
		}
		w.calm()
	})
}

// What waited by itself for longer than the live path goes back comes again, too, as far as the attempt log knows of it; and
// nobody says of it meanwhile that it is done with. What was exhausted before is left alone.
func TestARejectedEventThatIsForgotten(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.during(w.broker.Run)
		w.taken = true
		w.answers(func(r delivery.Request) delivery.Outcome {
			if n := number(r); n == 2 || n == 4 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.work()
		w.publish(5)
		time.Sleep(2 * w.options.Rules.After)
		w.until("both are exhausted", func() bool { r, there := w.record(); return !there || len(r.Retries) == 0 })
		exhausted := len(w.logged(2))
		w.answers(func(r delivery.Request) delivery.Outcome {
			if number(r) == 7 {
				return delivery.Status
			}
			return delivery.Delivered
		})
		w.publish(5)
		for range 6 {
			time.Sleep(5 * time.Minute)
			w.publish(1)
		}
		if err := w.broker.JetStream.DeleteStream(w.t.Context(), backlogsStream); err != nil {
			w.t.Fatal(err)
		}
		w.answers(nil)
		w.until("it is delivered", func() bool {
			answer, err := w.backlogs.Why(w.t.Context(), w.webhook(), 7, w.logged(7))
			if done := w.counts()["7"] > 0; err == nil && !done && slices.Contains([]replay.Reason{replay.Exhausted, replay.Settled, replay.Uncertain}, answer.Reason) {
				w.t.Errorf("it is said to be %+v", answer)
			}
			return w.counts()["7"] > 0
		})
		w.calm()
		if again := len(w.logged(2)); again != exhausted {
			w.t.Errorf("%d attempts of an event that was exhausted before", again-exhausted)
		}
		if answer, err := w.backlogs.Why(w.t.Context(), w.webhook(), 2, w.logged(2)); err != nil || answer.Reason != replay.Exhausted {
			w.t.Errorf("it is said to be %+v, %v", answer, err)
		}
	})
}

// restart ends everything, does something to the directory of the bucket of the backlogs, and starts anew.
func (w *world) restart(do func(dir string) error) {
	w.t.Helper()
	w.stop()
	if err := do(filepath.Join(w.dir, "jetstream", "$G", "streams", backlogsStream)); err != nil {
		w.t.Fatal(err)
	}
	w.start()
	w.during(w.broker.Run)
	w.work()
}

// A range opens and ends, and the bucket of the backlogs goes back to before both: nobody knows of its span any more, and the
// live path passes over what lies in it. It comes again.
func TestARangeWhoseSpanIsForgotten(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		w.during(w.broker.Run)
		w.publish(5)
		time.Sleep(5 * time.Minute) // until a loss would not have these come again
		kept := filepath.Join(w.t.TempDir(), "kept")
		w.restart(func(dir string) error { return os.CopyFS(kept, os.DirFS(dir)) })
		w.answers(always(delivery.Refused))
		w.publish(10)
		w.until("it is off the live path", w.spanned)
		w.publish(90)
		from := int(w.opened().From)
		w.answers(nil)
		w.calm()
		w.restart(func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(kept)))
		})
		w.until("what lies in the range has come again", func() bool {
			got := w.counts()
			for n := from; n <= w.published; n++ {
				if got[strconv.Itoa(n)] < 2 {
					return false
				}
			}
			return true
		})
		w.calm()
		if got := w.counts(); got["1"] > 1 {
			w.t.Error("what was acknowledged long before came again, too")
		}
		if loss, err := w.broker.Setback(w.t.Context()); err != nil || loss.Number != 1 || loss.Open() {
			w.t.Errorf("the loss is %+v, %v", loss, err)
		}
	})
}

func TestEndedSince(t *testing.T) {
	t.Parallel()
	closed := func(id string, from, to uint64) registry.Range {
		return registry.Range{ID: id, From: from, To: event.End{Seq: to}}
	}
	ranges := []registry.Range{
		closed(registry.RangeBefore, 0, 500), closed("long ago", 10, 90), closed("about then", 90, 110), closed("since", 110, 120),
		{ID: "open", From: 130},
	}
	for name, c := range map[string]struct {
		loss broker.Setback
		want []string
	}{
		"some was lost": {broker.Setback{From: 100}, []string{"since"}},
		"all was lost":  {broker.Setback{From: 100, Anew: true}, []string{"about then", "since"}},
		"none is later": {broker.Setback{From: 120, Anew: true}, nil},
	} {
		var got []string
		for _, r := range endedSince(ranges, c.loss) {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A record that is gone is written again by whoever has its lease, unless the webhook is gone.
func TestARecordThatIsGoneDuringAPass(t *testing.T) {
	inWorld(t, registry.Settings{}, nil, func(w *world) {
		r := w.crash()
		w.set(w.broker.Backlogs, nil)
		if err := r.save(w.t.Context(), true); err != nil {
			w.t.Error(err)
		}
		if kept, there := w.record(); !there || len(kept.Pending) != 1 {
			w.t.Errorf("the record is %+v, there: %v", kept, there)
		}
		w.set(w.broker.Backlogs, nil)
		if err := w.registry.Delete(w.t.Context(), w.key); err != nil {
			w.t.Fatal(err)
		}
		if err := r.save(w.t.Context(), true); err == nil {
			w.t.Error("the backlog of a webhook that is gone was written")
		}
		w.answers(always(delivery.Delivered))
	})
}
