package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
)

// Vars are the defaults, by the names that the flags of all commands have for them. Whoever parses Serve gives them to kong.
func Vars() kong.Vars {
	last := len(event.Defaults) - 1
	return kong.Vars{
		"http":                defaults.HTTP,
		"nats_listen":         defaults.NATSListen,
		"data":                defaults.Data,
		"account":             defaults.Account,
		"log_level":           defaults.LogLevel,
		"nats_sync":           duration(defaults.NATSSync),
		"max_store":           strconv.Itoa(defaults.MaxStore),
		"replicas":            strconv.Itoa(defaults.Replicas),
		"retention":           duration(defaults.Retention),
		"replay_window":       duration(defaults.ReplayWindow),
		"timeout":             duration(defaults.Timeout),
		"connect_timeout":     duration(defaults.ConnectTimeout),
		"max_in_flight":       strconv.Itoa(defaults.MaxInFlight),
		"backoff_initial":     duration(defaults.BackoffInitial),
		"backoff_max":         duration(defaults.BackoffMax),
		"grace":               duration(defaults.Grace),
		"failing_after":       duration(defaults.FailingAfter),
		"deactivate":          defaults.Deactivate,
		"deactivate_after":    duration(defaults.DeactivateAfter),
		"deactivate_attempts": strconv.Itoa(defaults.DeactivateAttempts),
		"limit_requests":      strconv.Itoa(defaults.LimitRequests),
		"limit_publishes":     strconv.Itoa(defaults.LimitPublishes),
		"limit_tests":         strconv.Itoa(defaults.LimitTests),
		"limit_replays":       strconv.Itoa(defaults.LimitReplays),
		"limit_webhooks":      strconv.Itoa(defaults.LimitWebhooks),
		"limit_live_views":    strconv.Itoa(defaults.LimitLiveViews),
		"events":              strings.Join(event.Defaults[:last], ", ") + " and " + event.Defaults[last],
	}
}

// duration is a duration as people write it: 15m rather than 15m0s.
func duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
