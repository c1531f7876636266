package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/config"
)

// webhookCommands are what can be done with webhooks.
type webhookCommands struct {
	Create    webhookCreateCommand    `cmd:"" help:"Make a webhook. Its secret is shown once."`
	List      webhookListCommand      `cmd:"" help:"List the webhooks with their states."`
	Get       webhookGetCommand       `cmd:"" help:"Show one webhook."`
	Update    webhookUpdateCommand    `cmd:"" help:"Change a webhook. What waits in its backlog follows."`
	Pause     webhookPauseCommand     `cmd:"" help:"Pause a webhook: its events are kept."`
	Activate  webhookActivateCommand  `cmd:"" aliases:"resume" help:"Activate a webhook that was paused or deactivated."`
	Delete    webhookDeleteCommand    `cmd:"" help:"Delete a webhook with what waits for it."`
	Replay    webhookReplayCommand    `cmd:"" help:"Send the events of a period again."`
	Redeliver webhookRedeliverCommand `cmd:"" help:"Send one event again."`
	Why       webhookWhyCommand       `cmd:"" help:"Say why a webhook got an event, or why not."`
	Test      webhookTestCommand      `cmd:"" help:"Send a sample once."`
	Probe     webhookProbeCommand     `cmd:"" help:"Say whether the URL's host can be reached, without a request."`
	Secret    webhookSecretCommand    `cmd:"" help:"Give a webhook a new secret, which is shown once."`
	Watch     webhookWatchCommand     `cmd:"" help:"Print each attempt to a webhook, and each change of its state, as they come."`
}

// webhookID is the webhook that a command is about.
type webhookID struct {
	ID uint64 `arg:"" help:"Number of the webhook."`
}

// path is where the API has the webhook.
func (c webhookID) path() string { return "/v1/webhooks/" + strconv.FormatUint(c.ID, 10) }

// webhookBody is what a webhook is made of, or what is changed of it.
type webhookBody struct {
	App         *string           `help:"Your own name for what the webhook belongs to."`
	MaxInFlight *int              `name:"max-in-flight" help:"Attempts that may be under way at a time; 0 for the default."`
	Timeout     *time.Duration    `help:"How long an answer may take; 0s for the default."`
	Header      map[string]string `help:"Header that each delivery has, such as Authorization=...; may be given several times." placeholder:"NAME=VALUE" mapsep:"none"`
	Filter      *string           `help:"Which events are for it, by their data, as JSON, such as '{\"pointer\": \"/id\", \"min\": 10}'; {} for all." placeholder:"JSON"`
	From        string            `name:"from-file" help:"File with further members of the request as a JSON object, as docs/API.md has them; - reads the standard input." placeholder:"FILE"`
}

// members are those of the request's object. The flags go before the file.
func (c webhookBody) members(in io.Reader, more map[string]any) (map[string]any, error) {
	body := map[string]any{}
	if c.From != "" {
		if c.From != "-" {
			file, err := os.Open(c.From)
			if err != nil {
				return nil, usageError{fmt.Errorf("--from-file: %w", err)}
			}
			defer func() { _ = file.Close() }() // it was only read
			in = file
		}
		decoder := json.NewDecoder(io.LimitReader(in, 1<<20))
		decoder.UseNumber() // a number is sent as it is written
		if err := decoder.Decode(&body); err != nil {
			return nil, usageError{fmt.Errorf("--from-file %s is not a JSON object: %w", c.From, err)}
		}
		if body == nil {
			return nil, usageError{fmt.Errorf("--from-file %s is not a JSON object: it is null", c.From)}
		}
	}
	settings, _ := body["settings"].(map[string]any)
	if settings == nil {
		settings = map[string]any{}
	}
	if c.App != nil {
		body["app"] = *c.App
	}
	if c.MaxInFlight != nil {
		settings["maxInFlight"] = *c.MaxInFlight
	}
	if c.Timeout != nil {
		settings["timeout"] = c.Timeout.String()
	}
	if c.Filter != nil {
		if !json.Valid([]byte(*c.Filter)) {
			return nil, usageError{fmt.Errorf("--filter %s is not JSON: write it like {\"pointer\": \"/id\", \"min\": 10}", *c.Filter)}
		}
		body["filter"] = json.RawMessage(*c.Filter)
	}
	if c.Header != nil {
		settings["headers"] = c.Header
	}
	if ordered, given := more["ordered"]; given {
		delete(more, "ordered")
		settings["ordered"] = ordered
	}
	if len(settings) > 0 {
		body["settings"] = settings
	}
	maps.Copy(body, more)
	return body, nil
}

type webhookCreateCommand struct {
	Target      string   `arg:"" optional:"" name:"target" help:"Where events are sent, http or https."`
	Event       []string `help:"Name of an event that it gets, or a pattern such as optin_*; may be given several times." placeholder:"NAME"`
	Begin       string   `name:"from" help:"Begin in the past, with what is kept: a time, how long ago, such as 2d, or a sequence of the stream." placeholder:"TIME"`
	Ordered     bool     `help:"Send events one at a time, in the order of the stream."`
	webhookBody `embed:""`
	asJSON      `embed:""`
	apiLogin    `embed:""`
}

