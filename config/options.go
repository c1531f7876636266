package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

// keySize is the size of the secret key, in bytes.
const keySize = 32

// Loopback are the networks that may be dialed in a trial.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Options checks the settings, each by itself and against one another, and makes the options of package app of them. All
// that is wrong is in the error, a line each, naming the flag and what to do. No line holds a password or a key.
// Log and Version are left to the caller.
func (s *Serve) Options() (app.Options, error) {
	var c check
	o := app.Options{
		HTTP:           s.HTTP,
		Metrics:        s.Metrics,
		Profile:        s.Profile,
		PublicURL:      c.public(s.PublicURL, s.HTTP, s.TLSCert != ""),
		Data:           s.Data,
		NATSURL:        s.NATSURL,
		NATSListen:     s.NATSListen,
		NATSSync:       time.Duration(s.NATSSync),
		MaxStore:       int64(s.MaxStore),
		RedisURL:       s.RedisURL,
		Account:        s.Account,
		Password:       s.Password,
		SecretKey:      c.key(s.Secret),
		AllowCIDRs:     c.cidrs("--allow-cidrs", s.AllowCIDRs),
		Proxies:        c.cidrs("--trusted-proxies", s.TrustedProxies),
		Timeout:        s.Timeout,
		ConnectTimeout: min(s.ConnectTimeout, s.Timeout),
		MaxInFlight:    s.MaxInFlight,
		BackoffInitial: s.BackoffInitial,
		BackoffMax:     s.BackoffMax,
		Deactivate:     backlog.Mode(s.Deactivate),

		FailingAfter:       s.FailingAfter,
		SMTP:               c.smtp(s.SMTPURL),
		MailFrom:           s.MailFrom,
		NoticeTo:           s.NoticeTo,
		NoticeURL:          s.NoticeURL,
		NoticeSecret:       s.NoticeSecret,
		DeactivateAfter:    s.DeactivateAfter,
		DeactivateAttempts: s.DeactivateAttempts,
		ReplayWindow:       s.ReplayWindow,
		Retention:          s.Retention,
		Replicas:           s.Replicas,
		Events:             c.events(s.Events),
		Grace:              s.Grace,
		Limits:             c.limits(s),
	}
	if s.Embedded() {
		o.NATSListen = c.address("--nats-listen", s.NATSListen, true)
		if s.Trial() {
			o.AllowCIDRs = Loopback
		}
	} else {
		o.NATSListen = ""
	}
	c.connections(s, &o)
	c.that(event.ValidAccount(s.Account) == nil, "--account %q: %v", s.Account, event.ErrAccount)
	c.delivery(s)
	c.notices(s)
	c.deactivation(s)
	c.replicas(s)
	c.that(s.Grace >= 0, "--grace %v is negative: give how long a stop waits for attempts in flight, such as %s", s.Grace, duration(defaults.Grace))
	if err := errors.Join(c.wrong...); err != nil {
		return app.Options{}, err
	}
	return o, nil
}

// check collects what is wrong.
type check struct{ wrong []error }

