// Package config turns flags, environment and an optional file into the options of package app: one validation checks
// them against one another. Their defaults are those of package defaults.
package config

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// Serve are the settings of `saumer serve`, as kong reads them: a flag beats its environment variable, which beats the
// file, which beats the default. An environment variable that is set and empty counts as not set. In place of a variable, one
// with _FILE behind its name may name a file with the value.
type Serve struct {
	Config      string      `help:"File with settings, YAML or JSON; its keys are the names of these flags." placeholder:"FILE" env:"SAUMER_CONFIG"`
	PrintConfig printConfig `name:"print-config" help:"Print the settings that it would run with and where each comes from, secrets hidden, and end."`

	HTTP           string   `name:"http" help:"Address of the API and the web service." default:"${http}" env:"SAUMER_HTTP" group:"Addresses and storage"`
	Metrics        string   `name:"metrics" help:"Address at which Prometheus finds /metrics, such as 127.0.0.1:9464; whoever reaches it may read them. Default: empty, none." placeholder:"HOST:PORT" env:"SAUMER_METRICS" group:"Addresses and storage"`
	Profile        bool     `name:"profile" help:"Serve profiles of the process at /debug/pprof/ beside the metrics." env:"SAUMER_PROFILE" group:"Addresses and storage"`
	PublicURL      string   `name:"public-url" help:"Where people reach Saumer, such as https://hooks.example.org: notices link to it. Default: empty, the address of the API." placeholder:"URL" env:"SAUMER_PUBLIC_URL" group:"Addresses and storage"`
	TrustedProxies []string `name:"trusted-proxies" help:"Networks of the proxies before Saumer, which are believed when X-Forwarded-For says where a request came from: logins are limited for each address. Default: empty, none." placeholder:"CIDR" env:"SAUMER_TRUSTED_PROXIES" group:"Addresses and storage"`
	Data           string   `help:"Directory of the embedded NATS and of the key that seals secrets; made if missing." default:"${data}" env:"SAUMER_DATA" group:"Addresses and storage"`

	NATSURL    string `secret:"urls" name:"nats-url" help:"External NATS with JetStream, 2.14 or newer; several with commas between. Default: empty, the embedded one." placeholder:"nats://HOST:4222" env:"SAUMER_NATS_URL" group:"Addresses and storage"`
	NATSListen string `name:"nats-listen" help:"Address on which the embedded NATS takes publishers; --nats-listen= for none." default:"${nats_listen}" env:"SAUMER_NATS_LISTEN" group:"Addresses and storage"`
	NATSSync   Sync   `name:"nats-sync" help:"How often the embedded NATS syncs to the disk: a time, which is what a loss of power may cost, or always, before each answer, which costs most of the rate of publishing." default:"${nats_sync}" env:"SAUMER_NATS_SYNC" group:"Addresses and storage"`
	MaxStore   Size   `name:"max-store" help:"Most that the stored events may take, such as 20GB. A full store refuses publishers, and drops nothing that it accepted. 0 sets no bound." default:"${max_store}" env:"SAUMER_MAX_STORE" group:"Addresses and storage"`
	RedisURL   string `secret:"urls" name:"redis-url" help:"External Redis. Default: empty, the embedded one." placeholder:"redis://HOST:6379/0" env:"SAUMER_REDIS_URL" group:"Addresses and storage"`
	Replicas   int    `help:"Copies of every stream and bucket: 1, 3 or 5; more than 1 needs a NATS cluster." default:"${replicas}" env:"SAUMER_REPLICAS" group:"Addresses and storage"`

	TLSCert string `name:"tls-cert" help:"File with a certificate, PEM, for the API and, unless --nats-listen is empty, for publishers to the embedded NATS; with --tls-key. A new file is taken in while it runs. Default: empty, no TLS." placeholder:"FILE" env:"SAUMER_TLS_CERT" group:"Addresses and storage"`
	TLSKey  string `name:"tls-key" help:"File with the key of --tls-cert, PEM." placeholder:"FILE" env:"SAUMER_TLS_KEY" group:"Addresses and storage"`

	NATSLogin  `embed:""`
	RedisLogin `embed:""`

	Account  string   `help:"Name of the first account." default:"${account}" env:"SAUMER_ACCOUNT" group:"Accounts and events"`
	Password string   `secret:"value" help:"Password of the first account when it is made. Default: empty, one drawn at random and shown." env:"SAUMER_PASSWORD" group:"Accounts and events"`
	Secret   string   `secret:"value" name:"secret-key" help:"Key that seals the webhooks' secrets, base64 of 32 bytes; the same for all processes. Default: empty, the one in the data directory, made if missing." placeholder:"BASE64" env:"SAUMER_SECRET_KEY" group:"Accounts and events"`
	Events   []string `help:"Names of events besides ${events}." placeholder:"NAME" env:"SAUMER_EVENTS" group:"Accounts and events"`

	AllowCIDRs     []string      `name:"allow-cidrs" help:"Networks that may be dialed though they are not public. Default: empty, none; loopback while only this machine reaches Saumer: every address is loopback, and there is no --public-url." placeholder:"CIDR" env:"SAUMER_ALLOW_CIDRS" group:"Delivery"`
	Timeout        time.Duration `help:"Bound of one attempt, from dialing to the end of the response." default:"${timeout}" env:"SAUMER_TIMEOUT" group:"Delivery"`
	ConnectTimeout time.Duration `name:"connect-timeout" help:"Bound of dialing; never more than --timeout." default:"${connect_timeout}" env:"SAUMER_CONNECT_TIMEOUT" group:"Delivery"`
	MaxInFlight    int           `name:"max-in-flight" help:"Attempts in flight at once to one webhook." default:"${max_in_flight}" env:"SAUMER_MAX_IN_FLIGHT" group:"Delivery"`
	BackoffInitial time.Duration `name:"backoff-initial" help:"Delay before the second attempt; it doubles from there, with jitter." default:"${backoff_initial}" env:"SAUMER_BACKOFF_INITIAL" group:"Delivery"`
	BackoffMax     time.Duration `name:"backoff-max" help:"Longest delay between two attempts." default:"${backoff_max}" env:"SAUMER_BACKOFF_MAX" group:"Delivery"`

	FailingAfter time.Duration `name:"failing-after" help:"How long a webhook must have failed without a break before people are told." default:"${failing_after}" env:"SAUMER_FAILING_AFTER" group:"Notices"`
	SMTPURL      string        `secret:"url" name:"smtp-url" help:"Mail server for notices, such as smtp://user:password@mail.example.org:587 (STARTTLS) or smtps:// (TLS). Default: empty, no mails." placeholder:"URL" env:"SAUMER_SMTP_URL" group:"Notices"`
	MailFrom     string        `name:"mail-from" help:"Sender of the mails." placeholder:"ADDRESS" env:"SAUMER_MAIL_FROM" group:"Notices"`
	NoticeTo     string        `name:"notice-to" help:"Who gets the mails of accounts without an address of their own. Default: empty, nobody." placeholder:"ADDRESS" env:"SAUMER_NOTICE_TO" group:"Notices"`
	NoticeURL    string        `secret:"url" name:"notice-url" help:"Where each notice is POSTed to, signed like a webhook. Default: empty, nowhere." placeholder:"URL" env:"SAUMER_NOTICE_URL" group:"Notices"`
	NoticeSecret string        `secret:"value" name:"notice-secret" help:"Secret that signs what is sent to --notice-url." placeholder:"whsec_…" env:"SAUMER_NOTICE_SECRET" group:"Notices"`

	Deactivate         string        `help:"What happens to a webhook that has failed for long enough and often enough: on deactivates it, observe only logs it, off does nothing." default:"${deactivate}" env:"SAUMER_DEACTIVATE" group:"Deactivation and replay"`
	DeactivateAfter    time.Duration `name:"deactivate-after" help:"How long a webhook must have failed without a break before it is deactivated." default:"${deactivate_after}" env:"SAUMER_DEACTIVATE_AFTER" group:"Deactivation and replay"`
	DeactivateAttempts int           `name:"deactivate-attempts" help:"How many attempts must have failed without a break before it is deactivated." default:"${deactivate_attempts}" env:"SAUMER_DEACTIVATE_ATTEMPTS" group:"Deactivation and replay"`
	ReplayWindow       time.Duration `name:"replay-window" help:"How long after a deactivation events are kept for a replay." default:"${replay_window}" env:"SAUMER_REPLAY_WINDOW" group:"Deactivation and replay"`
	Retention          time.Duration `help:"How long events are kept; more than --replay-window." default:"${retention}" env:"SAUMER_RETENTION" group:"Deactivation and replay"`

	LimitRequests  int `name:"limit-requests" help:"Requests to the API that an account may make in a minute, for each process." default:"${limit_requests}" env:"SAUMER_LIMIT_REQUESTS" group:"Limits of an account"`
	LimitPublishes int `name:"limit-publishes" help:"Events that an account may publish over HTTP in a minute, for each process." default:"${limit_publishes}" env:"SAUMER_LIMIT_PUBLISHES" group:"Limits of an account"`
	LimitTests     int `name:"limit-tests" help:"Test events and tests of connections of an account in a minute, for each process." default:"${limit_tests}" env:"SAUMER_LIMIT_TESTS" group:"Limits of an account"`
	LimitReplays   int `name:"limit-replays" help:"Replays and redeliveries of an account in a minute, for each process." default:"${limit_replays}" env:"SAUMER_LIMIT_REPLAYS" group:"Limits of an account"`
	LimitWebhooks  int `name:"limit-webhooks" help:"Webhooks of an account." default:"${limit_webhooks}" env:"SAUMER_LIMIT_WEBHOOKS" group:"Limits of an account"`
	LimitLiveViews int `name:"limit-live-views" help:"Live views of the console that an account may have open, for each process." default:"${limit_live_views}" env:"SAUMER_LIMIT_LIVE_VIEWS" group:"Limits of an account"`

	Grace    time.Duration `help:"How long a stop waits for attempts in flight." default:"${grace}" env:"SAUMER_GRACE" group:"Process"`
	LogLevel zapcore.Level `name:"log-level" help:"debug, info, warn or error; debug has a line for every event." default:"${log_level}" env:"SAUMER_LOG_LEVEL" group:"Process"`
}

// Trial says whether somebody tries Saumer on their own machine: nobody else reaches it, and no network was named that may be
// dialed. Only then may webhooks lead to this machine, whose ports a tenant could look for otherwise.
func (s *Serve) Trial() bool {
	return s.Embedded() && strings.Join(s.AllowCIDRs, "") == "" && s.PublicURL == "" && len(s.TrustedProxies) == 0 &&
		loopback(s.HTTP) && (s.NATSListen == "" || loopback(s.NATSListen))
}

// loopback says whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Embedded says whether the embedded NATS is used.
func (s *Serve) Embedded() bool { return s.NATSURL == "" }
