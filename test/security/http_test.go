package security

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/test/process"
)

// made is what an API call made: a webhook with a number, or a key with itself.
type made struct {
	ID  any    `json:"id"`
	Key string `json:"key"`
}

// raw sends a request with a header and returns status and body.
func (s *saumer) raw(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.API+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(text)
}

// routes are all routes of the REST API, as its documentation lists them.
func routes(t *testing.T) [][2]string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../docs/API.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	for _, m := range regexp.MustCompile("- REST: `([A-Z]+) ([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		all = append(all, [2]string{m[1], m[2]})
	}
	if len(all) < 25 {
		t.Fatalf("the documentation lists %d routes", len(all))
	}
	return all
}

// Another account's ids open nothing, on any route, and a read-only key changes nothing.
func TestForeignIDsAndReadOnlyKeys(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen=")
	const marker = "of-the-victim"
	s.must("demo", process.Password, "POST", "/v1/accounts", map[string]string{"name": "mallory", "password": "password of mallory"}, nil)
	var hook, key, own made
	s.must("demo", process.Password, "POST", "/v1/webhooks", map[string]string{"app": marker, "event": "optin_finalized", "url": "http://127.0.0.1:9/" + marker}, &hook)
	s.must("demo", process.Password, "POST", "/v1/accounts/demo/keys", map[string]string{"label": marker}, &key)
	s.must("mallory", "password of mallory", "POST", "/v1/accounts/mallory/keys", map[string]string{"label": "a", "right": "read-only"}, &own)
	id := strings.Split(key.Key, "_")[2]
	for _, route := range routes(t) {
		method := route[0]
		path := strings.NewReplacer("{id}", fmt.Sprint(hook.ID), "{name}", "demo", "{key}", id, "{position}", "1", "{event}", "optin_finalized").Replace(route[1])
		status, text := s.ask("mallory", "password of mallory", method, path, map[string]string{})
		if foreign := path != strings.ReplaceAll(route[1], "{event}", "optin_finalized"); foreign && status < 400 || strings.Contains(string(text), marker) {
			t.Errorf("%s %s of another account: %d %s", method, path, status, text)
		}
		res, answer := s.raw(method, path, "{}", "Authorization", "Bearer "+own.Key)
		if method != http.MethodGet && res.StatusCode != http.StatusForbidden || strings.Contains(answer, marker) {
			t.Errorf("%s %s with a read-only key: %d %s", method, path, res.StatusCode, answer)
		}
	}
	status, text := s.ask("demo", process.Password, "GET", "/v1/webhooks", nil)
	if status != http.StatusOK || !strings.Contains(string(text), marker) || !strings.Contains(string(text), `"active":true`) {
		t.Errorf("afterwards the webhook is %s", text)
	}
}

// Guessing is slowed on every door, and whoever has a key goes on.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen=")
	var key made
	s.must("demo", process.Password, "POST", "/v1/accounts/demo/keys", map[string]string{"label": "a"}, &key)
	refused := map[string]int{}
	for i := range 40 {
		guess := "guess number " + strconv.Itoa(i)
		if status, _ := s.ask("demo", guess, "GET", "/v1/webhooks", nil); status == http.StatusTooManyRequests {
			refused["REST"]++
		}
		form := "application/x-www-form-urlencoded"
		if _, text := s.raw("POST", "/webservice/webservice/json/GetWebHooks", url.Values{"username": {"demo"}, "password": {guess}}.Encode(), "Content-Type", form); strings.Contains(text, `"error":86`) {
			refused["web service"]++
		}
		if res, _ := s.raw("POST", "/console/login", url.Values{"account": {"demo"}, "password": {guess}}.Encode(), "Content-Type", form); res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "" {
			refused["console"]++
		}
		if res, _ := s.raw("GET", "/reactivate/"+strings.Repeat("x", 40), ""); res.StatusCode == http.StatusTooManyRequests {
			refused["link"]++
		}
	}
	for _, door := range []string{"REST", "web service", "console", "link"} {
		if refused[door] == 0 {
			t.Errorf("40 guesses at the %s were all looked at", door)
		}
	}
	if res, text := s.raw("GET", "/v1/webhooks", "", "Authorization", "Bearer "+key.Key); res.StatusCode != http.StatusOK {
		t.Errorf("a key meanwhile: %d %s", res.StatusCode, text)
	}
	for range 100 {
		if res, _ := s.raw("GET", "/v1/webhooks", ""); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("without credentials: %d", res.StatusCode)
		}
	}
	if status, text := s.ask("demo", process.Password, "POST", "/v1/accounts", map[string]string{"name": "weak", "password": "12345678"}); status != http.StatusBadRequest {
		t.Errorf("a password that everybody tries: %d %s", status, text)
	}
}

// Saumer does not post to itself, and an event that goes round is stopped.
func TestLoops(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen=")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.API, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		hook := map[string]string{"app": "a", "event": "optin_finalized", "url": fmt.Sprintf("http://%s:%s/v1/events/optin_finalized", host, port)}
		if status, text := s.ask("demo", process.Password, "POST", "/v1/webhooks", hook); status != http.StatusBadRequest || !strings.Contains(string(text), "Saumer's own") {
			t.Errorf("a webhook to %s: %d %s", host, status, text)
		}
	}
	// A relay that passes the header on, as one with another name of Saumer would.
	var key made
	s.must("demo", process.Password, "POST", "/v1/accounts/demo/keys", map[string]string{"label": "a", "right": "publish-only"}, &key)
	for hops, want := range map[string]int{"0": 202, "4": 202, "5": 508, "99999": 508} {
		if res, text := s.raw("POST", "/v1/events/optin_finalized", `{"hops":`+hops+`}`, "Authorization", "Bearer "+key.Key, "Saumer-Hops", hops); res.StatusCode != want {
			t.Errorf("%s hops: %d %s, want %d", hops, res.StatusCode, text, want)
		}
	}
}

// Clients that send half a header, or read nothing, keep nobody else out.
func TestClientsThatKeepConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, "--nats-listen=")
	for i := range 300 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.API, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		// Some are closed at once, since they are too many of one address.
		switch i % 3 {
		case 0:
			_, _ = io.WriteString(c, "GET /v1/webhooks HTTP/1.1\r\nX-Half: ") // it may be closed already
		case 1:
			_, _ = io.WriteString(c, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 50)) // as above
		}
	}
	if res, _ := s.raw("GET", "/healthz", ""); res.StatusCode != http.StatusOK {
		t.Errorf("somebody else: %d", res.StatusCode)
	}
	flood, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.API+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	flood.Header.Set("X-Flood", strings.Repeat("x", 1<<20))
	// The answer may come, or the end of the connection, before all is sent.
	if res, err := client.Do(flood); err == nil {
		_ = res.Body.Close() // only the status counts
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a flood of headers: %d", res.StatusCode)
		}
	}
}
