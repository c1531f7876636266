package virtual

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// foreign is a record that this version did not write.
type foreign struct {
	bucket func() *broker.Bucket
	key    string
	record string
}

// Records that cannot be read are reported and left as they are, and everything else works beside them.
func TestUnreadableRecordsBesideOthers(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	inWorld(t, func(o *app.Options) {
		o.Sweep = 0 // as it is by default: the sweeps are counted
		o.Log = zaptest.NewLogger(t, zaptest.WrapOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return zapcore.NewTee(c, core) })))
	}, func(w *world) {
		id := w.create()
		stuck := w.createAt("http://stuck.example/")
		broken := w.createAt("http://broken.example/")
		webhooks := func() *broker.Bucket { return w.app.Broker().Webhooks }
		backlogs := func() *broker.Bucket { return w.app.Broker().Backlogs }
		accounts := func() *broker.Bucket { return w.app.Broker().Accounts }
		records := []foreign{
			{webhooks, "demo.900", `{"v":99,"id":900,"event":"of the future"}`},
			{webhooks, "demo.901", `not JSON`},
			{webhooks, "demo.902", `{"v":1,"id":7,"account":"other","event":"optin_finalized"}`},
			{backlogs, "demo." + strconv.FormatUint(stuck, 10), `{"v":99,"pending":17}`},
			{backlogs, "demo." + strconv.FormatUint(broken, 10), `{"v":1,"retries":[{"seq":2},{"seq":1}]}`},
			{backlogs, "demo.900", `{"v":1,"parked":true,"spans":[{"from":5,"next":5}]}`},
			{accounts, "newer", `{"v":99,"name":"newer"}`},
			{accounts, "broken", `{"v":1,"name":"newer"}`},
		}
		for _, r := range records {
			if _, err := r.bucket().Put(w.t.Context(), r.key, []byte(r.record), 0); err != nil {
				w.t.Fatal(err)
			}
		}
		w.pass(time.Second)
		w.restart()
		lines.TakeAll()
		w.publish(0, 5)
		w.pass(10*time.Minute + 30*time.Second)
		// Each look says it once: ten minutes, ten sweeps.
		for _, r := range records[3:6] {
			said := lines.FilterMessage("a backlog is left as it is").FilterField(zap.String("webhook", r.key)).Len()
			if said < 10 || said > 12 {
				w.t.Errorf("%s was reported %d times in ten sweeps", r.key, said)
			}
		}
		if n := lines.FilterLevelExact(zap.ErrorLevel).Len(); n > 40 {
			w.t.Errorf("%d errors in ten minutes", n)
		}

		// All three webhooks got the events, since their endpoints took them at once.
		w.got([2]int{0, 5}, [2]int{0, 5}, [2]int{0, 5})
		for id, state := range map[uint64]string{id: replay.Live, stuck: replay.Unreadable, broken: replay.Unreadable} {
			if s := w.status(id); s.State != state {
				w.t.Errorf("webhook %d is %+v, want %s", id, s, state)
			}
		}

		// A webhook fails, is deactivated and activated, beside them. Its events come again only for it.
		w.receiver.only("receiver.example:80")
		w.publish(5, 10)
		w.pass(26 * time.Hour)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != 5 {
			w.t.Errorf("after a day without an endpoint: %+v", s)
		}
		w.receiver.only("")
		if n := w.activate(id, true); n != 5 {
			w.t.Errorf("%d events are to be replayed, want 5", n)
		}
		w.pass(time.Minute)
		w.got([2]int{0, 10}, [2]int{0, 10}, [2]int{0, 10})

		w.refused(record.ErrNewer, 900)
		w.refused(record.ErrUnreadable, 901)
		w.refused(record.ErrUnreadable, 902)
		if err := w.app.Service().Delete(w.t.Context(), w.account, stuck); !errors.Is(err, record.ErrNewer) {
			w.t.Errorf("delete a webhook whose backlog is newer: %v", err)
		}
		// An inactive one stays so where its backlog cannot follow.
		if _, err := w.app.Broker().Webhooks.Get(w.t.Context(), records[3].key); err != nil {
			w.t.Error(err)
		}
		inactive, err := w.registry(stuck)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, _, err := w.app.Service().Activate(w.t.Context(), w.account, stuck, true); !errors.Is(err, record.ErrNewer) {
			w.t.Errorf("activate a webhook whose backlog is newer: %v", err)
		}
		if after, err := w.app.Broker().Webhooks.Get(w.t.Context(), records[3].key); err != nil || !bytes.Equal(after.Value, inactive) {
			w.t.Errorf("the refused activation changed the webhook: %v", err)
		}
		for _, r := range records {
			entry, err := r.bucket().Get(w.t.Context(), r.key)
			if err != nil || string(entry.Value) != r.record {
				w.t.Errorf("%s was touched: %v", r.key, err)
			}
		}
		// One that no version can read goes with its webhook.
		if err := w.app.Service().Delete(w.t.Context(), w.account, broken); err != nil {
			w.t.Error(err)
		}
		if _, err := backlogs().Get(w.t.Context(), records[4].key); !errors.Is(err, broker.ErrNoKey) {
			w.t.Errorf("the backlog of a deleted webhook: %v", err)
		}
	})
}

