package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// Reason is why a webhook got an event, or why not, as a word for programs.
type Reason string

// The reasons.
const (
	Unknown   Reason = "unknown"      // the stream never held it, or it is another account's
	Gone      Reason = "gone"         // the retention has dropped it
	Foreign   Reason = "other-event"  // the webhook is for another event
	LeftOut   Reason = "filtered-out" // the webhook's filter leaves it out
	Before    Reason = "before"       // it was published before the webhook was made
	Ahead     Reason = "ahead"        // the live path has not come to it
	UnderWay  Reason = "under-way"    // the live path has it in hand
	Delivered Reason = "delivered"    // the endpoint took it
	Retrying  Reason = "retrying"     // it failed by itself, and is attempted again at its time
	Waits     Reason = "waiting"      // it waits in the backlog by itself
	Queued    Reason = "queued"       // it waits in the part of the stream that is worked off
	Held      Reason = "held"         // the webhook is inactive, and a replay would send it
	Outside   Reason = "outside"      // the webhook is inactive, and it came after the replay window
	Dropped   Reason = "dropped"      // an activation left it out
	Exhausted Reason = "exhausted"    // all attempts failed
	Uncertain Reason = "uncertain"    // it waits for nothing, and nobody knows whether it was taken
	Erased    Reason = "erased"       // somebody erased it: it is sent to nobody any more
	Settled   Reason = "settled"      // done with, so long ago that the log does not tell how
)

// Answer tells of one event and one webhook.
type Answer struct {
	Reason Reason
	// Sequence is the event's, and Text the answer in a sentence.
	Sequence uint64
	Text     string
}

// facts are what an answer is made of: read in this order, so that what is true of a later one was not missed by an
// earlier one.
type facts struct {
	seq     uint64
	event   *event.Event // nil: the stream does not hold it
	now     moment
	webhook registry.Webhook
	backlog backlog.Record
	// unsure is true if NATS lost something, and what waits may be more than the backlog tells. Loss is the last such loss.
	unsure bool
	loss   broker.Setback
	rules  *backlog.Rules
	// leftOut is by which condition the webhook's filter leaves out the event; empty if it does not.
	leftOut string
	// edge is the end of what a replay of an inactive webhook would send.
	edge event.End
	// entries are those of the attempt log for the event, newest first.
	entries []delivery.Entry
}

// Why says why a webhook got the event of a sequence, or why not. Entries are those of the attempt log for the event,
// newest first; it is read before.
func (m *Backlogs) Why(ctx context.Context, w registry.Webhook, seq uint64, entries []delivery.Entry) (Answer, error) {
	f := facts{seq: seq, webhook: w, entries: entries, rules: &m.rules}
	var err error
	if f.unsure, f.loss, err = m.unsure(ctx); err != nil {
		return Answer{}, err
	}
	if f.now, err = m.moment(ctx); err != nil {
		return Answer{}, err
	}
	e, err := m.broker.Event(ctx, seq)
	switch {
	case err == nil:
		f.event = &e
		interest, err := w.Interest()
		if err != nil {
			return Answer{}, err
		}
		f.leftOut = interest.Why(&e)
		// After the stream went back, the log may have attempts of another event with this sequence.
		f.entries = slices.DeleteFunc(slices.Clone(entries), func(a delivery.Entry) bool {
			return !a.Published.IsZero() && !a.Published.Equal(e.Time)
		})
	case !errors.Is(err, broker.ErrNotFound):
		return Answer{}, err
	}
	if f.event == nil {
		if at, was, err := m.broker.Erased(ctx, w.Account, seq); err != nil || was {
			return Answer{Erased, seq, erasedText(at, entries)}, err
		}
	}
	if f.backlog, _, err = m.store.Load(ctx, w.Key()); err != nil && !errors.Is(err, record.ErrNotFound) {
		return Answer{}, err
	}
	restore(&w, &f.backlog)
	if err = m.rewind(ctx, &f.backlog, f.now.bounds); err != nil {
		return Answer{}, err
	}
	if !w.Active {
		if f.edge, err = m.edge(ctx, w, event.End{Seq: f.now.bounds.Next(), AsOf: f.now.bounds.Last.Time}); err != nil {
			return Answer{}, err
		}
	}
	reason, text := f.why()
	return Answer{reason, seq, text}, nil
}

