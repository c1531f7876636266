package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// full are the codes of nats-server that say that there is no room: JSInsufficientResourcesErr,
// JSStorageResourcesExceededErr and JSStreamStoreFailedF (nats-server 2.12, server/errors.json).
var full = []jetstream.ErrorCode{10023, 10047, 10077}

// Check says whether data can be an event's body: ErrBody or ErrSize if not.
func Check(data []byte) error {
	if len(data) > MaxSize {
		return ErrSize
	}
	// Three times as fast as json.Valid, which takes the same.
	if !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return ErrBody
	}
	return nil
}

// Publish stores an event and returns once JetStream has it. It is safe for concurrent use.
//
// With a key it is idempotent for 10 minutes within the account: the event's id is made of the key. NATS knows one space
// of message ids a stream, so the key is stored as <account>:<key>, and one account's keys never meet another's.
// It returns ErrAccount, ErrName, ErrBody, ErrSize, ErrFull, or the error of the publish; after 5 s without an answer that is
// context.DeadlineExceeded, and the event may be stored or not: publish again with the same key.
func Publish(ctx context.Context, js jetstream.Publisher, account, name, key string, data []byte) (Receipt, error) {
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
		msg.Header = nats.Header{nats.MsgIdHdr: {account + ":" + key}}
	} else {
		id = NewID()
		msg.Header = nats.Header{idHeader: {id}}
	}
	// A publish whose answer was lost with a connection is better tried again than waited for.
	ctx, cancel := context.WithTimeout(ctx, publishing)
	defer cancel()
	ack, err := js.PublishMsg(ctx, msg)
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) && slices.Contains(full, api.ErrorCode) {
		return Receipt{}, fmt.Errorf("publish %s: %w (%s)", msg.Subject, ErrFull, api.Description)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("publish %s: %w", msg.Subject, err)
	}
	return Receipt{ID: id, Seq: ack.Sequence, Duplicate: ack.Duplicate}, nil
}
