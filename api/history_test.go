package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// published is what a list of events has of one.
type published struct {
	ID, Event string
	Sequence  uint64
	Size      int
	Published time.Time
}

// events lists events as demo.
func (u *bundle) events(query url.Values) (found []published, next *uint64) {
	u.t.Helper()
	_, _, answer := u.rest("demo", "GET", "/v1/events?"+query.Encode(), "")
	var page struct {
		Events []published
		Next   *uint64
	}
	if err := json.Unmarshal([]byte(answer), &page); err != nil {
		u.t.Fatal(err, answer)
	}
	return page.Events, page.Next
}

func (u *bundle) publish(account, name, key, data string) {
	u.t.Helper()
	var header []string
	if key != "" {
		header = []string{"Idempotency-Key", key}
	}
	if status, _, answer := u.rest(account, "POST", "/v1/events/"+name, data, header...); status != http.StatusAccepted {
		u.t.Fatal(status, answer)
	}
}

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	u := setup(t)
	var want []uint64
	for i := range 9 {
		name := []string{"optin_finalized", "optout_finalized", "optin_finalized"}[i%3]
		u.publish("demo", name, fmt.Sprintf("k%d", i), strings.Repeat("1", i+1))
		u.publish("other", name, "", "1")
		if name == "optin_finalized" {
			want = append([]uint64{uint64(2*i + 1)}, want...)
		}
	}
	var got []uint64
	query := url.Values{"name": {"optin_finalized"}, "limit": {"2"}}
	for next := new(uint64); next != nil; {
		var page []published
		page, next = u.events(query)
		for _, e := range page {
			got = append(got, e.Sequence)
		}
		if next != nil {
			query.Set("before", fmt.Sprint(*next))
		}
		if len(page) > 2 || len(got) > 20 {
			t.Fatal(got)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("by pages %v, want %v", got, want)
	}
	all, _ := u.events(url.Values{})
	if len(all) != 9 || all[0].ID != "k8" || all[0].Size != 9 || all[0].Event != "optin_finalized" {
		t.Fatalf("all are %+v", all)
	}
	// The time is cut to milliseconds on the wire.
	first, last := u.at(all[6].Sequence), u.at(all[3].Sequence)
	between, _ := u.events(url.Values{"from": {first.Format(time.RFC3339Nano)}, "to": {last.Format(time.RFC3339Nano)}})
	if len(between) != 3 || between[0].ID != "k4" || between[2].ID != "k2" {
		t.Errorf("between k2 and k5 are %+v", between)
	}
	for id, want := range map[string]string{"k3": "k3", "7": "k3", "nothing": "", "2": ""} {
		found, _ := u.events(url.Values{"id": {id}})
		if len(found) > 1 || (len(found) == 1) != (want != "") || len(found) == 1 && found[0].ID != want {
			t.Errorf("by the id %s: %+v, want %q", id, found, want)
		}
	}
}

// at is when an event was stored.
func (u *bundle) at(seq uint64) time.Time {
	u.t.Helper()
	e, err := u.broker.Event(u.t.Context(), seq)
	if err != nil {
		u.t.Fatal(err)
	}
	return e.Time
}

// One event is shown with what became of it for the webhooks that it is for, and for no others.
func TestEventWithItsDeliveries(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for _, name := range []string{"optin_finalized", "optin_finalized", "optout_finalized"} {
		u.create("shop", name)
	}
	u.publish("demo", "optin_finalized", "a/b c", `{"b":1.00,"a":"<&>"}`)
	u.attempts.Append("demo.1", delivery.Attempt{Seq: 1, ID: "a/b c", Number: 1, Outcome: delivery.Delivered, Status: 200, At: u.at(1), Published: u.at(1)})
	_, _, answer := u.rest("demo", "GET", "/v1/events/"+url.PathEscape("a/b c"), "")
	var told struct {
		ID         string
		Data       json.RawMessage
		Deliveries []struct {
			Webhook  uint64
			Reason   string
			Attempts []struct{ Outcome string }
		}
	}
	if err := json.Unmarshal([]byte(answer), &told); err != nil || string(told.Data) != `{"b":1.00,"a":"<&>"}` {
		t.Fatal(answer, err)
	}
	if d := told.Deliveries; len(d) != 2 || d[0].Webhook != 1 || d[0].Reason != "delivered" || len(d[0].Attempts) != 1 || d[1].Reason != "ahead" {
		t.Errorf("the deliveries are %+v", d)
	}
	types, _, _ := u.rest("demo", "GET", "/v1/event-types", "")
	_, _, answer = u.rest("demo", "GET", "/v1/event-types", "")
	if types != 200 || !strings.Contains(answer, `"a/b c"`) || !strings.Contains(answer, `"newest":null`) || strings.Count(answer, `"sample":{`) < 2 {
		t.Errorf("the types are %s", answer)
	}
}

