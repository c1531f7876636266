package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

type healthCommand struct {
	URL     string        `name:"url" help:"Where Saumer's API is." default:"http://${http}"`
	Timeout time.Duration `help:"How long to wait for the answer." default:"3s"`
}

// Run asks once whether Saumer is ready: NATS, Redis and the index are there.
func (c *healthCommand) Run(ctx context.Context, std streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.URL, "/")+"/readyz", nil)
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	if _, err := answered(request, c.URL); err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, "ready")
	return err
}
