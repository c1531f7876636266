package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/saumer/saumer/event"
)

type accountAddCommand struct {
	Name        string `arg:"" help:"Name of the new account."`
	NewPassword string `name:"new-password" help:"Password of the new account. Default: one drawn at random and shown."`
	Email       string `help:"Address that gets the notices of the new account." placeholder:"ADDRESS"`
	Language    string `help:"Language of the mails, en or de. Default: en."`
	URL         string `name:"url" help:"Where Saumer's API is." default:"http://${http}"`
	Account     string `help:"The operator's account: the first one." default:"${account}" env:"SAUMER_ACCOUNT"`
	Password    string `help:"The operator's password." required:"" env:"SAUMER_PASSWORD"`
}

// Run makes the account over the API. It is tried once.
func (c *accountAddCommand) Run(ctx context.Context, std streams) error {
	if err := event.ValidAccount(c.Name); err != nil {
		return usageError{fmt.Errorf("%q: %w", c.Name, err)}
	}
	password := c.NewPassword
	if password == "" {
		password = rand.Text()
	}
	body, err := json.Marshal(map[string]string{"name": c.Name, "password": password, "email": c.Email, "language": c.Language})
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.URL, "/")+"/v1/accounts", bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	request.SetBasicAuth(c.Account, c.Password)
	request.Header.Set("Content-Type", "application/json")
	if err := answered(request, c.URL); err != nil {
		return err
	}
	if c.NewPassword != "" {
		_, err = fmt.Fprintf(std.out, "made the account %s\n", c.Name)
		return err
	}
	_, err = fmt.Fprintf(std.out, "made the account %s\npassword %s   (it is not shown again)\n", c.Name, password)
	return err
}

type accountSetCommand struct {
	Name     string  `arg:"" help:"Name of the account."`
	Email    *string `help:"Address that gets its notices; --email= for the installation's address." placeholder:"ADDRESS"`
	Language *string `help:"Language of the mails, en or de." placeholder:"LANGUAGE"`
	URL      string  `name:"url" help:"Where Saumer's API is." default:"http://${http}"`
	Account  string  `help:"The account itself, or an operator's: the first one." default:"${account}" env:"SAUMER_ACCOUNT"`
	Password string  `help:"Its password." required:"" env:"SAUMER_PASSWORD"`
}

// Run changes the account over the API.
func (c *accountSetCommand) Run(ctx context.Context, std streams) error {
	if err := event.ValidAccount(c.Name); err != nil {
		return usageError{fmt.Errorf("%q: %w", c.Name, err)}
	}
	change := map[string]string{}
	if c.Email != nil {
		change["email"] = *c.Email
	}
	if c.Language != nil {
		change["language"] = *c.Language
	}
	if len(change) == 0 {
		return usageError{errors.New("nothing is to be set: give --email or --language")}
	}
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, strings.TrimRight(c.URL, "/")+"/v1/accounts/"+c.Name, bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	request.SetBasicAuth(c.Account, c.Password)
	request.Header.Set("Content-Type", "application/json")
	if err := answered(request, c.URL); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "changed the account %s\n", c.Name)
	return err
}

// answered sends a request, and returns nil if the answer is 2xx. Its errors say what to do.
func answered(request *http.Request, base string) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if inner, ok := err.(*url.Error); ok {
			err = inner.Err
		}
		return fmt.Errorf("ask Saumer at %s: %w; check --url, and that `saumer serve` runs there", redact(base), err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // The status says enough if the text does not come.
	said := strings.TrimSpace(string(text))
	switch {
	case response.StatusCode/100 == 2:
		return nil
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("saumer at %s refuses the account and its password: check --account and --password", redact(base))
	default:
		return fmt.Errorf("saumer at %s answers %s: %s", redact(base), response.Status, said)
	}
}
