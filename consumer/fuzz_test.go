package consumer

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// message is a message as NATS might hand it out, whoever published it.
type message struct {
	jetstream.Msg
	subject string
	header  nats.Header
	data    []byte
	meta    *jetstream.MsgMetadata // nil: the reply subject says nothing of it
	acked   int
}

var errNoMeta = errors.New("not a JetStream message")

func (m *message) Subject() string      { return m.subject }
func (m *message) Headers() nats.Header { return m.header }
func (m *message) Data() []byte         { return m.data }
func (m *message) Ack() error           { m.acked++; return nil }
func (m *message) Metadata() (*jetstream.MsgMetadata, error) {
	if m.meta == nil {
		return nil, errNoMeta
	}
	return m.meta, nil
}

// rejected keeps what was moved out of the stream.
type rejected struct{ data [][]byte }

func (r *rejected) Reject(_ context.Context, _ string, _ nats.Header, data []byte, _ uint64, _ string) error {
	r.data = append(r.data, data)
	return nil
}

// Whatever is published under events.>, it is admitted as it is, or it is moved out of the way as it is and
// acknowledged; and it is admitted once.
func FuzzAdmit(f *testing.F) {
	f.Add("events.demo.optin_finalized", "demo:1", []byte(`{"a":1}`), uint64(1), true)
	f.Add("events.demo.optin_finalized", "", []byte("{not JSON"), uint64(2), true)
	f.Add("events.demo.a.b", "\x00\r\n", []byte("\xff\xfe"), uint64(0), true)
	f.Add("events.DEMO.x", "demo:", bytes.Repeat([]byte("["), 20_000), ^uint64(0), true)
	f.Add("events.demo.x", "demo:1", []byte("1e999999999"), uint64(window), true)
	f.Add("events.demo.x", "demo:1", []byte("null"), uint64(1), false)
	f.Fuzz(func(t *testing.T, subject, id string, data []byte, seq uint64, known bool) {
		rejects := &rejected{}
		w := NewWorker(Options{Rejects: rejects, Log: zap.NewNop()})
		m := &message{subject: subject, header: nats.Header{nats.MsgIdHdr: {id}}, data: data}
		if known {
			m.meta = &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: seq}, Timestamp: time.Now()}
		}
		o := w.admit(t.Context(), m, time.Now())
		again := w.admit(t.Context(), m, time.Now())
		_, _, wrong := event.ParseSubject(subject)
		bad := wrong != nil || event.Check(data) != nil
		switch {
		case !known:
			if o != nil || again != nil || m.acked > 0 || len(rejects.data) > 0 {
				t.Error("a message without a position was touched")
			}
		case bad:
			if o != nil || again != nil || m.acked != 2 || len(rejects.data) != 2 || !bytes.Equal(rejects.data[0], data) {
				t.Errorf("what cannot be delivered was admitted (%v), or not moved out of the way", o)
			}
		case seq == 0:
			// No stream hands it out.
		case o == nil || again != nil || m.acked > 0 || len(rejects.data) > 0:
			t.Errorf("an event was admitted as %v and then as %v; %d were rejected", o, again, len(rejects.data))
		case event.Subject(o.event.Account, o.event.Name) != subject || !bytes.Equal(o.event.Data, data) || o.event.Seq != seq:
			t.Errorf("%q %q came out as %+v", subject, data, o.event)
		}
	})
}
