package registry

import (
	"context"
	"errors"
)

// ErrLimits is returned for limits that an account cannot have.
var ErrLimits = errors.New("invalid limits: use whole numbers from 1 on, or 0 for the installation's")

// Limits are what an account may do at most. 0 stands for the installation's.
type Limits struct {
	// Requests to the API, Publishes over it, Tests (and probes) of webhooks and Replays (and redeliveries), each a minute.
	Requests  int `json:"requests,omitempty"`
	Publishes int `json:"publishes,omitempty"`
	Tests     int `json:"tests,omitempty"`
	Replays   int `json:"replays,omitempty"`
	// Webhooks that there are, and LiveViews of the console that are open.
	Webhooks  int `json:"webhooks,omitempty"`
	LiveViews int `json:"live_views,omitempty"`
}

// Or are the limits with what is 0 taken from others.
func (l Limits) Or(others Limits) Limits {
	for into, other := range map[*int]int{
		&l.Requests: others.Requests, &l.Publishes: others.Publishes, &l.Tests: others.Tests, &l.Replays: others.Replays,
		&l.Webhooks: others.Webhooks, &l.LiveViews: others.LiveViews,
	} {
		if *into == 0 {
			*into = other
		}
	}
	return l
}

func (l Limits) check() error {
	for _, n := range []int{l.Requests, l.Publishes, l.Tests, l.Replays, l.Webhooks, l.LiveViews} {
		if n < 0 {
			return ErrLimits
		}
	}
	return nil
}

// SetLimits changes the limits of an account: record.ErrNotFound or ErrLimits.
func (s *Accounts) SetLimits(ctx context.Context, name string, change func(*Limits)) (Account, error) {
	return s.change(ctx, name, func(a *account) error {
		change(&a.Limits)
		return a.Limits.check()
	})
}
