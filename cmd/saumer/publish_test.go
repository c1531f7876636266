package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/event"
)

// output is what a command printed and how it ended.
type output struct {
	code     int
	out, err string
}

// saumer runs a command line as main does.
func saumer(t *testing.T, in string, args ...string) output {
	t.Helper()
	var out, err strings.Builder
	code := run(t.Context(), args, streams{strings.NewReader(in), &out, &err})
	return output{code, out.String(), err.String()}
}

// openBroker starts the embedded NATS on a free port.
func openBroker(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Options{
		Listen: "127.0.0.1:0", Dir: t.TempDir(), Replicas: 1, Retention: time.Hour, AckWait: time.Minute, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.Admit(gate{})
	return b
}

// right is the secret of every account.
const right = "correct horse"

type gate struct{}

func (gate) MayPublish(_ context.Context, _, secret, _ string) (bool, error) {
	return secret == right, nil
}

// free is an address that nothing listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// drawnID is the id of an event that was published without a key.
var drawnID = regexp.MustCompile(`saumer-[A-Z2-7]{26}`)

func TestPublish(t *testing.T) {
	t.Parallel()
	b := openBroker(t)
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, []byte(`{"b":1.00, "a":"<&>"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, in string
		args     []string
		lines    []string
		subject  string
		data     string
	}{
		{"sample", "", []string{"optin_finalized"}, []string{"published optin_finalized id saumer-… sequence 1"}, "events.demo.optin_finalized", string(event.Sample("optin_finalized"))},
		{"file", "", []string{"moved", file}, []string{"published moved id saumer-… sequence 2"}, "events.demo.moved", `{"b":1.00, "a":"<&>"}`},
		{"stdin", "[1, 2]\n", []string{"moved", "-"}, []string{"published moved id saumer-… sequence 3"}, "events.demo.moved", "[1, 2]\n"},
		{"account and key", "", []string{"moved", "--account", "alp", "--id", "k1"}, []string{"published moved id k1 sequence 4"}, "events.alp.moved", `{"id":1}`},
		{
			"repeats with a key", "", []string{"moved", "--id", "k2", "--count", "2"},
			[]string{"published moved id k2 sequence 5", "published moved id k2 sequence 5 (a duplicate: it was stored before)"},
			"events.demo.moved", `{"id":1}`,
		},
		{
			"repeats", "", []string{"moved", "--count", "2"},
			[]string{"published moved id saumer-… sequence 6", "published moved id saumer-… sequence 7"}, "events.demo.moved", `{"id":1}`,
		},
	}
	stream, err := b.JetStream.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	// In order: the sequences tell.
	for _, c := range cases {
		got := saumer(t, c.in, append([]string{"publish", "--nats-url", b.Embedded(), "--password", right}, c.args...)...)
		got.out = drawnID.ReplaceAllString(got.out, "saumer-…")
		if want := strings.Join(c.lines, "\n") + "\n"; got != (output{exitOK, want, ""}) {
			t.Fatalf("%s: %+v, want %q", c.name, got, want)
		}
		msg, err := stream.GetLastMsgForSubject(t.Context(), c.subject)
		if err != nil {
			t.Fatal(err)
		}
		if string(msg.Data) != c.data {
			t.Errorf("%s: stored %q, want %q", c.name, msg.Data, c.data)
		}
	}
}

func TestPublishErrors(t *testing.T) {
	t.Parallel()
	b := openBroker(t)
	nobody := "nats://user:hidden@" + free(t)
	cases := map[string]struct {
		in   string
		args []string
		code int
		want string
	}{
		"nothing listens": {"", []string{"moved", "--nats-url", nobody}, exitFailed, "start `saumer serve`"},
		"not json":        {`{"a":1,}`, []string{"moved", "-"}, exitUsage, "the standard input is not JSON: invalid character '}' looking for beginning of object key string at byte 8"},
		"empty":           {"", []string{"moved", "-"}, exitUsage, "the standard input is not JSON"},
		"too large":       {`"` + strings.Repeat("a", event.MaxSize) + `"`, []string{"moved", "-"}, exitUsage, "larger than 1048576 bytes"},
		"no file":         {"", []string{"moved", filepath.Join(t.TempDir(), "none")}, exitUsage, "open the event's data"},
		"event name":      {"", []string{"moved out"}, exitUsage, "invalid event name"},
		"account name":    {"", []string{"moved", "--account", "A"}, exitUsage, "invalid account name"},
		"count":           {"", []string{"moved", "--count", "0"}, exitUsage, "--count 0"},
		"no event":        {"", nil, exitUsage, "<event>"},
		"no login":        {"", []string{"moved", "--password", ""}, exitFailed, "refuses the login: give the account and its password"},
		"wrong login":     {"", []string{"moved", "--password", "hidden"}, exitFailed, "refuses the login"},
		"foreign account": {"", []string{"moved", "--nats-url", strings.Replace(b.Embedded(), "//", "//alp:"+right[:7]+"%20horse@", 1)}, exitFailed, "may not publish events of the account demo: log in as demo"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := saumer(t, c.in, append([]string{"publish", "--nats-url", b.Embedded(), "--password", right}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.err, c.want) || got.out != "" {
				t.Errorf("%+v, want %q with exit code %d", got, c.want, c.code)
			}
			if strings.Contains(got.err, "hidden") {
				t.Errorf("the error %q holds a password", got.err)
			}
		})
	}
}

// What would reach nobody is not published, and that is a failure.
func TestPublishAsksWhetherTheEventIsKnown(t *testing.T) {
	t.Parallel()
	b := openBroker(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Judge(ctx, func(_ context.Context, account, name string) (string, error) {
			if name != "moved" {
				return "unknown event: use one of moved", nil
			}
			return "", nil
		})
	}()
	publish := func(name string) output {
		return saumer(t, "", "publish", name, "--nats-url", b.Embedded(), "--password", right)
	}
	// Judge has begun when it refuses.
	for deadline := time.Now().Add(time.Minute); ; {
		got := publish("mooved")
		if got == (output{exitFailed, "", "saumer: nothing was published: unknown event: use one of moved\n"}) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("an unknown event: %+v", got)
		}
	}
	if got := publish("moved"); got.code != exitOK || !strings.HasPrefix(got.out, "published moved") {
		t.Errorf("a known event: %+v", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		args []string
		code int
	}{
		"help":          {[]string{"--help"}, exitOK},
		"serve help":    {[]string{"serve", "--help"}, exitOK},
		"version":       {[]string{"version"}, exitOK},
		"version flag":  {[]string{"--version"}, exitOK},
		"no command":    {nil, exitUsage},
		"unknown":       {[]string{"sing"}, exitUsage},
		"wrong setting": {[]string{"serve", "--replicas", "2"}, exitUsage},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := saumer(t, "", c.args...); got.code != c.code {
				t.Errorf("%+v, want exit code %d", got, c.code)
			}
		})
	}
}

// The help shows each setting with its default and its variable.
func TestServeHelp(t *testing.T) {
	t.Parallel()
	help := saumer(t, "", "serve", "--help").out
	for name, value := range config.Vars() {
		if name == "events" {
			continue // no flag's default
		}
		flag := "--" + strings.ReplaceAll(name, "_", "-") + "="
		if !strings.Contains(help, flag+value) && !strings.Contains(help, flag+strconv.Quote(value)) {
			t.Errorf("the help of serve lacks %s%s", flag, value)
		}
		if variable := "$SAUMER_" + strings.ToUpper(name); !strings.Contains(help, variable) {
			t.Errorf("the help of serve lacks %s", variable)
		}
	}
	for _, want := range []string{
		"$SAUMER_NATS_URL", "$SAUMER_REDIS_URL", "$SAUMER_PASSWORD", "$SAUMER_ALLOW_CIDRS", "$SAUMER_EVENTS", "$SAUMER_SECRET_KEY", "--config=FILE",
		"optin_finalized",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("the help of serve lacks %s", want)
		}
	}
	if strings.Contains(help, "${") {
		t.Error("the help of serve has a variable of kong's that has no value")
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("not connected to NATS\n"))
	}))
	defer server.Close()
	if got := saumer(t, "", "health", "--url", server.URL); got != (output{exitOK, "ready\n", ""}) {
		t.Errorf("ready: %+v", got)
	}
	status = http.StatusServiceUnavailable
	if got := saumer(t, "", "health", "--url", server.URL); got.code != exitFailed || !strings.Contains(got.err, "not connected to NATS") {
		t.Errorf("not ready: %+v", got)
	}
	if got := saumer(t, "", "health", "--url", "http://"+free(t)); got.code != exitFailed || !strings.Contains(got.err, "saumer serve") {
		t.Errorf("nobody: %+v", got)
	}
}

func TestAccountAdd(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "demo" || password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	add := []string{"account", "add", "alp", "--url", server.URL, "--account", "demo"}
	if got := saumer(t, "", append(add, "--password", "right")...); got.code != exitOK || !strings.Contains(got.out, "password ") {
		t.Errorf("drawn: %+v", got)
	}
	if got := saumer(t, "", append(add, "--password", "right", "--new-password", "mine")...); got != (output{exitOK, "made the account alp\n", ""}) {
		t.Errorf("given: %+v", got)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := saumer(t, "mine\n", append(add, "--password-file", file, "--new-password-file=-")...); got != (output{exitOK, "made the account alp\n", ""}) {
		t.Errorf("from files: %+v", got)
	}
	if got := saumer(t, "", add...); got.code != exitUsage || !strings.Contains(got.err, "SAUMER_PASSWORD") {
		t.Errorf("without a password: %+v", got)
	}
	if got := saumer(t, "", "account", "delete", "alp", "--url", server.URL, "--password", "right"); got.code != exitUsage || !strings.Contains(got.err, "nothing was deleted") {
		t.Errorf("an account without --yes: %+v", got)
	}
	if got := saumer(t, "", append(add, "--password", "wrong")...); got.code != exitDenied || !strings.Contains(got.err, "check --account and --password") {
		t.Errorf("refused: %+v", got)
	}
}
