package registry

import (
	"context"
	"errors"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// sealCheck is the key in the bucket ACCOUNTS under which a sealed word tells whether a process has the right key; no
// account's name begins like this.
const sealCheck, sealWord = "_seal", "saumer"

// checkKey says whether the sealer has the key that this journal's secrets are sealed with. The first process to ask
// decides which key that is. Its error tells what to do.
func checkKey(ctx context.Context, b *broker.Broker, s *Sealer) error {
	words := record.Store[string]{
		Bucket: b.Accounts, Name: "word that tells the key",
		Decode: func(e broker.Entry) (string, error) { return string(e.Value), nil },
		Encode: func(word *string) ([]byte, error) { return []byte(*word), nil },
	}
	drawn := ""
	fresh := func() string {
		drawn = s.Seal(sealWord, sealCheck)
		return drawn
	}
	_, _, err := words.Upsert(ctx, sealCheck, fresh, func(word *string) error {
		if *word == drawn {
			return nil
		}
		if _, err := s.Open(*word, sealCheck); err != nil {
			return errors.New("the webhooks' secrets are sealed with another key: give all processes the same --secret-key, or the secret.key of the data directory that was used first")
		}
		return record.ErrUnchanged
	})
	return err
}
