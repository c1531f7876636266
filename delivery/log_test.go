package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/delivery"
)

// openLogBroker starts an embedded broker without a listener for one test.
func openLogBroker(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Options{
		Dir: t.TempDir(), Replicas: 1, Retention: 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

var logged = delivery.Attempt{
	Seq: 42, ID: `order "7"`, Number: 3, Replay: true, Published: time.Date(2025, 11, 11, 9, 27, 28, 5, time.UTC),
	At: time.Date(2025, 11, 11, 9, 27, 29, 123456789, time.UTC), Duration: 1500 * time.Microsecond,
	Outcome: delivery.Unavailable, Status: 503, Error: "the endpoint answered 503 <busy> & \x00\n", Response: []byte("b\xff"),
	RetryAfter: time.Minute,
}

// The log outlives the process, so its form must not change by accident.
func TestAttemptForm(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]delivery.Attempt{
		`{"seq":42,"id":"order \"7\"","attempt":3,"published":"2025-11-11T09:27:28.000000005Z","replay":true,"at":"2025-11-11T09:27:29.123456789Z","duration":1500000,` +
			`"outcome":"unavailable","status":503,"error":"the endpoint answered 503 \u003cbusy\u003e \u0026 \u0000\n",` +
			`"response":"Yv8=","retry_after":60000000000}`: logged,
		`{"seq":1,"id":"1","attempt":1,"at":"2025-11-11T09:27:29.123456789Z","duration":1,"outcome":"delivered","status":200}`: {
			Seq: 1, ID: "1", Number: 1, At: logged.At, Duration: 1, Outcome: delivery.Delivered, Status: 200,
		},
	} {
		got, err := json.Marshal(a)
		if err != nil || string(got) != want {
			t.Errorf("the form of an attempt is\n%s, %v\nwant\n%s", got, err, want)
		}
	}
}

func TestLogListsNewestFirstByPage(t *testing.T) {
	t.Parallel()
	b := openLogBroker(t)
	l := delivery.NewLog(b, zap.NewNop())
	for i := range 10 {
		a := logged
		a.Number = i + 1
		if i%2 == 1 {
			a.Outcome = delivery.Delivered
		}
		l.Append("demo.7", a)
		l.Append("demo.8", a)
	}
	// What was published before on this connection is stored when this is acknowledged.
	if _, err := b.JetStream.Publish(t.Context(), "attempts.demo.1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		filter delivery.LogFilter
		pages  [][]int
	}{
		{delivery.LogFilter{}, [][]int{{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}}},
		{delivery.LogFilter{Limit: 4}, [][]int{{10, 9, 8, 7}, {6, 5, 4, 3}, {2, 1}}},
		{delivery.LogFilter{Limit: 5}, [][]int{{10, 9, 8, 7, 6}, {5, 4, 3, 2, 1}}},
		{delivery.LogFilter{Limit: 3, Outcome: delivery.Delivered}, [][]int{{10, 8, 6}, {4, 2}}},
		{delivery.LogFilter{Limit: 5, Outcome: delivery.Delivered}, [][]int{{10, 8, 6, 4, 2}}},
		{delivery.LogFilter{Outcome: delivery.Gone}, [][]int{{}}},
	} {
		for i, page := range c.pages {
			entries, next, err := l.List(t.Context(), "demo.7", c.filter)
			if err != nil {
				t.Fatal(err)
			}
			if (next != 0) != (i < len(c.pages)-1) {
				t.Errorf("%+v, page %d: next is %d", c.filter, i, next)
			}
			var got []int
			for _, e := range entries {
				got = append(got, e.Number)
			}
			if len(got) != len(page) {
				t.Fatalf("%+v, page %d: got %v, want %v", c.filter, i, got, page)
			}
			for k := range got {
				if got[k] != page[k] {
					t.Errorf("%+v, page %d: got %v, want %v", c.filter, i, got, page)
				}
			}
			c.filter.Before = next
		}
	}
	entries, _, err := l.List(t.Context(), "demo.7", delivery.LogFilter{Limit: 1, Outcome: delivery.Unavailable})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	want := logged
	want.Number = 9
	got := entries[0].Attempt
	if !got.At.Equal(want.At) || string(got.Response) != string(want.Response) || got.Error != want.Error || got.RetryAfter != want.RetryAfter {
		t.Errorf("read back %+v, want %+v", got, want)
	}
	if entries, next, err := l.List(t.Context(), "demo.9", delivery.LogFilter{}); len(entries) != 0 || next != 0 || err != nil {
		t.Errorf("the log of a webhook without attempts: %v, %d, %v", entries, next, err)
	}
}

func TestLogSaysOnceThatItFails(t *testing.T) {
	t.Parallel()
	b := openLogBroker(t)
	core, lines := observer.New(zap.DebugLevel)
	l := delivery.NewLog(b, zap.New(core))
	b.Close()
	for range 100 {
		l.Append("demo.7", logged)
	}
	if n := lines.Len(); n != 1 {
		t.Errorf("100 failures made %d lines, want 1", n)
	}
}

func BenchmarkLogAppend(b *testing.B) {
	br, err := broker.Open(b.Context(), broker.Options{
		Dir: b.TempDir(), Replicas: 1, Retention: 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(br.Close)
	a := logged
	a.Outcome, a.Status, a.Error, a.Response = delivery.Delivered, 200, "", []byte(`{"ok":true}`)
	b.Run("only marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(a); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		l := delivery.NewLog(br, zap.NewNop())
		b.ReportAllocs()
		for b.Loop() {
			l.Append("demo.7", a)
		}
	})
}
