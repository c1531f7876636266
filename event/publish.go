package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Receipt is JetStream's word that an event is stored.
type Receipt struct {
	// ID is the event's id, as every delivery of it carries it.
	ID string
	// Seq is its sequence in the stream; that of the first one if Duplicate.
	Seq uint64
	// Duplicate is true if an event with the same key was stored in the last 10 minutes.
	Duplicate bool
}

const (
	// publishing bounds one publish, until JetStream has answered.
	publishing = 5 * time.Second
	// publishingEach is what each event of a batch adds to that, and BatchTime bounds a batch of any size. After BatchTime no answer
	// to an event of a batch is awaited.
	publishingEach = 10 * time.Millisecond
	BatchTime      = 15 * time.Second
)

// full are the codes of nats-server that say that there is no room: JSAccountResourcesExceededErr, JSInsufficientResourcesErr,
// JSMemoryResourcesExceededErr, JSStorageResourcesExceededErr and JSNoLimitsErr (nats-server 2.15, server/errors.json).
var full = []jetstream.ErrorCode{10002, 10023, 10028, 10047, 10120}

// tooLarge are those that say that this message is too large: JSStreamMessageExceedsMaximumErr and
// JSStreamHeaderExceedsMaximumErr.
var tooLarge = []jetstream.ErrorCode{10054, 10097}

// storeFailed is JSStreamStoreFailedF, whose description is the error of the store. Bounds are those of its errors that are
// about room, and overlong is the one that is about the message.
const storeFailed = jetstream.ErrorCode(10077)

var (
	bounds   = []string{"maximum bytes exceeded", "maximum messages exceeded", "maximum messages per subject exceeded", "no space left"}
	overlong = "large"
)

// Refusal says what NATS' refusal to store a message means: ErrFull if it has no room, ErrSize if the message is too large, else
// nil.
func Refusal(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return ErrSize
	}
	var e jetstream.JetStreamError
	if !errors.As(err, &e) || e.APIError() == nil {
		return nil
	}
	code, description := e.APIError().ErrorCode, e.APIError().Description
	named := func(part string) bool { return strings.Contains(description, part) }
	switch {
	case slices.Contains(full, code), code == storeFailed && slices.ContainsFunc(bounds, named):
		return ErrFull
	case slices.Contains(tooLarge, code), code == storeFailed && named(overlong):
		return ErrSize
	}
	return nil
}

// Check says whether data can be an event's body: ErrBody or ErrSize if not.
func Check(data []byte) error {
	if len(data) > MaxSize {
		return ErrMaxSize
	}
	// Three times as fast as json.Valid, which takes the same.
	if !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return ErrBody
	}
	return nil
}

// Publish stores an event and returns once JetStream has it. It is safe for concurrent use.
//
// With a key it is idempotent for 10 minutes within the account and the event's name: the event's id is made of the key. NATS
// knows one space of message ids for all accounts, so the key is part of a longer one; see MessageID.
// It returns ErrAccount, ErrName, ErrBody, ErrSize, ErrFull, or the error of the publish; after 5 s without an answer that is
// context.DeadlineExceeded, and the event may be stored or not: publish again with the same key.
func Publish(ctx context.Context, js jetstream.Publisher, account, name, key string, data []byte) (Receipt, error) {
	return PublishAs(ctx, js, MessageID(account, name, key), account, name, key, data)
}

// PublishAs is Publish with another message id for an event that has a key. It has to tell accounts, events and keys apart.
func PublishAs(ctx context.Context, js jetstream.Publisher, message, account, name, key string, data []byte) (Receipt, error) {
	msg, id, err := prepare(ctx, message, account, name, key, data)
	if err != nil {
		return Receipt{}, err
	}
	// A publish whose answer was lost with a connection is better tried again than waited for.
	ctx, cancel := context.WithTimeout(ctx, publishing)
	defer cancel()
	ack, err := js.PublishMsg(ctx, msg)
	return received(msg.Subject, id, ack, err)
}

// prepare makes the message of an event, and its id.
func prepare(ctx context.Context, message, account, name, key string, data []byte) (msg *nats.Msg, id string, err error) {
	if err := ValidAccount(account); err != nil {
		return nil, "", err
	}
	if err := ValidName(name); err != nil {
		return nil, "", err
	}
	if err := Check(data); err != nil {
		return nil, "", err
	}
	msg, id = &nats.Msg{Subject: Subject(account, name), Data: data}, KeyID(key)
	if key != "" {
		msg.Header = nats.Header{nats.MsgIdHdr: {message}, idHeader: {id}}
	} else {
		id = NewID()
		msg.Header = nats.Header{idHeader: {id}}
	}
	setHops(ctx, msg.Header)
	return msg, id, nil
}

// received is what JetStream's answer to a publish means.
func received(subject, id string, ack *jetstream.PubAck, err error) (Receipt, error) {
	switch refusal := Refusal(err); {
	case errors.Is(refusal, ErrSize):
		return Receipt{}, fmt.Errorf("%w: with its headers it is larger than what NATS takes in a message (max_payload, or the stream's max_msg_size)", ErrSize)
	case refusal != nil:
		return Receipt{}, fmt.Errorf("publish %s: %w (%w)", subject, refusal, err)
	case err != nil:
		return Receipt{}, fmt.Errorf("publish %s: %w", subject, err)
	}
	return Receipt{ID: id, Seq: ack.Sequence, Duplicate: ack.Duplicate}, nil
}

// Item is an event of a batch. Message is the message id of one that has a key, as for PublishAs, and Hops are as for WithHops.
type Item struct {
	Name, Key, Message string
	Data               []byte
	Hops               int
}

// Outcome is what came of one event of a batch.
type Outcome struct {
	Receipt Receipt
	Err     error
}

// PublishBatch stores events of an account in their order, without waiting for each before the next, and returns what came of
// each, as PublishAs would. What has no answer within 5 s and 10 ms for each event, 15 s at most, may be stored or not.
func PublishBatch(ctx context.Context, js jetstream.Publisher, account string, items []Item) []Outcome {
	ctx, cancel := context.WithTimeout(ctx, min(publishing+time.Duration(len(items))*publishingEach, BatchTime))
	defer cancel()
	until, _ := ctx.Deadline() // it has one
	outcomes := make([]Outcome, len(items))
	ids, waiting := make([]string, len(items)), make([]jetstream.PubAckFuture, len(items))
	for i, item := range items {
		msg, id, err := prepare(WithHops(ctx, item.Hops), item.Message, account, item.Name, item.Key, item.Data)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			ids[i] = id
			// Where too many answers are awaited, of all accounts, it waits for room.
			waiting[i], err = js.PublishMsgAsync(msg, jetstream.WithStallWait(max(time.Until(until), time.Millisecond)))
		}
		if err != nil {
			_, outcomes[i].Err = received(Subject(account, item.Name), id, nil, err)
		}
	}
	for i, future := range waiting {
		if future == nil {
			continue
		}
		var ack *jetstream.PubAck
		var err error
		select {
		case ack = <-future.Ok():
		case err = <-future.Err():
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if errors.Is(err, jetstream.ErrAsyncPublishTimeout) || errors.Is(err, nats.ErrDisconnected) {
			// It was sent, and may be stored; nothing is to match the error that says that it was not.
			err = fmt.Errorf("%w: %v", context.DeadlineExceeded, err)
		}
		outcomes[i].Receipt, outcomes[i].Err = received(future.Msg().Subject, ids[i], ack, err)
	}
	return outcomes
}
