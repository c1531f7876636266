package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// eventCommands are what can be done with events.
type eventCommands struct {
	List     eventListCommand     `cmd:"" help:"List the events that are kept, newest first."`
	Get      eventGetCommand      `cmd:"" help:"Show one event with its data and its deliveries."`
	Publish  eventPublishCommand  `cmd:"" help:"Publish events over the API: a file, a folder, or a line each."`
	Types    eventTypesCommand    `cmd:"" help:"List the names of events, each with the newest event."`
	Rejected eventRejectedCommand `cmd:"" help:"List what was published and cannot be delivered, with the reason."`
	Erase    eventEraseCommand    `cmd:"" help:"Erase an event for good: its body, and what endpoints answered to it."`
}

type eventListCommand struct {
	Name     string `help:"Only events of this name."`
	From     string `help:"Only what was published since: a time such as 2026-03-01T12:00:00Z, or how long ago, such as 2d."`
	To       string `help:"Only what was published before, in the same way."`
	Limit    int    `help:"How many at most; 0 for all that are kept." default:"50"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists events.
func (c *eventListCommand) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.Name != "" {
		query.Set("name", c.Name)
	}
	now := time.Now()
	for name, given := range map[string]string{"from": c.From, "to": c.To} {
		if given == "" {
			continue
		}
		at, err := momentOf(given, now)
		if err != nil {
			return usageError{fmt.Errorf("--%s: %w", name, err)}
		}
		query.Set(name, at.Format(time.RFC3339Nano))
	}
	items, err := c.pages(ctx, std, "/v1/events", query, "events", "before", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "SEQUENCE=sequence", "PUBLISHED=published", "EVENT=event", "ID=id", "BYTES=size")
}

// eventRef is the event that a command is about.
type eventRef struct {
	Event string `arg:"" help:"The event's id, or its stream sequence."`
	Name  string `help:"Only an event of this name: events of several names may have one id."`
}

// path is where the API has the event, with a query, to which it adds the name.
func (c eventRef) path(query url.Values) string {
	if c.Name != "" {
		query.Set("name", c.Name)
	}
	path := "/v1/events/" + url.PathEscape(c.Event)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

type eventGetCommand struct {
	eventRef `embed:""`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run shows the event.
func (c *eventGetCommand) Run(ctx context.Context, std streams) error {
	answer, err := c.send(ctx, std, http.MethodGet, c.path(url.Values{}), nil)
	if err != nil {
		return err
	}
	return c.one(std, answer)
}

type eventTypesCommand struct {
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists the names.
func (c *eventTypesCommand) Run(ctx context.Context, std streams) error {
	items, err := c.pages(ctx, std, "/v1/event-types", url.Values{}, "eventTypes", "after", 0)
	if err != nil {
		return err
	}
	return c.list(std, items, "NAME=name", "NEWEST=newest", "SAMPLE=sample")
}

type eventRejectedCommand struct {
	Of       string `help:"Only what was published for this account; an operator sees all without it." placeholder:"ACCOUNT"`
	Limit    int    `help:"How many at most; 0 for all that are kept." default:"50"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists what was rejected.
func (c *eventRejectedCommand) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.Of != "" {
		query.Set("account", c.Of)
	}
	items, err := c.pages(ctx, std, "/v1/rejected", query, "rejected", "before", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "AT=at", "SEQUENCE=sequence", "SUBJECT=subject", "BYTES=size", "REASON=reason", "BEGIN=begin")
}

type eventEraseCommand struct {
	Event      string `arg:"" help:"The event's id, or its stream sequence with --by-sequence."`
	Name       string `help:"Only an event of this name: events of several names may have one id."`
	BySequence bool   `name:"by-sequence" help:"The event is named by its stream sequence."`
	Yes        bool   `help:"Erase it. Without this it is only said that it would be."`
	apiLogin   `embed:""`
}

// Run erases the event, if that was confirmed.
func (c *eventEraseCommand) Run(ctx context.Context, std streams) error {
	if !c.Yes {
		return usageError{fmt.Errorf("nothing was erased: the event %s would be gone for good, for all webhooks; repeat with --yes", c.Event)}
	}
	var gone struct{ Sequence uint64 }
	query := url.Values{}
	if c.BySequence {
		query.Set("bySequence", "true")
	}
	if err := c.ask(ctx, std, http.MethodDelete, eventRef{c.Event, c.Name}.path(query), nil, &gone); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "erased the event %s, sequence %d\n", c.Event, gone.Sequence)
	return err
}