// registry deactivates a webhook in the journal and returns its record.
func (w *world) registry(id uint64) ([]byte, error) {
	key := registry.Key(account, id)
	entry, err := w.app.Broker().Webhooks.Get(w.t.Context(), key)
	if err != nil {
		return nil, err
	}
	record := bytes.Replace(entry.Value, []byte(`"active":true`), []byte(`"active":false,"deactivated":"2000-01-01T00:00:00Z"`), 1)
	_, err = w.app.Broker().Webhooks.Put(w.t.Context(), key, record, entry.Revision)
	return record, err
}

// refused checks that nothing can be done with a webhook.
func (w *world) refused(want error, id uint64) {
	w.t.Helper()
	s := w.app.Service()
	_, get := s.Get(w.t.Context(), w.account, id)
	_, _, activate := s.Activate(w.t.Context(), w.account, id, true)
	remove := s.Delete(w.t.Context(), w.account, id)
	for _, err := range []error{get, activate, remove} {
		if !errors.Is(err, want) {
			w.t.Errorf("webhook %d: %v, want %v", id, err, want)
		}
	}
	listed, err := s.List(w.t.Context(), w.account, api.ListFilter{})
	if err != nil || slices.ContainsFunc(listed.Webhooks, func(w api.Webhook) bool { return w.ID == id }) {
		w.t.Errorf("the list with webhook %d: %v", id, err)
	}
}

// A publisher's headers named like those of NATS mislead neither the live path nor the backlog.
func TestPublishersHeadersDoNotMislead(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		id := w.create()
		w.publish(0, 2)
		w.pass(time.Second)
		w.receiver.goes(true)
		headers := []nats.Header{
			{"Status": {"500"}}, {"Status": {"404"}}, {"Nats-Sequence": {"1"}}, {"Nats-Sequence": {"x"}}, {"Nats-Subject": {"events.other.x"}},
			{"Nats-Time-Stamp": {"never"}}, {"Nats-Num-Pending": {"x"}}, {"Nats-Stream": {""}}, {"Nats-Last-Sequence": {"0"}},
		}
		// The first fails on the live path and waits by itself, the others beyond the slack are read from the stream.
		for i, h := range headers {
			w.publishWith(10+i, h)
		}
		w.pass(time.Minute)
		w.publish(100, 200)
		for i, h := range headers {
			w.publishWith(200+i, h)
		}
		w.pass(25 * time.Hour)
		if s := w.status(id); s.State != replay.Inactive || s.Buffered != uint64(100+2*len(headers)) {
			w.t.Errorf("deactivated: %+v", s)
		}
		w.receiver.goes(false)
		if n := w.activate(id, true); n != uint64(100+2*len(headers)) {
			w.t.Errorf("%d events are to be replayed", n)
		}
		w.pass(time.Minute)
		w.got([2]int{0, 2}, [2]int{10, 10 + len(headers)}, [2]int{100, 200}, [2]int{200, 200 + len(headers)})
	})
}

func (w *world) publishWith(number int, h nats.Header) {
	w.t.Helper()
	if _, err := w.app.Broker().JetStream.PublishMsg(w.t.Context(), &nats.Msg{
		Subject: "events.demo." + optin, Header: h, Data: []byte(strconv.Itoa(number)),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// What cannot be delivered at all goes to REJECTED, whatever its size and subject, and what comes after it is delivered.
func TestRejected(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.create()
		const most = 1<<20 + 64<<10 // of the embedded NATS
		messages := []*nats.Msg{
			{Subject: "events.demo." + optin, Data: nil},
			{Subject: "events.demo." + optin, Data: []byte(strings.Repeat("[", 100_000))},
			{Subject: "events.demo." + optin, Data: bytes.Repeat([]byte("1"), most)},
			{Subject: "events.demo." + optin, Data: []byte("\xff\xfe")},
			{Subject: "events.DEMO." + optin, Data: []byte("1")},
			{Subject: "events.demo.x.y", Data: []byte("1")},
			{Subject: "events.demo." + strings.Repeat("x", 3900), Data: []byte("1")},
			{Subject: "events.demo." + optin, Data: []byte("x"), Header: nats.Header{nats.MsgIdHdr: {strings.Repeat("i", 60_000)}}},
		}
		for _, m := range messages {
			if _, err := w.app.Broker().JetStream.PublishMsg(w.t.Context(), m); err != nil {
				w.t.Fatalf("%.60s: %v", m.Subject, err)
			}
		}
		w.publish(0, 3)
		w.pass(time.Minute)
		w.got([2]int{0, 3})
		stream, err := w.app.Broker().JetStream.Stream(w.t.Context(), "REJECTED")
		if err != nil {
			w.t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != uint64(len(messages)) {
			w.t.Errorf("%d are rejected, want %d", n, len(messages))
		}
		for seq := range uint64(len(messages)) {
			m, err := stream.GetMsg(w.t.Context(), seq+1)
			if err != nil || m.Header.Get("Saumer-Reason") == "" || m.Header.Get("Saumer-Sequence") == "" {
				w.t.Errorf("rejected message %d: %v, %v", seq+1, m, err)
			}
		}
	})
}
