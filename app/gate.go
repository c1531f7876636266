package app

import (
	"context"
	"errors"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

// gate lets publishers into the embedded NATS.
func (a *App) gate() broker.Gate {
	if a.options.Gate != nil {
		return a.options.Gate
	}
	return logins{a.accounts}
}

// logins let in whoever has an account's password, or a key of it that may publish.
type logins struct{ accounts *registry.Accounts }

var _ broker.Gate = logins{}

func (l logins) MayPublish(ctx context.Context, account, secret, address string) (bool, error) {
	login, err := l.accounts.Login(ctx, registry.Credentials{Account: account, Secret: secret, From: address})
	if errors.Is(err, registry.ErrLogin) {
		return false, nil
	}
	return err == nil && login.Right.May(registry.PublishOnly), err
}
