package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/saumer/saumer/event"
)

// batch publishes a batch as demo.
func (u *bundle) batch(body string) (answer batchAnswer) {
	u.t.Helper()
	status, _, text := u.rest("demo", "POST", "/v1/events", body)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		u.t.Fatalf("%d %s, %v", status, text, err)
	}
	return answer
}

// Each item of a batch has its own answer, and one that is refused keeps no other from being stored, byte for byte.
func TestBatch(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.publish("demo", "optin_finalized", "taken", `1`)
	items := []string{
		`{"event":"optin_finalized","data":{"b":1.00, "a":"<&>"}}`,
		`{"event":"optin_finalized","id":"k.1","data":2}`,
		`{"event":"nothing","data":3}`,
		`{"event":"optin_finalized","id":"k.1","data":2}`,
		`{"event":"optin_finalized","id":"k.1","data":4}`,
		`{"event":"optin_finalized","id":"ä","data":5}`,
		`{"event":"optin_finalized","hops":5,"data":6}`,
		`{"event":"optin_finalized","data":"` + strings.Repeat("x", event.MaxSize) + `"}`,
		`{"event":"optout_finalized","id":"taken","hops":4,"data":null}`,
	}
	codes := []int{0, 0, 2, 0, 8, 5, 7, 4, 0}
	for _, body := range []string{"[" + strings.Join(items, ",\n") + "]", strings.Join(items, "\n") + "\n"} {
		answer := u.batch(body)
		if answer.Stored != 4 || answer.Refused != 5 || len(answer.Results) != len(items) {
			t.Fatalf("%+v", answer)
		}
		for i, r := range answer.Results {
			if r.Code != codes[i] || (r.Code == 0) != (r.ID != "" && r.Sequence > 0 && r.Status == 202) || r.Detail == "" {
				t.Errorf("item %d: %+v, want code %d", i, r, codes[i])
			}
		}
		if r := answer.Results; r[1].ID != "k%2E1" || !r[3].Duplicate || r[3].Sequence != r[1].Sequence {
			t.Errorf("%+v", r)
		}
		e, err := u.broker.Event(t.Context(), answer.Results[0].Sequence)
		if err != nil || string(e.Data) != `{"b":1.00, "a":"<&>"}` || e.ID != answer.Results[0].ID {
			t.Errorf("stored %+v %s, %v", e, e.Data, err)
		}
	}
	if e, err := u.broker.Event(t.Context(), u.batch(items[8]).Results[0].Sequence); err != nil || e.Hops != 4 || string(e.Data) != "null" {
		t.Errorf("stored %+v, %v", e, err)
	}
}

// A thousand events are stored in their order.
func TestBatchKeepsTheOrder(t *testing.T) {
	t.Parallel()
	u := setup(t)
	var body strings.Builder
	for i := range maxBatch {
		fmt.Fprintf(&body, "{\"event\":\"optin_finalized\",\"data\":%d}\n", i)
	}
	answer := u.batch(body.String())
	if answer.Stored != maxBatch {
		t.Fatalf("%d are stored", answer.Stored)
	}
	for i, r := range answer.Results {
		if r.Sequence != uint64(i+1) {
			t.Fatalf("item %d has the sequence %d", i, r.Sequence)
		}
	}
	if e, err := u.broker.Event(t.Context(), 700); err != nil || string(e.Data) != "699" {
		t.Errorf("the event 700 is %s, %v", e.Data, err)
	}
}

// Each item is counted, and what is beyond the limit is told.
func TestBatchIsLimited(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.rest("demo", "PATCH", "/v1/accounts/demo/limits", `{"publishes":2}`)
	answer := u.batch(strings.Repeat(`{"event":"optin_finalized","data":1}`, 3))
	if answer.Stored != 2 || answer.Results[2].Code != 86 || answer.Results[2].Status != 429 {
		t.Errorf("%+v", answer)
	}
}
