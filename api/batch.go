package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

const (
	// maxBatch is the most events of a batch, and maxBatchBody the longest body with one, in bytes.
	maxBatch     = 1000
	maxBatchBody = 16 << 20
	// maxBatches bounds the batches that the process reads and publishes at once, and maxBatchesEach those of an account; a batch waits
	// for batchWait for its turn.
	maxBatches, maxBatchesEach = 8, 2
	batchWait                  = 10 * time.Second
)

// batches bound the memory that bodies of batches take. They are safe for concurrent use.
type batches struct {
	all chan struct{}
	mu  sync.Mutex
	own map[string]chan struct{} // by account; guarded by mu
}

func newBatches() *batches {
	return &batches{all: make(chan struct{}, maxBatches), own: map[string]chan struct{}{}}
}

// enter waits until an account may send a batch, until leave is called: a *registry.LimitError if that takes too long, or the
// cause of the context's end.
func (b *batches) enter(ctx context.Context, account string) (leave func(), err error) {
	b.mu.Lock()
	own, ok := b.own[account]
	if !ok {
		own = make(chan struct{}, maxBatchesEach)
		b.own[account] = own
	}
	b.mu.Unlock()
	over := time.NewTimer(batchWait)
	defer over.Stop()
	places := []chan struct{}{own, b.all}
	for i, place := range places {
		select {
		case place <- struct{}{}:
			continue
		case <-over.C:
			err = &registry.LimitError{What: "too many batches are published at once", After: batchWait}
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if i > 0 {
			<-own
		}
		return nil, err
	}
	return func() { <-b.all; <-own }, nil
}

// ErrBatch is returned for a body that is no batch: nothing of it was published.
var ErrBatch = errors.New("the body is not a batch")

// BatchItem is an event of a batch.
type BatchItem struct {
	Event string `json:"event"`
	// ID is an idempotency key, empty for none, Hops what the delivery bore that the event is published because of.
	ID   string          `json:"id,omitempty"`
	Hops int             `json:"hops,omitempty"`
	Data json.RawMessage `json:"data"`
}

// readBatch reads a JSON array of items, or an item a line: ErrBatch.
func readBatch(body []byte) ([]BatchItem, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	// A misspelled name is better said than ignored.
	decoder.DisallowUnknownFields()
	array := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))
	if array {
		if _, err := decoder.Token(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBatch, err)
		}
	}
	var items []BatchItem
	for !array || decoder.More() {
		var item BatchItem
		err := decoder.Decode(&item)
		if !array && err == io.EOF {
			break
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf(`%w: item %d is no object {"event": …, "data": …}: %w`, ErrBatch, len(items)+1, err)
		case item.Event == "" || item.Data == nil:
			return nil, fmt.Errorf("%w: item %d has no event or no data", ErrBatch, len(items)+1)
		case item.Hops < 0:
			return nil, fmt.Errorf("%w: item %d has negative hops", ErrBatch, len(items)+1)
		case len(items) == maxBatch:
			return nil, fmt.Errorf("%w: it has more than %d items", ErrBatch, maxBatch)
		}
		items = append(items, item)
	}
	if array {
		if _, err := decoder.Token(); err != nil {
			return nil, fmt.Errorf("%w: the array does not end: %w", ErrBatch, err)
		}
		if _, err := decoder.Token(); err != io.EOF {
			return nil, fmt.Errorf("%w: there is more behind the array", ErrBatch)
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%w: it has no items", ErrBatch)
	}
	return items, nil
}

// PublishAll stores events of the account in their order, and returns what came of each, as Publish would.
func (s *Service) PublishAll(ctx context.Context, acc registry.Account, batch []BatchItem) []event.Outcome {
	outcomes := make([]event.Outcome, len(batch))
	var items []event.Item
	var places []int
	for i, item := range batch {
		if err := s.mayPublish(ctx, acc, item); err != nil {
			outcomes[i].Err = err
			continue
		}
		items = append(items, event.Item{
			Name: item.Event, Key: item.ID, Message: s.keys.id(acc.Name, item.Event, item.ID), Data: item.Data, Hops: item.Hops,
		})
		places = append(places, i)
	}
	for n, o := range event.PublishBatch(ctx, s.o.Publisher, acc.Name, items) {
		if o.Err == nil {
			o.Err = s.reused(ctx, o.Receipt, items[n].Data)
		}
		outcomes[places[n]] = o
	}
	s.logInternal(acc, outcomes)
	return outcomes
}