// that holds, or what the format says is wrong.
func (c *check) that(holds bool, format string, args ...any) {
	if !holds {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

func (c *check) within(flag string, value, low, high time.Duration) {
	c.that(value >= low && value <= high, "%s %v is not between %v and %v: choose a value in between", flag, value, low, high)
}

func (c *check) storage(s *Serve) {
	if !s.Embedded() {
		c.url("--nats-url", s.NATSURL, "nats://host:4222", "nats", "tls", "ws", "wss")
	}
	if s.RedisURL != "" {
		c.url("--redis-url", s.RedisURL, "redis://host:6379/0", "redis", "rediss", "unix")
	}
	c.address("--http", s.HTTP, false)
	c.address("--metrics", s.Metrics, true)
	c.that(!s.Profile || s.Metrics != "", "--profile serves profiles at the address of the metrics: give one with --metrics, such as 127.0.0.1:9464")
	c.that(s.Data != "", "--data is empty: name a directory, such as %s", defaults.Data)
	c.that(s.MaxStore == 0 || s.MaxStore >= defaults.SmallestStore,
		"--max-store %d is less than %d bytes: give the stored events that much room at least, or 0 for no bound", s.MaxStore, defaults.SmallestStore)
	if s.NATSSync != 0 { // always
		c.within("--nats-sync", time.Duration(s.NATSSync), defaults.ShortestSync, defaults.LongestSync)
	}
}

// connections checks how others are reached, and how Saumer is.
func (c *check) connections(s *Serve, o *app.Options) {
	c.storage(s)
	o.TLSCert, o.TLSKey = s.TLSCert, s.TLSKey
	c.that(s.NATSLogin.none() || !s.Embedded(), "--nats-creds, --nats-nkey, --nats-ca, --nats-cert and --nats-key are for an external NATS: give its --nats-url, or leave them out")
	var err error
	if o.NATSLogin, err = s.NATSLogin.Options(); err != nil {
		c.wrong = append(c.wrong, err)
	}
	if o.Redis, err = s.RedisLogin.options(s.RedisURL); err != nil {
		c.wrong = append(c.wrong, err)
	}
	c.that((s.TLSCert == "") == (s.TLSKey == ""), "--tls-cert and --tls-key need each other: give both, in PEM")
	if s.TLSCert != "" && s.TLSKey != "" {
		c.pair("--tls-cert", s.TLSCert, "--tls-key", s.TLSKey)
	}
}

func (c *check) delivery(s *Serve) {
	c.within("--timeout", s.Timeout, defaults.ShortestTime, defaults.LongestTimeout)
	c.within("--connect-timeout", s.ConnectTimeout, defaults.ShortestTime, defaults.LongestTimeout)
	c.that(s.MaxInFlight >= 1 && s.MaxInFlight <= defaults.MostInFlight,
		"--max-in-flight %d is not between 1 and %d: choose a number in between", s.MaxInFlight, defaults.MostInFlight)
	c.that(s.BackoffInitial >= defaults.ShortestTime, "--backoff-initial %v is too short: give %v or more", s.BackoffInitial, defaults.ShortestTime)
	c.that(s.BackoffMax >= s.BackoffInitial,
		"--backoff-max %v is shorter than --backoff-initial %v: raise the one or lower the other", s.BackoffMax, s.BackoffInitial)
}

func (c *check) deactivation(s *Serve) {
	switch backlog.Mode(s.Deactivate) {
	case backlog.On, backlog.Observe, backlog.Off:
	default:
		c.that(false, "--deactivate %q is unknown: choose on, observe or off", s.Deactivate)
	}
	c.that(s.DeactivateAfter > 0, "--deactivate-after %v is not positive: give how long a webhook may fail, such as %s, or turn it off with --deactivate off", s.DeactivateAfter, duration(defaults.DeactivateAfter))
	c.that(s.DeactivateAttempts >= 1, "--deactivate-attempts %d is less than 1: give how often a webhook may fail, such as %d, or turn it off with --deactivate off", s.DeactivateAttempts, defaults.DeactivateAttempts)
	c.that(s.ReplayWindow > 0, "--replay-window %v is not positive: give how much a replay sends, such as %s", s.ReplayWindow, duration(defaults.ReplayWindow))
	c.that(s.Retention > s.ReplayWindow,
		"--retention %v does not exceed --replay-window %v, so events would be gone before they are replayed: raise the one or lower the other", s.Retention, s.ReplayWindow)
	c.that(s.Retention >= defaults.Dedupe,
		"--retention %v is shorter than the %v for which the ids of events are remembered: give %v or more", s.Retention, defaults.Dedupe, defaults.Dedupe)
}

func (c *check) replicas(s *Serve) {
	possible := slices.Contains([]int{1, 3, 5}, s.Replicas)
	c.that(possible, "--replicas %d is not possible: choose 1, 3 or 5", s.Replicas)
	c.that(!possible || s.Replicas == 1 || !s.Embedded(), "--replicas %d needs a NATS cluster: give its --nats-url, or choose 1 for the embedded one", s.Replicas)
}

func (c *check) limits(s *Serve) registry.Limits {
	for flag, n := range map[string]int{
		"--limit-requests": s.LimitRequests, "--limit-publishes": s.LimitPublishes, "--limit-tests": s.LimitTests,
		"--limit-replays": s.LimitReplays, "--limit-webhooks": s.LimitWebhooks, "--limit-live-views": s.LimitLiveViews,
	} {
		c.that(n >= 1, "%s %d is less than 1: give how many an account may have", flag, n)
	}
	return registry.Limits{
		Requests: s.LimitRequests, Publishes: s.LimitPublishes, Tests: s.LimitTests, Replays: s.LimitReplays,
		Webhooks: s.LimitWebhooks, LiveViews: s.LimitLiveViews,
	}
}

// address checks the form host:port and hands it back.
func (c *check) address(flag, address string, empty bool) string {
	if address == "" && empty {
		return ""
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	c.that(err == nil && port != "", "%s %q is not host:port: write it like %s, or :8080 for all addresses", flag, address, defaults.HTTP)
	return address
}

// url checks a list of URLs. They may hold a password, so that no error repeats them.
func (c *check) url(flag, list, example string, schemes ...string) {
	for part := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(part))
		good := err == nil && slices.Contains(schemes, u.Scheme) && (u.Host != "" || u.Scheme == "unix" && u.Path != "")
		c.that(good, "%s is not a URL with one of the schemes %s: write it like %s", flag, strings.Join(schemes, ", "), example)
	}
}

// public checks where people reach Saumer. Without it that is where the API is: on this machine, if it listens on all
// addresses; where its port is drawn, the app will know.
func (c *check) public(raw, address string, encrypted bool) string {
	if raw == "" {
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "0" {
			return ""
		}
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			host = "localhost"
		}
		scheme := "http://"
		if encrypted {
			scheme = "https://"
		}
		return scheme + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(raw)
	good := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && !strings.Contains(raw, "#")
	c.that(good, "--public-url is not an http or https URL without user, query and fragment: write it like https://hooks.example.org")
	return raw
}

// smtp reads --smtp-url, which may hold a password; nil if there is none.
func (c *check) smtp(raw string) *notify.SMTP {
	if raw == "" {
		return nil
	}
	server, err := notify.ParseSMTP(raw)
	c.that(err == nil, "--smtp-url is %v", err)
	return &server
}

func (c *check) notices(s *Serve) {
	c.that(s.FailingAfter > 0, "--failing-after %v is not positive: give how long a webhook may fail before people are told, such as %s", s.FailingAfter, duration(defaults.FailingAfter))
	c.that(s.MailFrom == "" || registry.ValidEmail(s.MailFrom), "--mail-from %q is not an e-mail address: write it like saumer@example.org", s.MailFrom)
	c.that(s.NoticeTo == "" || registry.ValidEmail(s.NoticeTo), "--notice-to %q is not an e-mail address: write it like operations@example.org", s.NoticeTo)
	c.that(s.SMTPURL == "" || s.MailFrom != "", "--smtp-url needs --mail-from: give the address that mails come from, such as saumer@example.org")
	c.that(s.SMTPURL != "" || s.MailFrom == "" && s.NoticeTo == "", "--mail-from and --notice-to need --smtp-url: give the mail server, such as smtp://user:password@mail.example.org:587")
	if s.NoticeURL != "" {
		_, err := delivery.CheckURL(s.NoticeURL)
		c.that(err == nil, "--notice-url is not an absolute http or https URL without user and fragment: write it like https://example.org/notices")
	}
	if s.NoticeSecret != "" {
		_, err := delivery.DecodeSecret(s.NoticeSecret)
		c.that(err == nil, "--notice-secret is not whsec_ and base64: make one with `echo whsec_$(openssl rand -base64 32)`")
	}
	c.that((s.NoticeURL == "") == (s.NoticeSecret == ""), "--notice-url and --notice-secret need each other: give both, a secret made with `echo whsec_$(openssl rand -base64 32)`")
}

// key decodes --secret-key; nil if there is none.
func (c *check) key(text string) []byte {
	if text == "" {
		return nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	c.that(err == nil && len(key) == keySize, "--secret-key is not base64 of %d bytes: make one with `openssl rand -base64 %d`", keySize, keySize)
	return key
}

func (c *check) cidrs(flag string, texts []string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		c.that(err == nil, "%s %q is not a network: write it like 10.0.0.0/8, or 192.0.2.7/32 for one address", flag, text)
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes
}

// events are the default events and those of the configuration, each once.
func (c *check) events(added []string) []string {
	names := slices.Clone(event.Defaults)
	for _, name := range added {
		if name = strings.TrimSpace(name); name == "" || slices.Contains(names, name) {
			continue
		}
		c.that(event.ValidName(name) == nil, "--events %q: %v", name, event.ErrName)
		names = append(names, name)
	}
	return names
}
