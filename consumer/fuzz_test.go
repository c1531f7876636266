package consumer

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
)

// rejected keeps what was moved out of the stream.
type rejected struct{ data [][]byte }

func (r *rejected) Reject(_ context.Context, _ string, _ nats.Header, data []byte, _ event.Position, _ string) error {
	r.data = append(r.data, data)
	return nil
}

// Whatever is published under events.>, it is admitted as it is, and once, or it is moved out of the way as it is.
func FuzzAdmit(f *testing.F) {
	const reply = "$JS.ACK.EVENTS.dispatch.1.7.7.1764097200000000000.0"
	f.Add("events.demo.optin_finalized", "demo:1", []byte(`{"a":1}`), reply)
	f.Add("events.demo.optin_finalized", "", []byte("{not JSON"), reply)
	f.Add("events.demo.a.b", "\x00\r\n", []byte("\xff\xfe"), reply)
	f.Add("events.DEMO.x", "demo:", bytes.Repeat([]byte("["), 20_000), reply)
	f.Add("events.demo.x", "demo:1", []byte("1e999999999"), "$JS.ACK.hub.hash.EVENTS.dispatch.1.7.7.1764097200000000000.0.random")
	f.Add("events.demo.x", "demo:1", []byte("null"), "$JS.ACK.EVENTS.dispatch.1.-7.7.1764097200000000000.0")
	f.Add("events.demo.x", "demo:1", []byte("null"), "_INBOX.x")
	f.Fuzz(func(t *testing.T, subject, id string, data []byte, reply string) {
		rejects := &rejected{}
		w := NewWorker(Options{Rejects: rejects, Log: zap.NewNop()})
		m := &nats.Msg{Subject: subject, Header: nats.Header{nats.MsgIdHdr: {id}}, Data: data, Reply: reply}
		o := w.admit(t.Context(), m, time.Now())
		again := w.admit(t.Context(), m, time.Now())
		seq, _, misplaced := broker.Place(m)
		_, _, wrong := event.ParseSubject(subject)
		switch {
		case misplaced != nil:
			if o != nil || again != nil || len(rejects.data) > 0 {
				t.Error("a message without its place was touched")
			}
		case wrong != nil || event.Check(data) != nil:
			if o != nil || again != nil || len(rejects.data) != 2 || !bytes.Equal(rejects.data[0], data) {
				t.Errorf("what cannot be delivered was admitted (%v), or not moved out of the way", o)
			}
		case seq == 0: // no stream hands it out
		case o == nil || again != nil || len(rejects.data) > 0:
			t.Errorf("an event was admitted as %v and then as %v; %d were rejected", o, again, len(rejects.data))
		case event.Subject(o.event.Account, o.event.Name) != subject || !bytes.Equal(o.event.Data, data) || o.event.Seq != seq:
			t.Errorf("%q %q came out as %+v", subject, data, o.event)
		}
	})
}