// logInternal logs the first of the errors of a batch that are internal, and how many there are: nobody else is told of them.
func (s *Service) logInternal(acc registry.Account, outcomes []event.Outcome) {
	var first error
	n := uint64(0)
	for _, o := range outcomes {
		if o.Err == nil || errors.Is(o.Err, context.Canceled) {
			continue
		}
		if code, _ := PublishEvent.Code(o.Err); code.Code == internal.Code {
			if n++; first == nil {
				first = o.Err
			}
		}
	}
	if first != nil {
		s.o.Log.Error("events of a batch failed", zap.String("function", "PublishEvents"), zap.String("account", acc.Name), zap.Uint64("events", n), zap.Error(first))
	}
}

func (s *Service) mayPublish(ctx context.Context, acc registry.Account, item BatchItem) error {
	if err := s.checkEvent(ctx, item.Event); err != nil {
		return err
	}
	if err := checkKey(item.ID); err != nil {
		return err
	}
	if item.Hops > event.MaxHops {
		return ErrHops
	}
	if err := event.Check(item.Data); err != nil {
		return err
	}
	return s.spend(acc, publishes)
}

// PublishEvents stores many events.
var PublishEvents = define(Function{
	Name: "PublishEvents", Method: http.MethodPost, Path: "/v1/events",
	Doc: "Publishes up to 1,000 events in their order, of at most 16 MiB in all, and answers for each. An item that is refused keeps none of the others from being stored. " +
		"Its code is one of PublishEvent.",
	Effect: "This publishes real events, which are delivered to their webhooks.",
	codes:  []Code{{2, http.StatusBadRequest, "the body is not a batch, and nothing was published", ErrBatch, true}},
}, func(in *publishEventsInput) []Parameter {
	return []Parameter{data(Parameter{
		Name: "events", Required: true, Example: `[{"event":"optin_finalized","data":{"email":"anna@example.org"}}]`,
		Doc: `A JSON array of {"event": …, "data": …, "id": …, "hops": …}, or one such object a line (NDJSON). The id is an idempotency key; it may be left out, as may hops.`,
	}, &in.body)}
}, func(ctx context.Context, s *Service, acc registry.Account, in publishEventsInput) ([]event.Outcome, error) {
	leave, err := s.batches.enter(ctx, acc.Name)
	if err != nil {
		return nil, err
	}
	defer leave()
	body, err := in.body(maxBatchBody)
	if err != nil {
		return nil, err
	}
	batch, err := readBatch(body)
	if err != nil {
		return nil, err
	}
	return s.PublishAll(ctx, acc, batch), nil
}, as(func(outcomes []event.Outcome) batchAnswer {
	answer := batchAnswer{Results: each(outcomes, batchResultOf)}
	for _, o := range outcomes {
		if o.Err == nil {
			answer.Stored++
		}
	}
	answer.Refused = len(outcomes) - answer.Stored
	return answer
}))

type publishEventsInput struct{ body body }

type batchAnswer struct {
	Stored  int           `json:"stored"`
	Refused int           `json:"refused"`
	Results []batchResult `json:"results"`
}

// batchResult is what came of one item, in the order of the request: the receipt of PublishEvent, or its code.
type batchResult struct {
	Status    int    `json:"status"`
	Code      int    `json:"code"`
	Detail    string `json:"detail"`
	ID        string `json:"id"`
	Sequence  uint64 `json:"sequence"`
	Duplicate bool   `json:"duplicate"`
}

func batchResultOf(o event.Outcome) batchResult {
	if o.Err != nil {
		code, message := PublishEvent.Code(o.Err)
		return batchResult{Status: code.Status, Code: code.Code, Detail: message}
	}
	return batchResult{Status: PublishEvent.Status, Detail: "success", ID: o.Receipt.ID, Sequence: o.Receipt.Seq, Duplicate: o.Receipt.Duplicate}
}
