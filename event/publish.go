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

// publishing bounds one publish, until JetStream has answered.
const publishing = 5 * time.Second

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
	if err := ValidAccount(account); err != nil {
		return Receipt{}, err
	}
	if err := ValidName(name); err != nil {
		return Receipt{}, err
	}
	if err := Check(data); err != nil {
		return Receipt{}, err
	}
	msg, id := &nats.Msg{Subject: Subject(account, name), Data: data}, KeyID(key)
	if key != "" {
		msg.Header = nats.Header{nats.MsgIdHdr: {message}, idHeader: {id}}
	} else {
		id = NewID()
		msg.Header = nats.Header{idHeader: {id}}
	}
	setHops(ctx, msg.Header)
	// A publish whose answer was lost with a connection is better tried again than waited for.
	ctx, cancel := context.WithTimeout(ctx, publishing)
	defer cancel()
	ack, err := js.PublishMsg(ctx, msg)
	switch refusal := Refusal(err); {
	case errors.Is(refusal, ErrSize):
		return Receipt{}, fmt.Errorf("%w: with its headers it is larger than what NATS takes in a message (max_payload, or the stream's max_msg_size)", ErrSize)
	case refusal != nil:
		return Receipt{}, fmt.Errorf("publish %s: %w (%w)", msg.Subject, refusal, err)
	case err != nil:
		return Receipt{}, fmt.Errorf("publish %s: %w", msg.Subject, err)
	}
	return Receipt{ID: id, Seq: ack.Sequence, Duplicate: ack.Duplicate}, nil
}
