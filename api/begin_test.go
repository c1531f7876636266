package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
)

// A webhook that begins in the past says with how many events, and since when there are any if it was to begin before.
func TestCreateSaysWhatItBeginsWith(t *testing.T) {
	t.Parallel()
	u := setup(t)
	before := time.Now().Add(-time.Hour)
	for range 4 {
		if _, err := event.Publish(t.Context(), u.broker.JetStream, "demo", "optin_finalized", "", []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	events, err := u.broker.JetStream.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	create := func(from string) (start *struct {
		Events    uint64
		KeptSince *time.Time
	}) {
		t.Helper()
		status, _, answer := u.rest("demo", "POST", "/v1/webhooks", fmt.Sprintf(`{"app":"a","event":"optin_finalized","url":"https://example.org/x","from":%q}`, from))
		made := struct{ Replayed any }{&start}
		if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		return start
	}
	past := before.UTC().Format(time.RFC3339)
	if s := create(past); s == nil || s.Events != 4 || s.KeptSince != nil {
		t.Errorf("with all that ever was: %+v", s)
	}
	if err := events.Purge(t.Context(), jetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	oldest, err := u.broker.Event(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if s := create(past); s == nil || s.Events != 2 || s.KeptSince == nil || !s.KeptSince.Equal(oldest.Time.Truncate(time.Millisecond)) {
		t.Errorf("from before the oldest event, of %s: %+v", oldest.Time, s)
	}
	if s := create("1"); s == nil || s.Events != 2 || s.KeptSince == nil {
		t.Errorf("from a sequence before the oldest: %+v", s)
	}
	if s := create("3"); s == nil || s.Events != 2 || s.KeptSince != nil {
		t.Errorf("from the oldest, with nothing missing: %+v", s)
	}
	if s := create(oldest.Time.Format(time.RFC3339Nano)); s == nil || s.Events != 2 || s.KeptSince != nil {
		t.Errorf("from the time of the oldest: %+v", s)
	}
	if s := create("now"); s != nil {
		t.Errorf("from now on: %+v", s)
	}
}
