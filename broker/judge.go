package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// judging bounds the judgement of one event.
const judging = 2 * time.Second

// Judge tells publishers who ask, as `saumer publish` does, why an event of theirs would reach nobody, until the context ends:
// what judge returns, empty if nothing is wrong with it. A question that judge has an error for gets no answer. One of the processes answers.
func (b *Broker) Judge(ctx context.Context, judge func(ctx context.Context, account, name string) (wrong string, err error)) error {
	sub, err := b.nc.QueueSubscribe(event.JudgePrefix+">", "saumer", func(m *nats.Msg) {
		account, name, ok := strings.Cut(strings.TrimPrefix(m.Subject, event.JudgePrefix), ".")
		if !ok || event.ValidAccount(account) != nil || event.ValidName(name) != nil {
			return
		}
		asking, cancel := context.WithTimeout(ctx, judging)
		defer cancel()
		wrong, err := judge(asking, account, name)
		if err == nil {
			err = m.Respond([]byte(wrong))
		}
		if err != nil {
			b.options.Log.Debug("a publisher was not told whether its event is known", zap.String("account", account), zap.Error(err))
		}
	})
	if errors.Is(err, nats.ErrConnectionClosed) {
		return nil // Run says why
	}
	if err != nil {
		return fmt.Errorf("listen for publishers that ask whether an event is known: %w", err)
	}
	<-ctx.Done()
	_ = sub.Unsubscribe() // it fails only on a closed connection, and then the subscription is gone too
	return nil
}
