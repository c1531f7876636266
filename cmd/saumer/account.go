package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/saumer/saumer/event"
)

// accountName is the account that a command is about.
type accountName struct {
	Name string `arg:"" help:"Name of the account."`
}

// Validate is called by kong.
func (c accountName) Validate() error {
	if err := event.ValidAccount(c.Name); err != nil {
		return fmt.Errorf("%q: %w", c.Name, err)
	}
	return nil
}

// path is where the API has the account.
func (c accountName) path() string { return "/v1/accounts/" + c.Name }

// newPassword is a password that is set.
type newPassword struct {
	NewPassword     string `name:"new-password" help:"The new password. Better in a file. Default: one drawn at random and shown." env:"SAUMER_NEW_PASSWORD"`
	NewPasswordFile string `name:"new-password-file" help:"File with it; - reads the standard input." placeholder:"FILE"`
}

// get returns the password, and a line that shows one that was drawn.
func (c newPassword) get(std streams) (password, shown string, err error) {
	if password, err = secretOf(std.in, c.NewPassword, c.NewPasswordFile); err != nil || password != "" {
		return password, "", err
	}
	if c.NewPasswordFile != "" {
		return "", "", usageError{errors.New("--new-password-file is empty: put the password into it")}
	}
	password = rand.Text()
	return password, fmt.Sprintf("password %s   (it is not shown again)\n", password), nil
}

type accountAddCommand struct {
	accountName `embed:""`
	newPassword `embed:""`
	Email       string `help:"Address that gets the notices of the new account." placeholder:"ADDRESS"`
	Language    string `help:"Language of the mails, en or de. Default: en."`
	Zone        string `help:"Time zone of the times in mails, such as Europe/Zurich. Default: UTC."`
	apiLogin    `embed:""`
}

// Run makes the account over the API. It is tried once.
func (c *accountAddCommand) Run(ctx context.Context, std streams) error {
	password, shown, err := c.get(std)
	if err != nil {
		return err
	}
	body := map[string]string{"name": c.Name, "password": password, "email": c.Email, "language": c.Language, "zone": c.Zone}
	if err := c.ask(ctx, std, http.MethodPost, "/v1/accounts", body, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "made the account %s\n%s", c.Name, shown)
	return err
}

type accountSetCommand struct {
	accountName `embed:""`
	Email       *string `help:"Address that gets its notices; --email= for the installation's address." placeholder:"ADDRESS"`
	Language    *string `help:"Language of the mails, en or de." placeholder:"LANGUAGE"`
	Zone        *string `help:"Time zone of the times in mails, such as Europe/Zurich." placeholder:"ZONE"`
	apiLogin    `embed:""`
}

// Run changes the account over the API.
func (c *accountSetCommand) Run(ctx context.Context, std streams) error {
	change := map[string]string{}
	if c.Email != nil {
		change["email"] = *c.Email
	}
	if c.Language != nil {
		change["language"] = *c.Language
	}
	if c.Zone != nil {
		change["zone"] = *c.Zone
	}
	if len(change) == 0 {
		return usageError{errors.New("nothing is to be set: give --email or --language")}
	}
	if err := c.ask(ctx, std, http.MethodPatch, c.path(), change, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "changed the account %s\n", c.Name)
	return err
}

type accountListCommand struct {
	Limit    int `help:"How many at most; 0 for all." default:"0"`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// Run lists the accounts.
func (c *accountListCommand) Run(ctx context.Context, std streams) error {
	items, err := c.pages(ctx, std, "/v1/accounts", url.Values{}, "accounts", "after", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "NAME=name", "OPERATOR=operator", "E-MAIL=email", "LANGUAGE=language", "UNREADABLE=unreadable")
}

type accountPasswordCommand struct {
	accountName `embed:""`
	newPassword `embed:""`
	apiLogin    `embed:""`
}

// Run gives the account another password.
func (c *accountPasswordCommand) Run(ctx context.Context, std streams) error {
	password, shown, err := c.get(std)
	if err != nil {
		return err
	}
	// For the own account the API asks for the current password, with which the command logs in.
	if c.Password, err = secretOf(std.in, c.Password, c.PasswordFile); err != nil {
		return err
	}
	body := map[string]string{"password": password, "current": c.Password}
	if err := c.ask(ctx, std, http.MethodPost, c.path()+"/password", body, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "the account %s has a new password; its sessions are ended, its API keys stay\n%s", c.Name, shown)
	return err
}

type accountDeleteCommand struct {
	accountName `embed:""`
	Yes         bool `help:"Delete it. Without this it is only said that it would be."`
	apiLogin    `embed:""`
}

// Run deletes the account, if that was confirmed.
func (c *accountDeleteCommand) Run(ctx context.Context, std streams) error {
	if !c.Yes {
		return usageError{fmt.Errorf("nothing was deleted: the account %s goes with its webhooks and their backlogs, its keys, events, attempts, notices and statistics; repeat with --yes", c.Name)}
	}
	var gone struct {
		Webhooks, Keys int
		Waiting        uint64
	}
	if err := c.ask(ctx, std, http.MethodDelete, c.path(), nil, &gone); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "deleted the account %s with %d webhooks, for which %d events waited, and %d keys\n", c.Name, gone.Webhooks, gone.Waiting, gone.Keys)
	return err
}

type accountLimitsCommand struct {
	accountName `embed:""`
	Requests    *int `help:"Requests to the API a minute; 0 for the installation's."`
	Publishes   *int `help:"Events that are published over HTTP a minute."`
	Tests       *int `help:"Test events and tests of connections a minute."`
	Replays     *int `help:"Replays and redeliveries a minute."`
	Webhooks    *int `help:"Webhooks that there are."`
	LiveViews   *int `name:"live-views" help:"Live views of the console that are open."`
	asJSON      `embed:""`
	apiLogin    `embed:""`
}

// Run sets limits of the account, and shows all of them.
func (c *accountLimitsCommand) Run(ctx context.Context, std streams) error {
	change := map[string]int{}
	for name, n := range map[string]*int{
		"requests": c.Requests, "publishes": c.Publishes, "tests": c.Tests, "replays": c.Replays, "webhooks": c.Webhooks, "liveViews": c.LiveViews,
	} {
		if n != nil {
			change[name] = *n
		}
	}
	var answer struct{ Limits []json.RawMessage }
	if err := c.ask(ctx, std, http.MethodPatch, c.path()+"/limits", change, &answer); err != nil {
		return err
	}
	return c.list(std, answer.Limits, "LIMIT=name", "USED=used", "AT MOST=limit", "=doc")
}

type accountAuditCommand struct {
	accountName `embed:""`
	Limit       int `help:"How many at most; 0 for all that are kept." default:"200"`
	asJSON      `embed:""`
	apiLogin    `embed:""`
}

// Run lists what was changed, newest first.
func (c *accountAuditCommand) Run(ctx context.Context, std streams) error {
	items, err := c.pages(ctx, std, c.path()+"/audit", url.Values{}, "changes", "before", c.Limit)
	if err != nil {
		return err
	}
	return c.list(std, items, "AT=at", "FUNCTION=function", "OBJECT=object", "BY=by", "WITH=with", "FROM=from")
}