// Run makes the webhook.
func (c *webhookCreateCommand) Run(ctx context.Context, std streams) error {
	more := map[string]any{}
	if c.Target != "" {
		more["url"] = c.Target
	}
	switch {
	case len(c.Event) == 1 && !strings.Contains(c.Event[0], "*"):
		more["event"] = c.Event[0]
	case len(c.Event) > 0:
		more["events"] = c.Event
	}
	if c.Ordered {
		more["ordered"] = true
	}
	if c.Begin != "" {
		more["from"] = c.Begin
		if _, err := strconv.ParseUint(c.Begin, 10, 64); err != nil && c.Begin != "now" {
			at, err := momentOf(c.Begin, time.Now())
			if err != nil {
				return usageError{fmt.Errorf("--from: %w", err)}
			}
			more["from"] = at
		}
	}
	body, err := c.members(std.in, more)
	if err != nil {
		return err
	}
	if body["app"] == nil {
		body["app"] = "saumer"
	}
	answer, err := c.send(ctx, std, http.MethodPost, "/v1/webhooks", body)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.one(std, answer)
	}
	var made struct {
		ID           uint64
		Secret, Note string
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if made.Note != "" {
		made.Note += "\n"
	}
	_, err = fmt.Fprintf(std.out, "made the webhook %d\nsecret %s   (it is not shown again)\n%s", made.ID, made.Secret, made.Note)
	return err
}

type webhookListCommand struct {
	App      string `help:"Only those of this app."`
	Event    string `help:"Only those for this event."`
	State    string `help:"Only those in this state: live, lagging, inactive or unreadable."`
	Text     string `help:"Only those whose id is this, or whose app or URL contains it."`
	Limit    int    `help:"How many at most; 0 for all." default:"0"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists webhooks.
func (c *webhookListCommand) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	for name, value := range map[string]string{"app": c.App, "event": c.Event, "state": c.State, "text": c.Text} {
		if value != "" {
			query.Set(name, value)
		}
	}
	items, err := c.pages(ctx, std, "/v1/webhooks", query, "webhooks", "after", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "ID=id", "STATE=state", "APP=app", "EVENT=event", "LAG=lag", "KEPT=buffered", "URL=url", "LAST ERROR=lastError")
}

// webhookAsk is a command that asks one thing of one webhook and shows the answer.
type webhookAsk struct {
	webhookID `embed:""`
	asJSON    `embed:""`
	apiLogin  `embed:""`
}

// do asks and shows.
func (c *webhookAsk) do(ctx context.Context, std streams, method, below string, body any) error {
	answer, err := c.send(ctx, std, method, c.path()+below, body)
	if err != nil {
		return err
	}
	return c.one(std, answer)
}

type webhookGetCommand struct{ webhookAsk }

func (c *webhookGetCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodGet, "", nil)
}

type webhookUpdateCommand struct {
	webhookAsk
	Target      *string `name:"to" help:"The new URL." placeholder:"URL"`
	webhookBody `embed:""`
}

// Run changes what was given.
func (c *webhookUpdateCommand) Run(ctx context.Context, std streams) error {
	more := map[string]any{}
	if c.Target != nil {
		more["url"] = *c.Target
	}
	body, err := c.members(std.in, more)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return usageError{errors.New("nothing is to be changed: give --to, --app, --timeout, --max-in-flight, --header, --filter or --from-file")}
	}
	return c.do(ctx, std, http.MethodPatch, "", body)
}

type webhookPauseCommand struct{ webhookAsk }

func (c *webhookPauseCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/pause", nil)
}

type webhookActivateCommand struct {
	webhookAsk
	Replay bool `help:"Send the events that were kept. Without it they are dropped." negatable:""`
}

func (c *webhookActivateCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/activate", map[string]bool{"replay": c.Replay})
}

type webhookDeleteCommand struct {
	webhookID `embed:""`
	apiLogin  `embed:""`
}

// Run deletes the webhook.
func (c *webhookDeleteCommand) Run(ctx context.Context, std streams) error {
	if _, err := c.send(ctx, std, http.MethodDelete, c.path(), nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "deleted the webhook %d\n", c.ID)
	return err
}

type webhookReplayCommand struct {
	webhookAsk
	From string `help:"When the period begins: a time such as 2026-03-01T12:00:00Z, or how long ago, such as 2d." required:""`
	To   string `help:"When it ends, in the same way. Default: now." default:"0s"`
}

// Run starts the replay.
func (c *webhookReplayCommand) Run(ctx context.Context, std streams) error {
	now := time.Now()
	from, err := momentOf(c.From, now)
	if err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	to, err := momentOf(c.To, now)
	if err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	return c.do(ctx, std, http.MethodPost, "/replay", map[string]time.Time{"from": from, "to": to})
}

// momentOf reads a time, or how long it was before now.
func momentOf(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time such as 2026-03-01T12:00:00Z, and not how long ago it was, such as 36h or 5d", text)
	}
	return now.Add(-ago).UTC(), nil
}

type webhookRedeliverCommand struct {
	webhookAsk
	Event string `arg:"" help:"The event's id, or its stream sequence."`
}

func (c *webhookRedeliverCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/redeliver", map[string]string{"event": c.Event})
}

type webhookWhyCommand struct {
	webhookAsk
	Event string `arg:"" help:"The event's id, or its stream sequence."`
}

func (c *webhookWhyCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodGet, "/why?event="+url.QueryEscape(c.Event), nil)
}

type webhookTestCommand struct{ webhookAsk }

func (c *webhookTestCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/test", nil)
}

type webhookProbeCommand struct{ webhookAsk }

func (c *webhookProbeCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/probe", nil)
}

type webhookSecretCommand struct{ webhookAsk }

func (c *webhookSecretCommand) Run(ctx context.Context, std streams) error {
	return c.do(ctx, std, http.MethodPost, "/secret", nil)
}