// What is erased is in no answer any more, and why says so.
func TestErase(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.create("shop", "optin_finalized")
	const private = `"anna@example.org"`
	u.publish("demo", "optin_finalized", "order", private)
	u.publish("demo", "optin_finalized", "", "2")
	for i, a := range []delivery.Attempt{
		{Seq: 2, Number: 1, Outcome: delivery.Status, Status: 400, Response: []byte("of another")},
		{Seq: 1, ID: "order", Number: 1, Outcome: delivery.Status, Status: 400, Response: []byte("what is " + private)},
		{Seq: 2, Number: 2, Outcome: delivery.Delivered, Status: 200, Response: []byte("of another")},
	} {
		a.At, a.Published = u.at(a.Seq).Add(time.Duration(i)), u.at(a.Seq)
		u.attempts.Append("demo.1", a)
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/order", ""); status != 200 || answer != `{"sequence":1}` {
		t.Fatal(status, answer)
	}
	_, _, log := u.rest("demo", "GET", "/v1/webhooks/1/attempts", "")
	if strings.Contains(log, "anna") || strings.Count(log, "of another") != 2 || strings.Count(log, `"attempt":`) != 3 || strings.Index(log, `"attempt":2`) > strings.Index(log, `"id":"order"`) {
		t.Errorf("the log is %s", log)
	}
	if status, code, answer := u.rest("demo", "GET", "/v1/events/1", ""); status != http.StatusGone || code != 3 {
		t.Errorf("the event: %d %s", status, answer)
	}
	// Its id stays its own, also where it is a number, and what is erased twice is it.
	u.publish("demo", "optin_finalized", "2", "3")
	for range 2 {
		if status, _, answer := u.rest("demo", "DELETE", "/v1/events/2", ""); status != 200 || answer != `{"sequence":3}` {
			t.Errorf("erased by an id that is a number: %d %s", status, answer)
		}
	}
	if status, _, answer := u.rest("demo", "GET", "/v1/events/2", ""); status != http.StatusGone {
		t.Errorf("the event whose id was a number: %d %s", status, answer)
	}
	if _, _, answer := u.rest("demo", "GET", "/v1/webhooks/1/why?event=order", ""); !strings.Contains(answer, `"reason":"erased"`) {
		t.Errorf("why answers %s", answer)
	}
	if all, _ := u.events(url.Values{}); len(all) != 1 || all[0].Sequence != 2 {
		t.Errorf("listed are %+v", all)
	}
	if _, _, answer := u.rest("demo", "GET", "/v1/accounts/demo/audit", ""); !strings.Contains(answer, "EraseEvent") {
		t.Errorf("the audit log is %s", answer)
	}
	if status, code, answer := u.rest("demo", "POST", "/v1/webhooks/1/redeliver", `{"sequence":1}`); status != http.StatusGone {
		t.Errorf("redelivered: %d %d %s", status, code, answer)
	}
}

