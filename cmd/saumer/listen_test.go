package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// listening runs `saumer listen` until the test ends, and hands back its URL and the lines that it prints.
func listening(t *testing.T, args ...string) (url string, lines *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var err strings.Builder
		code := run(ctx, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...), streams{strings.NewReader(""), write, &err})
		_ = write.Close()
		if code != exitOK {
			done <- fmt.Errorf("exit code %d: %s", code, err.String())
			return
		}
		done <- nil
	}()
	t.Cleanup(func() {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, read) }()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	lines = bufio.NewScanner(read)
	if !lines.Scan() {
		t.Fatalf("listen ended: %v", <-done)
	}
	_, rest, _ := strings.Cut(lines.Text(), "receiving on ")
	url, _, _ = strings.Cut(rest, ",")
	return url, lines
}

// deliver posts body as Saumer does, signed with the secret, and hands back the answer.
func deliver(t *testing.T, url, body string, change func(http.Header)) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := signer.Sign("17", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := request.Header
	h.Set("webhook-id", "17")
	h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("webhook-signature", signature)
	h.Set("Saumer-Event", "optin_finalized")
	h.Set("Saumer-Webhook", "3")
	h.Set("Saumer-Attempt", "2")
	if change != nil {
		change(h)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestListen(t *testing.T) {
	t.Parallel()
	const body = `{"a":1}`
	const start = "  optin_finalized  id 17  webhook 3  attempt 2"
	cases := map[string]struct {
		args   []string
		body   string
		change func(http.Header)
		status int
		answer string
		lines  []string
	}{
		"verified":    {[]string{"--secret", secret}, body, nil, 200, "", []string{start + "  signature verified  7 bytes  -> 200"}},
		"not checked": {nil, body, nil, 200, "", []string{start + "  signature not checked  7 bytes  -> 200"}},
		"not verified": {
			[]string{"--secret", secret}, body, func(h http.Header) { h.Set("webhook-signature", "v1,AAAA") }, 200, "",
			[]string{start + "  signature NOT verified (no matching signature found)  7 bytes  -> 200"},
		},
		"too old": {
			[]string{"--secret", secret}, body, func(h http.Header) { h.Set("webhook-timestamp", "1") }, 200, "",
			[]string{start + "  signature NOT verified (message timestamp too old)  7 bytes  -> 200"},
		},
		"replay": {
			nil, body, func(h http.Header) { h.Set("Saumer-Replay", "1") }, 200, "",
			[]string{start + "  replay  signature not checked  7 bytes  -> 200"},
		},
		"failing, late, with an answer": {
			[]string{"--status", "503", "--delay", "1ms", "--body", "busy"}, body, nil, 503, "busy",
			[]string{start + "  signature not checked  7 bytes  -> 503"},
		},
		"verbose": {
			[]string{"--verbose"}, body, nil, 200, "",
			[]string{start + "  signature not checked  7 bytes  -> 200", "  {", `    "a": 1`, "  }"},
		},
		"verbose, not JSON": {
			[]string{"-v"}, "hello", nil, 200, "",
			[]string{start + "  signature not checked  5 bytes  -> 200", "  hello"},
		},
		"anything": {
			nil, "", func(h http.Header) {
				h.Del("Saumer-Event")
				h.Set("Saumer-Webhook", "a b")
			}, 200, "",
			[]string{`  ?  id 17  webhook "a b"  attempt 2  signature not checked  0 bytes  -> 200`},
		},
		"too large": {
			nil, strings.Repeat("x", longestBody+1), nil, 413, "",
			[]string{start + "  signature not checked  2097152 bytes  -> 413"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, lines := listening(t, c.args...)
			printed := make(chan string, len(c.lines))
			go func() {
				for range c.lines {
					if lines.Scan() {
						printed <- lines.Text()
					}
				}
				close(printed)
			}()
			if status, answer := deliver(t, url, c.body, c.change); status != c.status || answer != c.answer {
				t.Errorf("answered %d %q, want %d %q", status, answer, c.status, c.answer)
			}
			first := true
			for _, want := range c.lines {
				line := <-printed
				if first && len(line) > len("15:04:05.000") {
					line = line[len("15:04:05.000"):] // Without the time.
				}
				first = false
				if line != want {
					t.Errorf("printed %q, want %q", line, want)
				}
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	taken, _ := listening(t)
	cases := map[string]struct {
		args []string
		code int
		want string
	}{
		"taken":  {[]string{"--addr", strings.TrimSuffix(strings.TrimPrefix(taken, "http://"), "/")}, exitFailed, "choose another with --addr"},
		"secret": {[]string{"--secret", "whsec_!hidden"}, exitUsage, "--secret is not a webhook's secret"},
		"status": {[]string{"--status", "99"}, exitUsage, "--status 99"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := saumer(t, "", append([]string{"listen"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.err, c.want) || strings.Contains(got.err, "hidden") {
				t.Errorf("%+v, want %q with exit code %d", got, c.want, c.code)
			}
		})
	}
}
