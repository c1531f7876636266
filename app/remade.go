package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/lifetime"
)

// again is how long to wait before what failed is made good for again.
var again = lifetime.Waits{First: 200 * time.Millisecond, Longest: 5 * time.Second}

// makeGood sees to what can be made good for of a stream or bucket that was gone and was made again, until the context ends.
func (a *App) makeGood(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-a.broker.Remade():
			switch name {
			case broker.RemadeWakes, broker.RemadeBacklogs, broker.RemadeWebhooks:
				a.runner.WakeAll()
			case broker.RemadeAccounts:
				a.firstAgain(ctx)
			}
		}
	}
}

// firstAgain makes the first account again. Its password is the one that the process was given, or had drawn; a process that
// has neither cannot show anybody a new one, and has to be started again.
func (a *App) firstAgain(ctx context.Context) {
	password := a.options.Password
	if password == "" {
		password = a.password
	}
	if password == "" {
		a.options.Log.Error("all accounts are lost: start the process again, and it makes the first one and shows its password")
		return
	}
	err := lifetime.Retry(ctx, again, func() error {
		_, _, err := a.accounts.Ensure(ctx, a.options.Account, password)
		return err
	}, func(err error) { a.options.Log.Warn("the first account was not made again", zap.Error(err)) })
	if err == nil {
		a.options.Log.Error("all accounts are lost but the first one, which was made again with its password: make the others again with `saumer account add`",
			zap.String("account", a.options.Account))
	}
}
