package registry

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// A webhook's record is read as what it is written as again, or refused as newer or unreadable.
func FuzzWebhookRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"id":7,"account":"demo","app":"a","event":"x","url":"https://h/","created":"2026-03-01T12:00:00Z","secrets":["s"],"active":true,"ranges":[{"from":0,"to":5},{"from":9}],"settings":{"max_in_flight":3,"timeout":1000,"headers":{"A":"b"}}}`,
		`{"v":2,"id":7,"account":"demo","event":"x","ranges":[{"id":"before","from":0,"to":{"seq":5,"asof":"2026-03-01T12:00:00Z"}},{"id":"r","from":3}],"activation":{"at":"2026-03-01T12:00:00Z","until":{"seq":3},"from":{"seq":9},"total":2}}`,
		`{"v":2,"id":7,"account":"demo","event":"x","ranges":[{"from":0,"to":5}]}`, `{"v":3,"id":{},"event":"x","more":[]}`, `{"v":1,"V":2}`, `{"v":1.5}`, `{"v":"1"}`, `{"v":0}`, `{"v":-1}`, `{"v":18446744073709551616}`,
		`{"v":1,"id":8,"account":"demo","event":"x"}`, `{"v":1,"id":7,"account":"demo","event":"x","settings":{"headers":{}}}`, `{"v":1,"id":7,"account":"other","event":"x"}`,
		`{"v":1,"id":7,"account":"demo","event":"x","ranges":[{"from":9},{"from":3,"to":1}]}`,
		`{"v":1,"id":7,"account":"demo","event":"x","deactivated":"9999-12-31T23:59:59-23:59","activation":{}}`,
		`null`, `[]`, `{}`, ``, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		written := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		w, err := decodeWebhook(broker.Entry{Key: "demo.7", Value: data, Revision: 5, Written: written})
		if err != nil {
			if !errors.Is(err, record.ErrNewer) && !errors.Is(err, record.ErrUnreadable) {
				t.Errorf("%q: %v", data, err)
			}
			if event := w.Event; !reflect.DeepEqual(w, Webhook{Event: event}) {
				t.Errorf("%q was refused, and read as %+v", data, w)
			}
			return
		}
		if w.Key() != "demo.7" || w.Event == "" || w.Revision != 5 || w.Form != webhookForm {
			t.Errorf("%q was read as %+v", data, w)
		}
		for _, seq := range []uint64{0, 1, 1 << 40, ^uint64(0)} {
			at := event.Position{Seq: seq, Time: written}
			if r, ok := w.RangeOf(at); ok && !r.Holds(at) {
				t.Errorf("%q: %d is in %+v", data, seq, r)
			}
		}
		encoded, err := EncodeWebhook(&w)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		// Whatever form it had, it is of the newest, which knows no time when it was written.
		again, err := decodeWebhook(broker.Entry{Key: "demo.7", Value: encoded, Revision: 5})
		if err != nil {
			t.Fatalf("%q was written as %q: %v", data, encoded, err)
		}
		twice, err := EncodeWebhook(&again)
		if err != nil || string(twice) != string(encoded) {
			t.Errorf("%q was written as %q and then as %q, %v", data, encoded, twice, err)
		}
	})
}

func FuzzAccountRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"name":"demo","operator":true,"created":"2026-03-01T12:00:00Z","hash":"$2a$10$x"}`, `{"v":2,"name":7}`, `{"v":1,"name":7}`, `{"v":1e1}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeAccount(broker.Entry{Key: "demo", Value: data})
		if err != nil {
			if !errors.Is(err, record.ErrNewer) && !errors.Is(err, record.ErrUnreadable) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		written, err := encodeAccount(&a)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		again, err := decodeAccount(broker.Entry{Key: "demo", Value: written})
		if err != nil {
			t.Fatalf("%q was written as %q: %v", data, written, err)
		}
		if !a.Created.Equal(again.Created) || a.Name != again.Name || a.Hash != again.Hash || a.Operator != again.Operator || a.Form != again.Form {
			t.Errorf("%q: %+v came back as %+v", data, a, again)
		}
	})
}
