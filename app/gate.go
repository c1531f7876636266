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
	return passwords{a.accounts}
}

// passwords lets in whoever has an account's password.
type passwords struct{ accounts *registry.Accounts }

var _ broker.Gate = passwords{}

func (p passwords) MayPublish(ctx context.Context, account, secret, _ string) (bool, error) {
	_, err := p.accounts.Authenticate(ctx, account, secret)
	if errors.Is(err, registry.ErrLogin) {
		return false, nil
	}
	return err == nil, err
}
