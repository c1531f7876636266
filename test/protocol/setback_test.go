package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// kept is how many of the last values of a key are kept, to be set back to.
const kept = 30

// journal sets the records of a world back, as a loss of power does that costs a bucket its last writes. Each bucket goes back
// by itself.
//
// What a backlog's record holds by itself (events that were handed over, and the spans with an end) is nowhere else, so
// that a record which goes back may forget it: these events are excused, and counted. All that is in an open range is not
// excused: the webhook's record tells of it.
type journal struct {
	nc                 *nats.Conn
	backlogs, webhooks jetstream.KeyValue
	stop               context.CancelFunc
	watching           sync.WaitGroup

	mu sync.Mutex
	// values are the last ones of each key, by bucket and key, oldest first.
	values map[string][][]byte
	// excused are the deliveries that were forgotten with a record.
	excused map[delivery]bool
	setback int
}

// openJournal reads along from now on; the buckets are there.
func (w *world) openJournal() *journal {
	w.t.Helper()
	j := &journal{values: map[string][][]byte{}, excused: map[delivery]bool{}}
	nc, err := nats.Connect("", nats.InProcessServer(w.server), nats.PingInterval(24*time.Hour), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // a watch that the server forgot is made again
	if err != nil {
		w.t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		w.t.Fatal(err)
	}
	j.nc = nc
	ctx, cancel := context.WithCancel(context.Background())
	j.stop = cancel
	for name, kv := range map[string]*jetstream.KeyValue{"BACKLOGS": &j.backlogs, "WEBHOOKS": &j.webhooks} {
		if *kv, err = js.KeyValue(w.t.Context(), name); err != nil {
			w.t.Fatal(err)
		}
		watch, err := (*kv).Watch(ctx, account.Name+".>")
		if err != nil {
			w.t.Fatal(err)
		}
		j.watching.Go(func() {
			for entry := range watch.Updates() {
				if entry != nil && entry.Operation() == jetstream.KeyValuePut {
					j.keep(name+" "+entry.Key(), entry.Value())
				}
			}
		})
	}
	return j
}

func (j *journal) keep(key string, value []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := append(j.values[key], value)
	j.values[key] = all[max(0, len(all)-kept):]
}

func (j *journal) close() {
	j.stop()
	j.nc.Close()
	j.watching.Wait()
}

// older is a value that a key had lately; nil if none is known.
func (w *world) older(bucket, key string) []byte {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	all := w.journal.values[bucket+" "+key]
	if len(all) == 0 {
		return nil
	}
	return all[w.rng.IntN(len(all))]
}

// setBack sets one record back, whatever anybody does with it at the moment.
func (w *world) setBack() {
	w.t.Helper()
	id := uint64(1 + w.rng.IntN(webhooks))
	key := registry.Key(account.Name, id)
	if w.rng.IntN(3) == 0 {
		w.setBackWebhook(id, key)
		return
	}
	var value []byte // none: the record is removed
	if w.rng.IntN(4) > 0 {
		if value = w.older("BACKLOGS", key); value == nil {
			return
		}
	}
	was, changed := w.replace(w.journal.backlogs, key, value)
	if !changed {
		return
	}
	webhook := w.webhook(key)
	w.forgets(id, w.record(was), w.record(value), &webhook)
}

func (w *world) setBackWebhook(id uint64, key string) {
	w.t.Helper()
	value := w.older("WEBHOOKS", key)
	if value == nil {
		return
	}
	was, changed := w.replace(w.journal.webhooks, key, value)
	if !changed {
		return
	}
	// An open range that has no span any more, and goes too, leaves nothing that tells of it.
	before, after := w.parse(was), w.parse(value)
	entry, err := w.journal.backlogs.Get(w.t.Context(), key)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		w.t.Fatal(err)
	}
	record := backlog.New()
	if err == nil {
		record = w.record(entry.Value())
	}
	if known, open := before.Opened(); open {
		owed := backlog.New()
		owed.Spans = []backlog.Span{{ID: known.ID, From: known.From, Cursor: known.From}}
		if span, open := record.OpenSpan(); open && span.ID == known.ID {
			return
		}
		w.forgets(id, owed, record, &after)
	}
}

// replace puts a value in the place of a key's, nil for none, and returns what was there; false if that cannot be told.
func (w *world) replace(kv jetstream.KeyValue, key string, value []byte) (was []byte, changed bool) {
	w.t.Helper()
	revision := uint64(0)
	entry, err := kv.Get(w.t.Context(), key)
	switch {
	case err == nil:
		was, revision = entry.Value(), entry.Revision()
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		w.t.Fatal(err)
	}
	switch {
	case value == nil && revision == 0:
		return nil, false
	case value == nil:
		err = kv.Purge(w.t.Context(), key, jetstream.LastRevision(revision))
	case revision == 0:
		_, err = kv.Create(w.t.Context(), key, value)
	default:
		_, err = kv.Update(w.t.Context(), key, value, revision)
	}
	if err != nil {
		return nil, false // somebody else has written meanwhile
	}
	w.journal.setback++
	if *verbose {
		w.t.Logf("%s is set back: %s %s, from %s", time.Now().Format("15:04:05.000"), key, value, was)
	}
	return was, true
}

// forgets excuses the events that a record held and that neither the one in its place nor an open range tells of.
func (w *world) forgets(id uint64, was, is backlog.Record, webhook *registry.Webhook) {
	known, open := webhook.Opened()
	given := slices.Clone(was.Exhausted.Seqs)
	for _, n := range was.Outbox {
		given = append(given, n.Seqs...)
	}
	for n := range w.published {
		p := event.Position{Seq: uint64(n) + 1} // the stream holds nothing but these events
		pending, retry := was.Waits(p)
		if !pending && !retry && !was.Spanned(p) && !slices.Contains(given, p.Seq) {
			continue
		}
		pending, retry = is.Waits(p)
		if !pending && !retry && !is.Spanned(p) && (!open || p.Seq < known.From) {
			w.journal.excused[delivery{id, n}] = true
		}
	}
}

// record reads a backlog's record; a new one if there is none.
func (w *world) record(value []byte) backlog.Record {
	w.t.Helper()
	if value == nil {
		return backlog.New()
	}
	r, err := backlog.Decode(value, backlog.Form, time.Now())
	if err != nil {
		w.t.Fatalf("%v: %s", err, value)
	}
	return r
}

func (w *world) webhook(key string) registry.Webhook {
	w.t.Helper()
	entry, err := w.journal.webhooks.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.parse(entry.Value())
}

func (w *world) parse(value []byte) (webhook registry.Webhook) {
	w.t.Helper()
	if err := json.Unmarshal(value, &webhook); err != nil {
		w.t.Fatalf("%v: %s", err, value)
	}
	return webhook
}

// ranges are the open ranges that are left, by webhook.
func (w *world) ranges() string {
	w.t.Helper()
	var left []string
	for id := range uint64(webhooks) {
		webhook := w.webhook(registry.Key(account.Name, id+1))
		if known, open := webhook.Opened(); open {
			left = append(left, fmt.Sprintf("%d: from %d on", webhook.ID, known.From))
		}
	}
	return strings.Join(left, ", ")
}
