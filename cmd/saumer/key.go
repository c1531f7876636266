package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

type keyAddCommand struct {
	Label    string        `arg:"" help:"What the key is for."`
	Right    string        `help:"What may be done with it: all, read-only or publish-only." default:"all"`
	Expires  time.Duration `help:"How long it lets somebody in, such as 30d. Default: for ever."`
	Of       string        `help:"Whose key it is. Default: the account that asks." placeholder:"ACCOUNT"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// keysOf is where the API has the keys of an account.
func keysOf(of, account string) string {
	if of == "" {
		of = account
	}
	return "/v1/accounts/" + of + "/keys"
}

// Run makes the key and shows it.
func (c *keyAddCommand) Run(ctx context.Context, std streams) error {
	if c.Expires < 0 {
		return usageError{fmt.Errorf("--expires %v is negative: give how long the key lets somebody in, such as 30d", c.Expires)}
	}
	body := map[string]string{"label": c.Label, "right": c.Right}
	if c.Expires > 0 {
		body["expires"] = time.Now().Add(c.Expires).UTC().Format(time.RFC3339)
	}
	answer, err := c.send(ctx, std, http.MethodPost, keysOf(c.Of, c.Account), body)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.one(std, answer)
	}
	var made struct{ ID, Key string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	_, err = fmt.Fprintf(std.out, "made the key %s; it is not shown again:\n%s\n", made.ID, made.Key)
	return err
}

type keyListCommand struct {
	Of       string `help:"Whose keys are listed. Default: those of the account that asks." placeholder:"ACCOUNT"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists the keys.
func (c *keyListCommand) Run(ctx context.Context, std streams) error {
	items, err := c.pages(ctx, std, keysOf(c.Of, c.Account), url.Values{}, "keys", "after", 0)
	if err != nil {
		return err
	}
	return c.list(std, items, "ID=id", "FOR=label", "RIGHT=right", "MADE=created", "LAST USED=lastUsed", "ENDS=expires")
}

type keyRevokeCommand struct {
	ID       string `arg:"" help:"The key's id."`
	Of       string `help:"Whose key it is. Default: the account that asks." placeholder:"ACCOUNT"`
	apiLogin `embed:""`
}

// Run ends the key.
func (c *keyRevokeCommand) Run(ctx context.Context, std streams) error {
	if err := c.ask(ctx, std, http.MethodDelete, keysOf(c.Of, c.Account)+"/"+c.ID, nil, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "the key %s lets nobody in any more\n", c.ID)
	return err
}