// erasedText tells of an event that was erased.
func erasedText(at time.Time, entries []delivery.Entry) string {
	for _, e := range entries {
		if e.Outcome == delivery.Delivered {
			return fmt.Sprintf("Somebody erased the event at %s: it is sent to nobody any more. The endpoint had taken it at %s.", clock(at), clock(e.At))
		}
	}
	return fmt.Sprintf("Somebody erased the event at %s: it is sent to nobody any more.", clock(at))
}

// at is the position of the event; without a time if the stream does not hold it.
func (f *facts) at() event.Position {
	if f.event == nil {
		return event.Position{Seq: f.seq}
	}
	return f.event.Position()
}

// why decides.
func (f *facts) why() (Reason, string) {
	w, b := &f.webhook, &f.backlog
	e := f.event
	switch {
	case e == nil && len(f.entries) == 0 && f.seq > 0 && f.seq < f.now.bounds.First:
		return Gone, "The event is older than the retention, and nothing is known of it any more."
	case e == nil && len(f.entries) == 0, e != nil && e.Account != w.Account:
		return Unknown, "There is no such event: it was never published, or it was refused because it is not JSON."
	case e != nil && !w.Takes(e.Name):
		return Foreign, fmt.Sprintf("The event is %s, and the webhook is for %s.", e.Name, w.EventText())
	}
	for _, entry := range f.entries {
		if entry.Outcome == delivery.Delivered {
			return Delivered, fmt.Sprintf("The endpoint took it at %s: it answered %d to attempt %d.", clock(entry.At), entry.Status, entry.Number)
		}
	}
	if f.leftOut != "" {
		return LeftOut, fmt.Sprintf("It is filtered out by the condition that %s.", f.leftOut)
	}
	if i, found := b.Retry(f.at()); found {
		r := b.Retries[i]
		if w.Active {
			next := later(r.Next, b.NotBefore)
			if next.IsZero() {
				return Retrying, fmt.Sprintf("%s %d times, last because %s; the next attempt is due now.", failed(r), r.Attempts, r.Error)
			}
			return Retrying, fmt.Sprintf("%s %d times, last because %s; the next attempt is at %s.", failed(r), r.Attempts, r.Error, clock(next))
		}
	}
	if reason, text, ok := f.outstanding(); ok {
		return reason, text
	}
	if f.unsure && f.event != nil {
		return Waits, "NATS has lost something, and it is being found out what waits. The event may be sent again."
	}
	return f.past()
}

// failed says what the endpoint did with an event that backs off by itself.
func failed(r backlog.Retry) string {
	switch {
	case !r.Suspect:
		return "The endpoint rejected it"
	case r.Cleared:
		return "The endpoint takes others, and failed this one"
	default:
		return "The endpoint failed it"
	}
}

// unsure says whether NATS lost something, by what any process has found or would find, and what waits is not known yet; and
// which was the last loss.
func (m *Backlogs) unsure(ctx context.Context) (unsure bool, last broker.Setback, err error) {
	if last, err = m.broker.Setback(ctx); err != nil {
		return false, last, err
	}
	if m.broker.Unsure() || last.Open() {
		return true, last, nil
	}
	unsure, err = m.broker.Doubtful(ctx)
	return unsure, last, err
}

// outstanding tells of what the backlog or the live path has still to do.
func (f *facts) outstanding() (Reason, string, bool) {
	w, b := &f.webhook, &f.backlog
	waits, retries := b.Waits(f.at())
	queued := b.Spanned(f.at())
	switch {
	case !waits && !retries && !queued:
	case f.event == nil:
		return Gone, "The retention dropped it while it waited in the backlog.", true
	case !w.Active && !f.at().Before(f.edge):
		return Outside, fmt.Sprintf("The webhook has been inactive since %s, and the event came after the time for which events are kept for a replay.", clock(w.Deactivated)), true
	case !w.Active:
		return Held, fmt.Sprintf("The webhook has been inactive since %s (%s); activating it with a replay sends the event.", clock(w.Deactivated), w.Reason), true
	case queued:
		return Queued, "It waits in the backlog, which is worked off in order of publication" + f.failing() + ".", true
	default:
		return Waits, "It waits in the backlog" + f.failing() + ".", true
	}
	switch {
	case f.seq > f.now.progress.HandedOut:
		return Ahead, "It is stored, and is about to be delivered: the live path has not come to it.", true
	case f.event != nil && f.before():
		return Before, fmt.Sprintf("It was published before the webhook was made (%s). A replay of that time sends it.", clock(w.Created)), true
	case f.seq > f.now.progress.AckFloor && f.beforeLoss():
		return UnderWay, "NATS had lost something, and the event is handed out again: it may be sent once more.", true
	case f.seq > f.now.progress.AckFloor && !f.exhausted():
		return UnderWay, "It is being delivered.", true
	}
	return "", "", false
}

