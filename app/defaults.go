package app

import (
	"slices"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// Defaults are the options of `saumer serve` without a flag, besides where it is: addresses, directory and account.
// Version and Log are left to the caller.
func Defaults() Options {
	return Options{
		NATSSync:           defaults.NATSSync,
		MaxStore:           defaults.MaxStore,
		Replicas:           defaults.Replicas,
		Retention:          defaults.Retention,
		ReplayWindow:       defaults.ReplayWindow,
		Timeout:            defaults.Timeout,
		ConnectTimeout:     defaults.ConnectTimeout,
		MaxInFlight:        defaults.MaxInFlight,
		BackoffInitial:     defaults.BackoffInitial,
		BackoffMax:         defaults.BackoffMax,
		Grace:              defaults.Grace,
		FailingAfter:       defaults.FailingAfter,
		Deactivate:         backlog.Mode(defaults.Deactivate),
		DeactivateAfter:    defaults.DeactivateAfter,
		DeactivateAttempts: defaults.DeactivateAttempts,
		Limits: registry.Limits{
			Requests: defaults.LimitRequests, Publishes: defaults.LimitPublishes, Tests: defaults.LimitTests, Replays: defaults.LimitReplays,
			Webhooks: defaults.LimitWebhooks, LiveViews: defaults.LimitLiveViews,
		},
		Events: slices.Clone(event.Defaults),
	}
}
