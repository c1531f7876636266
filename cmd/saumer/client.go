package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// apiLogin is where Saumer's API is, and who asks it.
type apiLogin struct {
	URL          string `name:"url" help:"Where Saumer's API is." default:"http://${http}"`
	Account      string `help:"The account that asks: the first one is an operator's." default:"${account}" env:"SAUMER_ACCOUNT"`
	Password     string `help:"Its password, or one of its API keys. Better in SAUMER_PASSWORD or a file: other users of this machine see the arguments of processes." env:"SAUMER_PASSWORD"`
	PasswordFile string `name:"password-file" help:"File with it; - reads the standard input." placeholder:"FILE" env:"SAUMER_PASSWORD_FILE"`
}

// longestSecret bounds a file with a password or a key, in bytes.
const longestSecret = 4 << 10

// secretOf is a secret that is given itself or in a file, without the end of its line.
func secretOf(in io.Reader, given, file string) (string, error) {
	if given != "" || file == "" {
		return given, nil
	}
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return "", usageError{fmt.Errorf("read the password: %w", err)}
		}
		defer func() { _ = opened.Close() }() // it was only read
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, longestSecret))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// ask asks the API once, and reads the answer into a value, if that is not nil. Its errors say what to do.
func (l apiLogin) ask(ctx context.Context, std streams, method, path string, body, into any) error {
	password, err := secretOf(std.in, l.Password, l.PasswordFile)
	if err != nil {
		return err
	}
	if password == "" {
		return usageError{errors.New("the password is missing: give it in SAUMER_PASSWORD, or in a file with --password-file; --password-file=- reads the standard input")}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(l.URL, "/")+path, bytes.NewReader(data))
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	request.SetBasicAuth(l.Account, password)
	request.Header.Set("Content-Type", "application/json")
	text, err := answered(request, l.URL)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the answer of Saumer at %s: %w", redact(l.URL), err)
	}
	return nil
}

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 16 << 20

// answered sends a request, and returns the body of the answer if that is 2xx. Its errors say what to do.
func answered(request *http.Request, base string) ([]byte, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if inner, ok := err.(*url.Error); ok {
			err = inner.Err
		}
		return nil, fmt.Errorf("ask Saumer at %s: %w; check --url, and that `saumer serve` runs there", redact(base), err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	switch {
	case response.StatusCode/100 == 2 && err != nil:
		return nil, fmt.Errorf("read the answer of Saumer at %s: %w", redact(base), err)
	case response.StatusCode/100 == 2:
		return text, nil
	case response.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("saumer at %s refuses the account and its password: check --account and --password", redact(base))
	default:
		return nil, fmt.Errorf("saumer at %s answers %s: %s", redact(base), response.Status, strings.TrimSpace(string(text[:min(len(text), 1<<10)])))
	}
}
