package event

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	at := Position{Seq: 4, Time: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)}
	drawn := NewID()
	for name, test := range map[string]struct {
		header nats.Header
		want   string
	}{
		"neither a key nor a drawn id":          {nil, PositionID(at)},
		"a key":                                 {nats.Header{nats.MsgIdHdr: {"order-7"}}, "order-7"},
		"a key that Saumer stored":              {nats.Header{nats.MsgIdHdr: {"demo:order-7"}}, "order-7"},
		"a key with a dot":                      {nats.Header{nats.MsgIdHdr: {"v1.7"}}, "v1%2E7"},
		"a key that looks like an encoded one":  {nats.Header{nats.MsgIdHdr: {"v1%2E7"}}, "v1%252E7"},
		"a key that looks like an id of ours":   {nats.Header{nats.MsgIdHdr: {drawn}}, "%73" + drawn[1:]},
		"a drawn id":                            {nats.Header{idHeader: {drawn}}, drawn},
		"a key beats a drawn id":                {nats.Header{idHeader: {drawn}, nats.MsgIdHdr: {"k"}}, "k"},
		"a key within account and event":        {nats.Header{nats.MsgIdHdr: {MessageID("demo", "x", "order.7")}, idHeader: {KeyID("order.7")}}, "order%2E7"},
		"the same without the id":               {nats.Header{nats.MsgIdHdr: {MessageID("demo", "x", "7")}}, "x:7"},
		"an id with a dot, that is of no key":   {nats.Header{nats.MsgIdHdr: {"k"}, idHeader: {"a.b"}}, "k"},
		"a key's id without a message id":       {nats.Header{idHeader: {"order"}}, PositionID(at)},
		"a header that nobody of ours has made": {nats.Header{idHeader: {"saumer-x"}}, PositionID(at)},
	} {
		e, err := New("events.demo.x", test.header, nil, at.Seq, at.Time)
		if err != nil || e.ID != test.want {
			t.Errorf("%s: %q, %v; want %q", name, e.ID, err, test.want)
		}
		if p, ok := PositionOf(e.ID); ok && !p.Is(at) || ok != (e.ID == PositionID(at)) {
			t.Errorf("%s: the id %q is of the position %v, %v", name, e.ID, p, ok)
		}
		if _, positional := PositionOf(e.ID); !positional && !HasID(test.header, "demo", e.ID) {
			t.Errorf("%s: the id %q is not found by the headers", name, e.ID)
		}
	}
	later := at
	later.Time = later.Time.Add(time.Second)
	if PositionID(at) == PositionID(later) {
		t.Error("two events that had one sequence have one id")
	}
}

// Whatever a key is: its id has no dot, is no id of ours, and tells the key.
func FuzzKeyID(f *testing.F) {
	for _, key := range []string{"a", "1.2.3", "%", "%2E", "saumer-", "saumer-x-1", "%73aumer-x", "\xff", strings.Repeat(".", 300)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		id := KeyID(key)
		back, ok := KeyOf(id)
		if strings.Contains(id, ".") || strings.HasPrefix(id, ownID) || !ok || back != key {
			t.Errorf("the key %q has the id %q, which is of %q, %v", key, id, back, ok)
		}
	})
}
