// Package app builds, runs and stops all of Saumer in order, in-process for tests too.
package app

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

// Options are the settings of one process, validated by package config.
type Options struct {
	// HTTP is the address of the API; empty serves none.
	HTTP string
	// Metrics is the address of the metrics; empty serves none. Profile serves profiles there too.
	Metrics string
	Profile bool
	// PublicURL is where people reach Saumer, for the links in notices; empty: the address of the API.
	PublicURL string
	// Limits are what an account may do at most that has no limits of its own.
	Limits registry.Limits
	// Proxies are the networks of proxies that are believed when they say where a request came from.
	Proxies []netip.Prefix
	// Data is the directory of the embedded NATS and of the key that seals secrets.
	Data string
	// NATSURL is an external NATS, NATSListen the address where the embedded one takes publishers.
	NATSURL, NATSListen string
	// NATSLogin is how to log in to the external NATS, besides what its URL says.
	NATSLogin []nats.Option
	// TLSCert and TLSKey are files with the certificate of the API and of the embedded NATS, and its key; empty: no TLS. They
	// are read anew when they change.
	TLSCert, TLSKey string
	// Gate says who may publish on the embedded NATS; nil: whoever has an account's password.
	Gate broker.Gate
	// NATSServer is a server in this process to use instead; for several nodes in one process, as in tests.
	NATSServer nats.InProcessConnProvider
	// NATSSync is how often the embedded NATS has the disk write what it keeps: what a loss of power may cost. 0: before each
	// answer.
	NATSSync time.Duration
	// MaxStore is how many bytes the stored events may take; 0 sets no bound.
	MaxStore int64
	// RedisURL is an external Redis; empty: in-process.
	RedisURL string
	// Redis is how it is reached besides that.
	Redis registry.RedisOptions
	// Account and Password are those of the first account; an empty password is drawn at random when it is made.
	Account, Password string
	// SecretKey seals the webhooks' secrets, 32 bytes; nil: the one in the data directory, made if missing.
	SecretKey []byte
	// AllowCIDRs are networks that may be dialed though they are not public.
	AllowCIDRs []netip.Prefix
	// Timeout bounds one attempt, ConnectTimeout its dialing.
	Timeout, ConnectTimeout time.Duration
	// MaxInFlight bounds the attempts in flight at once to one webhook.
	MaxInFlight int
	// BackoffInitial and BackoffMax are the first and the longest delay between attempts.
	BackoffInitial, BackoffMax time.Duration
	// FailingAfter is how long a webhook fails before people are told.
	FailingAfter time.Duration
	// SMTP sends notices from MailFrom to each account's address, or to NoticeTo for accounts without one; nil: no mails.
	SMTP               *notify.SMTP
	MailFrom, NoticeTo string
	// NoticeURL gets each notice as a POST, signed with NoticeSecret, in the form whsec_…; empty: none.
	NoticeURL, NoticeSecret string
	// Deactivate says what happens to a webhook that has failed for DeactivateAfter and DeactivateAttempts.
	Deactivate         backlog.Mode
	DeactivateAfter    time.Duration
	DeactivateAttempts int
	// ReplayWindow is how much of what came after a deactivation is kept for a replay.
	ReplayWindow time.Duration
	// Retention is how long events are kept.
	Retention time.Duration
	// Replicas of streams and buckets.
	Replicas int
	// Events are the names of the events that webhooks can be made for.
	Events []string
	// Grace is how long a stop waits for attempts in flight.
	Grace time.Duration
	// Pull is how long a fetch from NATS waits for something to come; 0: defaults.Pull. Virtual time has it wait for longer.
	Pull time.Duration
	// Sweep is how often backlogs are looked for whose wake was lost; 0: each minute. Virtual time has it wait for longer.
	Sweep time.Duration
	// Version is what deliveries and the API say of themselves.
	Version string
	Log     *zap.Logger
	// Dial replaces resolving and dialing of endpoints; for tests in virtual time. Nil: real sockets.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}