// An id is that of one event of each name, and after the window of duplicates of several: none is taken for another.
func TestSeveralEventsHaveOneID(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.publish("demo", "optin_finalized", "order", "1")
	u.publish("demo", "optout_finalized", "order", "2")
	u.publish("other", "optin_finalized", "order", "3")
	for _, method := range []string{"GET", "DELETE"} {
		if status, _, answer := u.rest("demo", method, "/v1/events/order", ""); status != http.StatusConflict || !strings.Contains(answer, "sequences are 1, 2") {
			t.Errorf("%s: %d %s", method, status, answer)
		}
		if status, code, answer := u.rest("demo", method, "/v1/events/order?name=profilemanager_finalized", ""); status != http.StatusNotFound || code != 2 {
			t.Errorf("%s of another name: %d %s", method, status, answer)
		}
		for _, name := range []string{"", "*", "%3E", "a.b"} {
			if status, code, answer := u.rest("demo", method, "/v1/events/order?name="+name, ""); status != http.StatusBadRequest || code != 91 {
				t.Errorf("%s of the name %q: %d %s", method, name, status, answer)
			}
		}
	}
	if all, _ := u.events(url.Values{"id": {"order"}}); len(all) != 2 || all[0].Sequence != 2 || all[1].Sequence != 1 {
		t.Errorf("listed by the id are %+v", all)
	}
	if first, next := u.events(url.Values{"id": {"order"}, "limit": {"1"}}); len(first) != 1 || first[0].Sequence != 2 || next == nil {
		t.Errorf("the first page is %+v", first)
	} else if second, next := u.events(url.Values{"id": {"order"}, "before": {fmt.Sprint(*next)}}); len(second) != 1 || second[0].Sequence != 1 || next != nil {
		t.Errorf("the second page is %+v", second)
	}
	if one, _ := u.events(url.Values{"id": {"order"}, "name": {"optin_finalized"}}); len(one) != 1 || one[0].Sequence != 1 {
		t.Errorf("listed by the id and the name are %+v", one)
	}
	for name, want := range map[string]string{"optin_finalized": `"sequence":1,`, "optout_finalized": `"sequence":2,`} {
		if status, _, answer := u.rest("demo", "GET", "/v1/events/order?name="+name, ""); status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/2?bySequence=true&name=optin_finalized", ""); status != http.StatusNotFound {
		t.Errorf("by the sequence of another name: %d %s", status, answer)
	}
	for range 2 {
		if status, _, answer := u.rest("demo", "DELETE", "/v1/events/order?name=optout_finalized", ""); status != 200 || answer != `{"sequence":2}` {
			t.Errorf("erased by its name: %d %s", status, answer)
		}
	}
	if status, _, answer := u.rest("demo", "GET", "/v1/events/order", ""); status != 200 || !strings.Contains(answer, `"sequence":1,`) {
		t.Errorf("the one that is left: %d %s", status, answer)
	}
	// After the window of duplicates, a name has the id again.
	again := &nats.Msg{Subject: "events.demo.optin_finalized", Data: []byte("4"), Header: nats.Header{nats.MsgIdHdr: {"later"}, "Saumer-Event-Id": {"order"}}}
	if _, err := u.broker.JetStream.PublishMsg(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/order?name=optin_finalized", ""); status != http.StatusConflict || !strings.Contains(answer, "sequences are 1, 4") {
		t.Errorf("of one name twice: %d %s", status, answer)
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/4?bySequence=true", ""); status != 200 || answer != `{"sequence":4}` {
		t.Errorf("the later one: %d %s", status, answer)
	}
	// What was rejected counts too.
	for i, subject := range []string{"events.demo.optout_finalized", "events.demo.x.y"} {
		at := event.Position{Seq: uint64(i + 10), Time: time.Unix(int64(i), 0)}
		if err := u.broker.Reject(t.Context(), subject, nats.Header{nats.MsgIdHdr: {"order"}}, []byte("{no"), at, "it is not JSON"); err != nil {
			t.Fatal(err)
		}
	}
	if status, _, answer := u.rest("demo", "DELETE", "/v1/events/order", ""); status != http.StatusConflict || !strings.Contains(answer, "sequences are 1, 10, 11") {
		t.Errorf("with what was rejected: %d %s", status, answer)
	}
	for query, want := range map[string]string{"order?name=optout_finalized": `{"sequence":10}`, "11?bySequence=true": `{"sequence":11}`} {
		if status, _, answer := u.rest("demo", "DELETE", "/v1/events/"+query, ""); status != 200 || answer != want {
			t.Errorf("%s of what was rejected: %d %s", query, status, answer)
		}
	}
	if _, _, answer := u.rest("demo", "GET", "/v1/rejected", ""); strings.Contains(answer, `"place"`) {
		t.Errorf("left is %s", answer)
	}
}

// What was rejected is listed with its reason: to its account, and to an operator also that of accounts that there are not.
func TestRejectedIsListed(t *testing.T) {
	t.Parallel()
	u := setup(t)
	for i, subject := range []string{"events.other.optin_finalized", "events.nobody.optin_finalized", "events.other.x.y"} {
		header := nats.Header{nats.MsgIdHdr: {fmt.Sprintf("m%d", i)}}
		if err := u.broker.Reject(t.Context(), subject, header, []byte("{no"), event.Position{Seq: uint64(i + 1), Time: time.Unix(int64(i), 0)}, "it is not JSON"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		account, query string
		want           []string
	}{
		{"other", "", []string{"events.other.x.y", "events.other.optin_finalized"}},
		{"demo", "", []string{"events.other.x.y", "events.nobody.optin_finalized", "events.other.optin_finalized"}},
		{"demo", "?account=nobody", []string{"events.nobody.optin_finalized"}},
		{"other", "?limit=1", []string{"events.other.x.y"}},
		{"other", "?before=3", []string{"events.other.optin_finalized"}},
	} {
		_, _, answer := u.rest(c.account, "GET", "/v1/rejected"+c.query, "")
		var page struct {
			Rejected []struct{ Subject, Reason, Begin, Key string }
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range page.Rejected {
			got = append(got, r.Subject)
			if r.Reason != "it is not JSON" || r.Begin != "{no" || !strings.HasPrefix(r.Key, "m") {
				t.Errorf("%+v", r)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s%s lists %v, want %v", c.account, c.query, got, c.want)
		}
	}
	// It can be erased too, also where its subject is that of no event.
	for key, seq := range map[string]int{"m0": 1, "m2": 3} {
		if status, _, answer := u.rest("other", "DELETE", "/v1/events/"+key, ""); status != 200 || answer != fmt.Sprintf(`{"sequence":%d}`, seq) {
			t.Errorf("erased: %d %s", status, answer)
		}
	}
	if _, _, answer := u.rest("other", "GET", "/v1/rejected", ""); strings.Count(answer, `"place"`) != 0 {
		t.Errorf("left is %s", answer)
	}
}
