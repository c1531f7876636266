package api

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

// messageKey makes message ids for NATS of idempotency keys. NATS has one space of message ids for all publishers, in which
// one that another account has taken would suppress an event; what this key makes cannot be guessed.
type messageKey []byte

// newMessageKey derives it from the secret key of the installation, which all processes have.
func newMessageKey(secret []byte) messageKey {
	// It fails only for a size beyond 255 hashes (RFC 5869, section 2.3).
	derived, _ := hkdf.Key(sha256.New, secret, nil, "saumer message id", sha256.Size)
	return derived
}

// id is the message id of an account's key for an event. None of the three can hold the zero byte between them.
func (k messageKey) id(account, name, key string) string {
	mac := hmac.New(sha256.New, k)
	fmt.Fprintf(mac, "%s\x00%s\x00%s", account, name, key)
	return event.MessageID(account, name, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// Publish stores an event of the account and returns once JetStream has it. With a key it is idempotent for 10 minutes, for
// this event's name and this body. It returns ErrEvent, ErrKey, event.ErrBody or event.ErrSize for what cannot be published, and
// ErrReused for a key that came with another body.
func (s *Service) Publish(ctx context.Context, acc registry.Account, name, key string, data []byte) (event.Receipt, error) {
	if err := s.checkEvent(ctx, name); err != nil {
		return event.Receipt{}, err
	}
	if err := checkKey(key); err != nil {
		return event.Receipt{}, err
	}
	if err := s.spend(acc, publishes); err != nil {
		return event.Receipt{}, err
	}
	receipt, err := event.PublishAs(ctx, s.o.Publisher, s.keys.id(acc.Name, name, key), acc.Name, name, key, data)
	if err != nil {
		return receipt, err
	}
	return receipt, s.reused(ctx, receipt, data)
}

// reused says whether an event was taken for one with the same key and another body: ErrReused.
func (s *Service) reused(ctx context.Context, r event.Receipt, data []byte) error {
	if !r.Duplicate {
		return nil
	}
	switch first, err := s.o.Stream.Event(ctx, r.Seq); {
	case errors.Is(err, broker.ErrNotFound):
		return nil // it was stored, and is gone: a full stream's limits, or an operator
	case err != nil:
		return fmt.Errorf("compare an event with the one that has its key: %w", err)
	case !bytes.Equal(first.Data, data):
		return ErrReused
	}
	return nil
}

// Judge says why an event of an account and a name would reach nobody, whoever publishes it; empty if nothing is wrong with it.
func (s *Service) Judge(ctx context.Context, account, name string) (wrong string, err error) {
	if _, err := s.o.Accounts.Get(ctx, account); errors.Is(err, record.ErrNotFound) {
		return fmt.Sprintf("there is no account %s", account), nil
	} else if err != nil {
		return "", err
	}
	if err = s.checkEvent(ctx, name); errors.Is(err, ErrEvent) {
		return err.Error(), nil
	}
	return "", err
}
