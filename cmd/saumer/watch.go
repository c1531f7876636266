package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

type webhookWatchCommand struct {
	webhookAsk
	Every time.Duration `help:"How often to look." default:"1s"`
}

// watched is what a watch has shown of a webhook.
type watched struct {
	state string
	// position is that of the newest attempt in the log.
	position uint64
	begun    bool
}

// Run prints what happens until ctx ends. What was there before is not printed.
func (c *webhookWatchCommand) Run(ctx context.Context, std streams) error {
	if c.Every <= 0 {
		return usageError{fmt.Errorf("--every %v: give how often to look, such as 1s", c.Every)}
	}
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	var seen watched
	for {
		if err := c.look(ctx, std, &seen); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look prints what is new.
func (c *webhookWatchCommand) look(ctx context.Context, std streams, seen *watched) error {
	var hook struct {
		State, LastError string
		Lag, Buffered    uint64
	}
	var log struct{ Attempts []json.RawMessage }
	if err := c.ask(ctx, std, http.MethodGet, c.path(), nil, &hook); err != nil {
		return err
	}
	if err := c.ask(ctx, std, http.MethodGet, c.path()+"/attempts?limit=200", nil, &log); err != nil {
		return err
	}
	newest := seen.position
	for _, text := range slices.Backward(log.Attempts) {
		var a struct {
			Position, Sequence, Status, Attempt uint64
			At, ID, Outcome, Error              string
		}
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("read an attempt: %w", err)
		}
		if a.Position <= seen.position {
			continue
		}
		newest = a.Position
		if !seen.begun {
			continue
		}
		if err := c.print(std, text, fmt.Sprintf("%s  %s  attempt %d  %s  %d  %s", a.At, quoted(a.ID), a.Attempt, a.Outcome, a.Status, quoted(a.Error))); err != nil {
			return err
		}
	}
	seen.position, seen.begun = newest, true
	if hook.State == seen.state {
		return nil
	}
	seen.state = hook.State
	state, err := json.Marshal(hook)
	if err != nil {
		return err
	}
	return c.print(std, state, fmt.Sprintf("state %s, %d behind, %d kept  %s", hook.State, hook.Lag, hook.Buffered, quoted(hook.LastError)))
}

// print prints a line: the JSON, or the sentence.
func (c *webhookWatchCommand) print(std streams, text json.RawMessage, line string) error {
	if c.JSON {
		line = string(text)
	}
	_, err := fmt.Fprintln(std.out, line)
	return err
}

// quoted is what others wrote, without what would steer a terminal.
func quoted(text string) string {
	value, _ := json.Marshal(text) // a text never fails
	return cell(value)
}
