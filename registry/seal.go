package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/broker"
)

// sealCheck is the key in the bucket ACCOUNTS under which a sealed word tells whether a process has the right key; no
// account's name begins like this.
const sealCheck, sealWord = "_seal", "saumer"

// CheckKey says whether the sealer has the key that this journal's secrets are sealed with. The first process to ask
// decides which key that is. Its error tells what to do.
func CheckKey(ctx context.Context, b *broker.Broker, s *Sealer) error {
	if _, err := b.Accounts.Create(ctx, sealCheck, []byte(s.Seal(sealWord, sealCheck))); err == nil {
		return nil
	} else if !Conflict(err) {
		return fmt.Errorf("check the key that seals secrets: %w", err)
	}
	entry, err := b.Accounts.Get(ctx, sealCheck)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return errors.New("check the key that seals secrets: the word that tells is gone; start again")
	}
	if err != nil {
		return fmt.Errorf("check the key that seals secrets: %w", err)
	}
	if _, err := s.Open(string(entry.Value()), sealCheck); err != nil {
		return errors.New("the webhooks' secrets are sealed with another key: give all processes the same --secret-key, or the secret.key of the data directory that was used first")
	}
	return nil
}
