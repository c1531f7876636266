package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

type attemptsCommand struct {
	webhookID `embed:""`
	Position  uint64 `arg:"" optional:"" help:"Position of one attempt, which is shown with what it sent."`
	Outcome   string `help:"Only attempts with this outcome, such as failed, delivered or timeout."`
	Limit     int    `help:"How many at most; 0 for all that are kept." default:"50"`
	asJSON    `embed:""`
	apiLogin  `embed:""`
}

// Run lists attempts, newest first, or shows one.
func (c *attemptsCommand) Run(ctx context.Context, std streams) error {
	path := c.path() + "/attempts"
	if c.Position != 0 {
		answer, err := c.send(ctx, std, http.MethodGet, path+"/"+strconv.FormatUint(c.Position, 10), nil)
		if err != nil {
			return err
		}
		return c.one(std, answer)
	}
	query := url.Values{}
	if c.Outcome != "" {
		query.Set("outcome", c.Outcome)
	}
	items, err := c.pages(ctx, std, path, query, "attempts", "before", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "POSITION=position", "AT=at", "EVENT=id", "ATTEMPT=attempt", "OUTCOME=outcome", "STATUS=status", "MS=milliseconds", "ERROR=error")
}

type noticesCommand struct {
	Webhook  uint64 `help:"Only notices of the webhook with this number." placeholder:"ID"`
	Limit    int    `help:"How many at most; 0 for all that are kept." default:"50"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists notices, newest first.
func (c *noticesCommand) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.Webhook != 0 {
		query.Set("webhook", strconv.FormatUint(c.Webhook, 10))
	}
	items, err := c.pages(ctx, std, "/v1/notices", query, "notices", "before", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "AT=at", "KIND=kind", "WEBHOOK=webhook", "APP=app", "HOST=host", "KEPT=buffered", "REASON=reason")
}
