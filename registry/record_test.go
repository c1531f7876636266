package registry

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// A webhook's record is read as what it is written as again, or refused as newer or unreadable.
func FuzzWebhookRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"id":7,"account":"demo","app":"a","event":"x","url":"https://h/","created":"2026-03-01T12:00:00Z","secrets":["s"],"active":true,"ranges":[{"from":0,"to":5},{"from":9}],"settings":{"max_in_flight":3,"timeout":1000,"headers":{"A":"b"}}}`,
		`{"v":2,"id":{},"event":"x","more":[]}`, `{"v":1,"V":2}`, `{"v":1.5}`, `{"v":"1"}`, `{"v":0}`, `{"v":-1}`, `{"v":18446744073709551616}`,
		`{"v":1,"id":8,"account":"demo","event":"x"}`, `{"v":1,"id":7,"account":"other","event":"x"}`,
		`{"v":1,"id":7,"account":"demo","event":"x","ranges":[{"from":9},{"from":3,"to":1}]}`,
		`{"v":1,"id":7,"account":"demo","event":"x","deactivated":"9999-12-31T23:59:59-23:59","activation":{}}`,
		`null`, `[]`, `{}`, ``, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := decodeEntry("demo.7", data, 5)
		if err != nil {
			if !errors.Is(err, ErrNewer) && !errors.Is(err, ErrUnreadable) {
				t.Errorf("%q: %v", data, err)
			}
			if event := w.Event; !reflect.DeepEqual(w, Webhook{Event: event}) {
				t.Errorf("%q was refused, and read as %+v", data, w)
			}
			return
		}
		if w.Key() != "demo.7" || w.Event == "" || w.Revision != 5 {
			t.Errorf("%q was read as %+v", data, w)
		}
		for _, seq := range []uint64{0, 1, 1 << 40, ^uint64(0)} {
			if r, ok := w.RangeOf(seq); ok && !r.Holds(seq) {
				t.Errorf("%q: %d is in %+v", data, seq, r)
			}
		}
		written, err := json.Marshal(w)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		again, err := decodeEntry("demo.7", written, 5)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", data, written, err)
		}
		twice, err := json.Marshal(again)
		if err != nil || string(twice) != string(written) {
			t.Errorf("%q was written as %q and then as %q, %v", data, written, twice, err)
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
		var a, again account
		if err := DecodeRecord(data, recordVersion, &a); err != nil {
			if !errors.Is(err, ErrNewer) && !errors.Is(err, ErrUnreadable) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		if err := DecodeRecord(written, recordVersion, &again); err != nil {
			t.Fatalf("%q was written as %q: %v", data, written, err)
		}
		if !a.Created.Equal(again.Created) || a.Name != again.Name || a.Hash != again.Hash || a.Operator != again.Operator || a.Version != again.Version {
			t.Errorf("%q: %+v came back as %+v", data, a, again)
		}
	})
}
