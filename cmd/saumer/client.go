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
	"strconv"
	"strings"
	"time"
)

// apiLogin is where Saumer's API is, and who asks it.
type apiLogin struct {
	URL          string `name:"url" help:"Where Saumer's API is." default:"http://${http}" env:"SAUMER_URL"`
	Account      string `help:"The account that asks: the first one is an operator's." default:"${account}" env:"SAUMER_ACCOUNT"`
	Password     string `help:"Its password, or one of its API keys. Better in SAUMER_PASSWORD or a file: other users of this machine see the arguments of processes." env:"SAUMER_PASSWORD"`
	PasswordFile string `name:"password-file" help:"File with it; - reads the standard input." placeholder:"FILE" env:"SAUMER_PASSWORD_FILE"`
}

const (
	// longestSecret bounds a file with a password or a key, in bytes, longestAnswer what is read of an answer.
	longestSecret = 4 << 10
	longestAnswer = 16 << 20
	// asking bounds one request.
	asking = 30 * time.Second
)

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

// logIn reads the password, once.
func (l *apiLogin) logIn(std streams) (err error) {
	if l.Password, err = secretOf(std.in, l.Password, l.PasswordFile); err != nil {
		return err
	}
	if l.Password == "" {
		return usageError{errors.New("the password is missing: give it in SAUMER_PASSWORD, or in a file with --password-file; --password-file=- reads the standard input")}
	}
	return nil
}

// ask asks the API once, and reads the answer into a value, if that is not nil. Its errors say what to do.
func (l *apiLogin) ask(ctx context.Context, std streams, method, path string, body, into any) error {
	text, err := l.send(ctx, std, method, path, body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the answer of Saumer at %s: %w", redact(l.URL), err)
	}
	return nil
}

// send asks the API once, with a body as JSON unless it is nil, and returns the answer's.
func (l *apiLogin) send(ctx context.Context, std streams, method, path string, body any) ([]byte, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
	}
	return l.sendData(ctx, std, method, path, data, nil)
}

// sendData is send with the body's bytes, and with headers.
func (l *apiLogin) sendData(ctx context.Context, std streams, method, path string, data []byte, header http.Header) ([]byte, error) {
	if err := l.logIn(std); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(l.URL, "/")+path, bytes.NewReader(data))
	if err != nil {
		return nil, usageError{fmt.Errorf("--url: %w", err)}
	}
	request.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		request.Header[name] = values
	}
	request.SetBasicAuth(l.Account, l.Password)
	return answered(request, l.URL)
}

// pages asks for the items of a list, page by page, at most limit of them; 0 sets no bound. Member has the items of a page, and
// cursor is the parameter that begins the next one.
func (l *apiLogin) pages(ctx context.Context, std streams, path string, query url.Values, member, cursor string, limit int) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	for {
		if limit > 0 {
			query.Set("limit", strconv.Itoa(min(limit-len(all), 200)))
		}
		var page map[string]json.RawMessage
		if err := l.ask(ctx, std, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		var items []json.RawMessage
		if err := json.Unmarshal(page[member], &items); err != nil {
			return nil, fmt.Errorf("read the answer of Saumer at %s: %q: %w", redact(l.URL), member, err)
		}
		all = append(all, items...)
		next := strings.Trim(string(page["next"]), `"`)
		if next == "" || next == "null" || limit > 0 && len(all) >= limit || len(items) == 0 {
			return all, nil
		}
		query.Set(cursor, next)
	}
}

// refusedError is what Saumer answers with another status than 2xx.
type refusedError struct {
	at     string
	status int
	// code and detail are those of a problem (RFC 9457); 0 and the whole answer of something else.
	code   int
	detail string
}

func (e *refusedError) Error() string {
	switch {
	case e.status == http.StatusUnauthorized:
		return fmt.Sprintf("saumer at %s refuses the account and its password: check --account and --password", e.at)
	case e.code == 0:
		return fmt.Sprintf("%s answers %d %s: %s", e.at, e.status, http.StatusText(e.status), e.detail)
	}
	return fmt.Sprintf("%s (status %d, code %d)", e.detail, e.status, e.code)
}

// exit is the exit code that says it.
func (e *refusedError) exit() int {
	switch e.status {
	case http.StatusNotFound, http.StatusGone:
		return exitMissing
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitDenied
	}
	return exitFailed
}

// answered sends a request, and returns the body of the answer if that is 2xx, else a *refusedError. Its errors say what to do.
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
	if response.StatusCode/100 == 2 {
		if err != nil {
			err = fmt.Errorf("read the answer of Saumer at %s: %w", redact(base), err)
		}
		return text, err
	}
	refused := &refusedError{at: redact(base), status: response.StatusCode, detail: strings.TrimSpace(string(text[:min(len(text), 1<<10)]))}
	var problem struct {
		Code   int
		Detail string
	}
	if json.Unmarshal(text, &problem) == nil && problem.Code != 0 {
		refused.code, refused.detail = problem.Code, problem.Detail
	}
	return nil, refused
}
