package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
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

// Batches wait for their turn: those of an account among themselves, and those of all.
func TestBatchesWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBatches()
		enter := func(account string) (func(), error) { return b.enter(t.Context(), account) }
		var leave []func()
		for i := range maxBatches {
			l, err := enter(fmt.Sprint(i / maxBatchesEach))
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		for range maxBatchesEach + 1 { // whoever waited in vain holds no place
			began := time.Now()
			if _, err := enter("late"); !errors.Is(err, registry.ErrLimit) || time.Since(began) != batchWait {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.enter(gone, "late"); !errors.Is(err, context.Canceled) {
			t.Errorf("whoever has left waits for %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			leave[0]()
		}()
		began := time.Now()
		l, err := enter("late")
		if err != nil || time.Since(began) != time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		l()
		if _, err := enter("1"); !errors.Is(err, registry.ErrLimit) {
			t.Errorf("an account has more than its places: %v", err)
		}
	})
}

// firstRead is a body that tells that it is read, and then ends only with the test.
type firstRead struct {
	once sync.Once
	read chan struct{}
	end  <-chan struct{}
}

func (f *firstRead) Read([]byte) (int, error) {
	f.once.Do(func() { close(f.read) })
	<-f.end
	return 0, io.ErrUnexpectedEOF
}

// An account cannot have the process hold any number of bodies: of those that are too many nothing is read.
func TestBodiesOfBatchesAreBounded(t *testing.T) {
	t.Parallel()
	u := setup(t)
	end := make(chan struct{})
	var wg sync.WaitGroup
	send := func(ctx context.Context) (*firstRead, *httptest.ResponseRecorder) {
		body := &firstRead{read: make(chan struct{}), end: end}
		r := httptest.NewRequest(http.MethodPost, "/v1/events", body)
		r.SetBasicAuth("demo", password)
		w := httptest.NewRecorder()
		wg.Go(func() { u.handler.ServeHTTP(w, r.WithContext(ctx)) })
		return body, w
	}
	for range maxBatchesEach {
		body, _ := send(t.Context())
		<-body.read
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	body, w := send(ctx)
	select {
	case <-body.read:
		t.Error("the body of one batch more is read")
	case <-ctx.Done():
	}
	close(end)
	wg.Wait()
	if w.Code < 400 {
		t.Errorf("it is answered with %d", w.Code)
	}
}

// brokenPublisher fails every event of a batch.
type brokenPublisher struct{ jetstream.Publisher }

var errInside = errors.New("an error of our insides")

func (brokenPublisher) PublishMsgAsync(*nats.Msg, ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	return nil, errInside
}

// What fails inside of a batch is in the log, in one line.
func TestInternalErrorsOfABatchAreLogged(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.service.o.Publisher = brokenPublisher{u.broker.JetStream}
	answer := u.batch(strings.Repeat(`{"event":"optin_finalized","data":1}`, 3))
	if answer.Refused != 3 || answer.Results[0].Code != internal.Code {
		t.Fatalf("%+v", answer)
	}
	lines := u.lines.FilterMessage("events of a batch failed").All()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(fieldsOf(lines[0])), errInside.Error()) {
		t.Errorf("the log has %v", lines)
	}
}