// beforeLoss says whether all that the log knows of the event is from before the last loss.
func (f *facts) beforeLoss() bool {
	return f.loss.Number > 0 && len(f.entries) > 0 && f.entries[0].At.Before(f.loss.At)
}

// exhausted says whether the event is exhausted: by the backlog, which has not told people yet, or by its failures. Those from
// before a loss prove nothing of an event that was handed out again since. Where the backlogs lost all, they prove it only of one
// that has failed for long enough: any other one was taken in again.
func (f *facts) exhausted() bool {
	if len(f.entries) == 0 {
		return false
	}
	told := slices.ContainsFunc(f.backlog.Outbox, func(n backlog.Notice) bool { return slices.Contains(n.Seqs, f.seq) })
	if told || slices.Contains(f.backlog.Exhausted.Seqs, f.seq) {
		return true
	}
	u := delivery.Untaken{First: f.entries[len(f.entries)-1].Attempt, Last: f.entries[0].Attempt}
	switch {
	case u.Last.Number < f.rules.Attempts:
		return false
	case !f.beforeLoss():
		return true
	default:
		return f.seq < f.loss.From && (!f.loss.Anew || f.rules.Spent(u))
	}
}

// past tells of what nothing is to be done about any more.
func (f *facts) past() (Reason, string) {
	a, left := f.webhook.Activation, false
	if a != nil && f.event != nil {
		left = f.at().Before(a.From) && (!a.Replay || !f.at().Before(a.Until))
	}
	failed := len(f.entries) > 0
	switch {
	case failed && f.exhausted():
		last := f.entries[0]
		return Exhausted, fmt.Sprintf("It is exhausted: attempt %d, the last one, failed at %s (%s). Redeliver it when the endpoint takes it.", last.Number, clock(last.At), last.Error)
	case left && !f.event.Time.Before(a.Deactivated) && a.Replay:
		return Dropped, fmt.Sprintf("It came while the webhook was inactive, after the time for which events are kept for a replay, and was left out by the activation at %s.", clock(a.At))
	case left && !f.event.Time.Before(a.Deactivated):
		return Dropped, fmt.Sprintf("It came while the webhook was inactive, and the activation at %s was without a replay.", clock(a.At))
	case left && failed && f.entries[0].At.Before(a.At):
		return Dropped, fmt.Sprintf("It had failed when the webhook was deactivated, and the activation at %s left it out.", clock(a.At))
	case failed:
		last := f.entries[0]
		return Uncertain, fmt.Sprintf("Attempt %d failed at %s (%s), and the event does not wait any more: a later attempt was taken that the attempt log does not have (yet), or the backlog has forgotten the event. Redeliver it if the endpoint does not have it.", last.Number, clock(last.At), last.Error)
	case f.forgotten():
		return Uncertain, fmt.Sprintf("NATS lost what waited in the backlogs, which was found at %s, and the attempt log does not tell whether the event was taken before. Redeliver it if the endpoint does not have it.", clock(f.loss.At))
	case left:
		return Settled, fmt.Sprintf("It was delivered or exhausted, or it waited when the webhook was deactivated and was left out by the activation at %s. The attempt log does not go back that far.", clock(a.At))
	}
	return Settled, "It was delivered, or it is exhausted and a notice said so. The attempt log does not go back that far."
}

// forgotten says whether the event may have waited by itself when the backlogs lost all, and was not handed out again since.
func (f *facts) forgotten() bool {
	return f.loss.Anew && f.seq < f.loss.From && f.event != nil && f.event.Time.Before(f.loss.At)
}

// before says whether the event was published before the webhook was made.
func (f *facts) before() bool {
	if r, ok := f.webhook.RangeByID(registry.RangeBefore); ok && r.Holds(f.at()) {
		return true
	}
	return f.event.Time.Before(f.webhook.Created) && len(f.entries) == 0
}

// failing says what holds the backlog up, if something does.
func (f *facts) failing() string {
	h := f.backlog.Health
	if !h.Failing() || f.backlog.NotBefore.IsZero() {
		return ""
	}
	return fmt.Sprintf("; the endpoint has been failing since %s (%s), and the next attempt is at %s", clock(h.Since), h.Last, clock(f.backlog.NotBefore))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
