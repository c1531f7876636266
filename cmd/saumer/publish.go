package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
)

// defaultNATS is where `saumer serve` takes publishers if it is not told otherwise.
const defaultNATS = "nats://" + defaults.NATSListen

// connecting bounds a connection to NATS, with the check of its login.
const connecting = 10 * time.Second

type publishCommand struct {
	Event    string `arg:"" help:"Name of the event, such as optin_finalized."`
	File     string `arg:"" optional:"" help:"File with the event's data, a JSON value; - reads the standard input. Default: a sample."`
	NATSURL  string `name:"nats-url" help:"NATS to publish to, such as nats://demo:PASSWORD@127.0.0.1:4222." default:"nats://${nats_listen}" env:"SAUMER_NATS_URL"`
	Account  string `help:"Account that the event belongs to." default:"${account}" env:"SAUMER_ACCOUNT"`
	Password string `help:"Its password or an API key, for a URL without a login." env:"SAUMER_PASSWORD"`
	config.NATSLogin
	ID    string `name:"id" help:"Idempotency key: an event with the same one is stored once in 10 minutes. It becomes the event's id."`
	Count int    `help:"How often to publish it." default:"1"`
}

// Run publishes and prints a line an event, once JetStream has stored it.
func (c *publishCommand) Run(ctx context.Context, std streams) error {
	if c.NATSURL == "" {
		c.NATSURL = defaultNATS // The variable is set and empty, as for a serve with the embedded NATS.
	}
	if c.Count < 1 {
		return usageError{fmt.Errorf("--count %d is less than 1: give how often to publish", c.Count)}
	}
	if err := errors.Join(event.ValidAccount(c.Account), event.ValidName(c.Event)); err != nil {
		return usageError{err}
	}
	data, err := c.body(std.in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	login, err := c.NATSLogin.Options()
	if err != nil {
		return usageError{err}
	}
	asking, unasked := context.WithCancelCause(ctx)
	defer unasked(nil)
	nc, err := c.connect(cancel, unasked, login)
	if err != nil {
		return c.unreachable(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if wrong, err := event.Judge(asking, nc, c.Account, c.Event); err != nil {
		return err
	} else if wrong != "" {
		return fmt.Errorf("nothing was published: %s", wrong)
	}
	for range c.Count {
		receipt, err := event.Publish(ctx, js, c.Account, c.Event, c.ID, data)
		if err != nil {
			return c.refused(errors.Join(context.Cause(ctx), err))
		}
		stored := ""
		if receipt.Duplicate {
			stored = " (a duplicate: it was stored before)"
		}
		if _, err := fmt.Fprintf(std.out, "published %s id %s sequence %d%s\n", c.Event, receipt.ID, receipt.Seq, stored); err != nil {
			return err
		}
	}
	return nil
}

// connect connects to NATS. What NATS says of a publish that is not allowed is said to the connection, and is the cause that
// ends waiting for an answer; whoever may not ask whether an event is known may publish it.
func (c *publishCommand) connect(end, unasked context.CancelCauseFunc, login []nats.Option) (*nats.Conn, error) {
	return nats.Connect(c.NATSURL, append(login, nats.Name("saumer publish"), nats.Timeout(connecting), nats.NoReconnect(),
		// A login in the URL goes before this one.
		nats.UserInfo(c.user(), c.Password),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			switch {
			case !errors.Is(err, nats.ErrPermissionViolation):
			case strings.Contains(err.Error(), event.JudgePrefix):
				unasked(err)
			default:
				end(err)
			}
		}))...)
}

// user is who logs in where the URL does not say it; empty: nobody.
func (c *publishCommand) user() string {
	if c.Password == "" {
		return ""
	}
	return c.Account
}

// body is the event's data: the file, the standard input, or a sample. Its error says where it is no JSON.
func (c *publishCommand) body(in io.Reader) ([]byte, error) {
	source := c.File
	switch c.File {
	case "":
		return event.Sample(c.Event), nil
	case "-":
		source = "the standard input"
	default:
		file, err := os.Open(c.File)
		if err != nil {
			return nil, usageError{fmt.Errorf("open the event's data: %w", err)}
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, event.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", source, err)
	}
	switch err := event.Check(data); {
	case errors.Is(err, event.ErrBody):
		return nil, usageError{fmt.Errorf("%s is not JSON: %w; an event's data is one JSON value", source, syntax(data))}
	case err != nil:
		return nil, usageError{fmt.Errorf("%s cannot be an event's data: %w", source, err)}
	}
	return data, nil
}

// syntax says what keeps data from being JSON, and where.
func syntax(data []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(data, &any)
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w at byte %d", err, at.Offset)
	}
	return err
}

func (c *publishCommand) unreachable(err error) error {
	at := redact(c.NATSURL)
	if errors.Is(err, nats.ErrNoServers) {
		return fmt.Errorf("nothing listens at %s: start `saumer serve`, or name your NATS with --nats-url", at)
	}
	if errors.Is(err, nats.ErrAuthorization) {
		return fmt.Errorf("the NATS at %s refuses the login: give the account and its password or an API key as --nats-url nats://%s:PASSWORD@HOST:PORT, or set SAUMER_PASSWORD", at, c.Account)
	}
	return fmt.Errorf("connect to NATS at %s: %w; check --nats-url", at, err)
}

func (c *publishCommand) refused(err error) error {
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("the login at %s may not publish events of the account %s: log in as %s", redact(c.NATSURL), c.Account, c.Account)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("the NATS at %s has no stream for events: start `saumer serve --nats-url` on it first", redact(c.NATSURL))
	}
	return err
}

// redact leaves user and password out of a list of URLs.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil {
			parts[i] = "(unreadable URL)"
			continue
		}
		u.User = nil
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}
