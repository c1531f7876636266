package event

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A subject is taken apart exactly, or refused with one of three errors.
func FuzzSubject(f *testing.F) {
	for _, seed := range []string{
		"events.demo.optin_finalized", "events.demo.", "events..x", "events.demo.x.y", "events.*.>", "events.DEMO.x", "rejected.events.a.b",
		"events.demo.\xff", "events.a\n.b", "events.demo." + strings.Repeat("x", 65),
	} {
		f.Add(seed, "id", uint64(1))
	}
	f.Add("events.demo.x", "demo:", uint64(7))
	f.Add("events.demo.x", "demo:demo:a", uint64(7))
	f.Fuzz(func(t *testing.T, subject, id string, seq uint64) {
		e, err := New(subject, nats.Header{nats.MsgIdHdr: {id}}, nil, seq, time.Time{})
		if err != nil {
			if !errors.Is(err, ErrSubject) && !errors.Is(err, ErrAccount) && !errors.Is(err, ErrName) {
				t.Errorf("%q: %v", subject, err)
			}
			return
		}
		if Subject(e.Account, e.Name) != subject || ValidAccount(e.Account) != nil || ValidName(e.Name) != nil {
			t.Errorf("%q was taken apart into %q and %q", subject, e.Account, e.Name)
		}
		if e.ID == "" || e.Seq != seq {
			t.Errorf("%q with the id %q: %+v", subject, id, e)
		}
	})
}

// A body that is accepted is JSON within the limit, and keeps every byte.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":null}]}`), 1)
	f.Add([]byte(`1e999999999`), 1)
	f.Add([]byte("\"\xff\""), 1)
	f.Add([]byte(`[`), 10_001)
	f.Add([]byte(`{"a":`), 200_000)
	f.Add([]byte(" "), MaxSize)
	f.Add([]byte("\xef\xbb\xbf1"), 1)
	f.Fuzz(func(t *testing.T, data []byte, times int) {
		data = []byte(strings.Repeat(string(data), min(max(times, 0), 2*MaxSize/max(len(data), 1))))
		switch err := Check(data); {
		case errors.Is(err, ErrSize):
			if len(data) <= MaxSize {
				t.Errorf("%d bytes are too many", len(data))
			}
		case errors.Is(err, ErrBody):
			if json.Valid(data) {
				t.Errorf("%.100q was refused", data)
			}
		case err != nil:
			t.Error(err)
		case len(data) > MaxSize || !json.Valid(data):
			t.Errorf("%.100q was accepted", data)
		}
	})
}
