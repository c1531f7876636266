package config

import (
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/notify"
)

// parse reads args as `saumer serve` does, with no SAUMER_ variable besides env.
func parse(t *testing.T, env map[string]string, args ...string) (*Serve, error) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SAUMER_") {
			t.Setenv(name, value) // Brings it back after the test.
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	var grammar struct {
		Serve Serve `cmd:""`
	}
	parser, err := kong.New(&grammar, kong.Name("saumer"), Vars())
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"serve"}, args...))
	return &grammar.Serve, err
}

// file writes a file for --config.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	s, err := parse(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Options()
	if err != nil {
		t.Fatal(err)
	}
	want := app.Defaults()
	want.HTTP, want.PublicURL, want.NATSListen = defaults.HTTP, "http://"+defaults.HTTP, defaults.NATSListen
	want.Data, want.Account, want.AllowCIDRs = defaults.Data, defaults.Account, Loopback
	if !reflect.DeepEqual(o, want) {
		t.Errorf("options\n%+v\nwant\n%+v", o, want)
	}
}

func TestNotices(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s, err := parse(t, map[string]string{"SAUMER_SMTP_URL": "smtp://saumer:hidden@mail.example.org", "SAUMER_NOTICE_SECRET": secret},
		"--mail-from=saumer@example.org", "--notice-to=operations@example.org", "--notice-url=https://example.org/notices",
		"--public-url=https://hooks.example.org/saumer/", "--failing-after=5m")
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Options()
	if err != nil {
		t.Fatal(err)
	}
	if want := (notify.SMTP{Host: "mail.example.org", Port: 587, User: "saumer", Password: "hidden"}); *o.SMTP != want ||
		o.MailFrom != "saumer@example.org" || o.NoticeTo != "operations@example.org" || o.NoticeURL != "https://example.org/notices" ||
		o.NoticeSecret != secret || o.PublicURL != "https://hooks.example.org/saumer/" || o.FailingAfter != 5*time.Minute {
		t.Errorf("options %+v", o)
	}
	for address, want := range map[string]string{
		"127.0.0.1:8081": "http://127.0.0.1:8081", ":8081": "http://localhost:8081", "0.0.0.0:80": "http://localhost:80", "127.0.0.1:0": "",
	} {
		s, err := parse(t, nil, "--http="+address)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := s.Options(); err != nil || o.PublicURL != want {
			t.Errorf("the public URL of %s is %q, %v; want %q", address, o.PublicURL, err, want)
		}
	}
	for wrong, flag := range map[string]string{
		"--smtp-url=mail.example.org:hidden --mail-from=a@example.org":  "--smtp-url",
		"--smtp-url=smtp+plain://u:hidden@h --mail-from=a@example.org":  "--smtp-url",
		"--smtp-url=smtp://u:hidden@mail.example.org":                   "--mail-from",
		"--mail-from=a@example.org":                                     "--smtp-url",
		"--notice-to=a@example.org":                                     "--smtp-url",
		"--smtp-url=smtp://h --mail-from=hidden":                        "--mail-from",
		"--smtp-url=smtp://h --mail-from=a@example.org --notice-to=a,b": "--notice-to",
		"--notice-url=https://example.org/":                             "--notice-secret",
		"--notice-secret=" + secret:                                     "--notice-url",
		"--notice-url=ftp://example.org --notice-secret=" + secret:      "--notice-url",
		"--notice-url=https://example.org --notice-secret=hidden":       "--notice-secret",
		"--failing-after=0s":                                            "--failing-after",
		"--public-url=hooks.example.org":                                "--public-url",
		"--public-url=https://hooks.example.org?hidden=1":               "--public-url",
		"--public-url=https://u:hidden@hooks.example.org":               "--public-url",
	} {
		s, err := parse(t, nil, strings.Fields(wrong)...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Options()
		if err == nil || !strings.Contains(err.Error(), flag) || strings.Contains(err.Error(), "hidden") && !strings.Contains(wrong, "mail-from=hidden") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestPrecedence(t *testing.T) {
	const yaml = "timeout: 2s\nmax-in-flight: 5\nevents: [bounced, moved]\ndeactivate: off\n"
	cases := []struct {
		name    string
		env     map[string]string
		args    []string
		timeout time.Duration
	}{
		{"default", nil, nil, defaults.Timeout},
		{"file beats default", nil, []string{"--config", file(t, "a.yaml", yaml)}, 2 * time.Second},
		{"file named by environment", map[string]string{"SAUMER_CONFIG": file(t, "b.yaml", yaml)}, nil, 2 * time.Second},
		{"json file", nil, []string{"--config", file(t, "c.json", "{\n\t\"timeout\": \"2s\",\n\t\"replicas\": 1\n}\n")}, 2 * time.Second},
		{"key without a value", nil, []string{"--config", file(t, "i.yaml", "timeout:\n")}, defaults.Timeout},
		{"alias", nil, []string{"--config", file(t, "j.yaml", "connect-timeout: &t 2s\ntimeout: *t\n")}, 2 * time.Second},
		{"empty file", nil, []string{"--config", file(t, "d.yaml", "")}, defaults.Timeout},
		{"environment beats default", map[string]string{"SAUMER_TIMEOUT": "3s"}, nil, 3 * time.Second},
		{"environment beats file", map[string]string{"SAUMER_TIMEOUT": "3s"}, []string{"--config", file(t, "e.yaml", yaml)}, 3 * time.Second},
		{"empty environment is no environment", map[string]string{"SAUMER_TIMEOUT": ""}, nil, defaults.Timeout},
		{"empty environment leaves the file", map[string]string{"SAUMER_TIMEOUT": ""}, []string{"--config", file(t, "f.yaml", yaml)}, 2 * time.Second},
		{"flag beats environment", map[string]string{"SAUMER_TIMEOUT": "3s"}, []string{"--timeout", "4s"}, 4 * time.Second},
		{"flag beats wrong environment", map[string]string{"SAUMER_TIMEOUT": "soon"}, []string{"--timeout", "4s"}, 4 * time.Second},
		{"flag beats all", map[string]string{"SAUMER_TIMEOUT": "3s"}, []string{"--config", file(t, "g.yaml", yaml), "--timeout=4s"}, 4 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(t, c.env, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if s.Timeout != c.timeout {
				t.Errorf("timeout %v, want %v", s.Timeout, c.timeout)
			}
		})
	}

	s, err := parse(t, nil, "--config", file(t, "all.yaml", yaml))
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Options()
	if err != nil {
		t.Fatal(err)
	}
	if o.MaxInFlight != 5 || o.Deactivate != backlog.Off {
		t.Errorf("max-in-flight %d, deactivate %q of the file", o.MaxInFlight, o.Deactivate)
	}
	if want := append(slices.Clone(event.Defaults), "bounced", "moved"); !slices.Equal(o.Events, want) {
		t.Errorf("events %v, want %v", o.Events, want)
	}
}

func TestFileErrors(t *testing.T) {
	cases := map[string]struct{ path, want string }{
		"missing":    {filepath.Join(t.TempDir(), "none.yaml"), "read the file of --config"},
		"unknown":    {file(t, "a.yaml", "timeout: 1s\ncolour: red\n"), `unknown key "colour"`},
		"underscore": {file(t, "b.yaml", "nats_url: x\n"), `unknown key "nats_url": write "nats-url"`},
		"itself":     {file(t, "c.yaml", "config: x\n"), `unknown key "config"`},
		"no map":     {file(t, "d.yaml", "- a\n"), "is not YAML or JSON"},
		"misspelled": {file(t, "f.yaml", "reply-window: 1h\n"), `unknown key "reply-window": write "replay-window"`},
		"section":    {file(t, "g.yaml", "timeout:\n  dial: 1s\n"), "line 2: timeout has settings below it"},
		"nested":     {file(t, "h.yaml", "events: [[a]]\n"), "events has a list in a list"},
		"twice":      {file(t, "i.yaml", "timeout: 1s\ntimeout: 2s\n"), "already defined"},
		"documents":  {file(t, "j.yaml", "timeout: 1s\n---\ntimeout: 2s\n"), "not one document"},
		"wrong kind": {file(t, "e.yaml", "timeout: soon\n"), "--timeout"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, nil, "--config", c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestValidation(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string // the flag and the fix, or empty if all is well
	}{
		"retention equals window":   {[]string{"--retention=120h"}, "--retention 120h0m0s does not exceed --replay-window 120h0m0s"},
		"retention below ids":       {[]string{"--retention=5m", "--replay-window=1m"}, "--retention 5m0s is shorter than the 10m0s for which the ids of events are remembered: give 10m0s or more"},
		"retention below window":    {[]string{"--replay-window=800h"}, "raise the one or lower the other"},
		"window not positive":       {[]string{"--replay-window=0s"}, "--replay-window"},
		"backoff the wrong way":     {[]string{"--backoff-initial=1h"}, "--backoff-max 15m0s is shorter than --backoff-initial 1h0m0s"},
		"backoff equal":             {[]string{"--backoff-initial=1m", "--backoff-max=1m"}, ""},
		"backoff zero":              {[]string{"--backoff-initial=0s"}, "--backoff-initial"},
		"replicas 2":                {[]string{"--replicas=2", "--nats-url=nats://n:4222"}, "choose 1, 3 or 5"},
		"store":                     {[]string{"--max-store=20GB"}, ""},
		"store too small":           {[]string{"--max-store=10"}, "--max-store 10 is less than"},
		"sync":                      {[]string{"--nats-sync=1m"}, ""},
		"sync always":               {[]string{"--nats-sync=always"}, ""},
		"sync too often":            {[]string{"--nats-sync=1ms"}, "--nats-sync"},
		"replicas 3 embedded":       {[]string{"--replicas=3"}, "--replicas 3 needs a NATS cluster"},
		"replicas 3":                {[]string{"--replicas=3", "--nats-url=nats://n:4222"}, ""},
		"timeout short":             {[]string{"--timeout=10us"}, "--timeout 10µs is not between 1ms and 10m0s"},
		"timeout long":              {[]string{"--timeout=11m"}, "--timeout 11m0s"},
		"timeout below connect":     {[]string{"--timeout=1s"}, ""},
		"connect timeout":           {[]string{"--connect-timeout=0s"}, "--connect-timeout"},
		"none in flight":            {[]string{"--max-in-flight=0"}, "--max-in-flight 0 is not between 1 and 10000"},
		"too many in flight":        {[]string{"--max-in-flight=10001"}, "--max-in-flight 10001"},
		"cidr without bits":         {[]string{"--allow-cidrs=10.0.0.1"}, `--allow-cidrs "10.0.0.1" is not a network`},
		"proxy without bits":        {[]string{"--trusted-proxies=10.0.0.1"}, `--trusted-proxies "10.0.0.1" is not a network`},
		"second cidr":               {[]string{"--allow-cidrs=10.0.0.0/8,x"}, `--allow-cidrs "x"`},
		"http without port":         {[]string{"--http=localhost"}, `--http "localhost" is not host:port`},
		"http empty":                {[]string{"--http="}, `--http ""`},
		"http port too large":       {[]string{"--http=:70000"}, "--http"},
		"http all addresses":        {[]string{"--http=:8080"}, ""},
		"nats-listen":               {[]string{"--nats-listen=4222"}, `--nats-listen "4222" is not host:port`},
		"nats-listen nowhere":       {[]string{"--nats-listen="}, ""},
		"nats-url without scheme":   {[]string{"--nats-url=localhost:4222"}, "--nats-url is not a URL"},
		"nats-url second":           {[]string{"--nats-url=nats://a:1,http://b"}, "write it like nats://host:4222"},
		"nats-url list":             {[]string{"--nats-url=nats://a:1, tls://b:2"}, ""},
		"redis-url":                 {[]string{"--redis-url=localhost"}, "--redis-url is not a URL"},
		"redis-url good":            {[]string{"--redis-url=rediss://u:p@r:6379/0"}, ""},
		"event":                     {[]string{"--events=a,b c"}, `--events "b c": invalid event name`},
		"event known":               {[]string{"--events=optin_finalized, more"}, ""},
		"account":                   {[]string{"--account=Demo"}, `--account "Demo": invalid account name`},
		"deactivate":                {[]string{"--deactivate=maybe"}, "choose on, observe or off"},
		"deactivate observe":        {[]string{"--deactivate=observe"}, ""},
		"deactivate after":          {[]string{"--deactivate-after=0s"}, "--deactivate-after"},
		"deactivate attempts":       {[]string{"--deactivate-attempts=0"}, "--deactivate-attempts 0"},
		"secret key not base64":     {[]string{"--secret-key=!"}, "openssl rand -base64 32"},
		"secret key short":          {[]string{"--secret-key=c2hvcnQ="}, "--secret-key is not base64 of 32 bytes"},
		"secret key":                {[]string{"--secret-key=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, ""},
		"grace":                     {[]string{"--grace=-1s"}, "--grace -1s is negative"},
		"data":                      {[]string{"--data="}, "--data is empty"},
		"two at once, first named":  {[]string{"--data=", "--grace=-1s"}, "--data is empty"},
		"two at once, second named": {[]string{"--data=", "--grace=-1s"}, "--grace"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := parse(t, nil, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Options()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			case err == nil && o.ConnectTimeout > o.Timeout:
				t.Errorf("connect timeout %v beyond %v", o.ConnectTimeout, o.Timeout)
			}
		})
	}
}

func TestLogLevel(t *testing.T) {
	if _, err := parse(t, nil, "--log-level=loud"); err == nil || !strings.Contains(err.Error(), "--log-level") {
		t.Errorf("error %v, want one that names --log-level", err)
	}
}

func TestAllowed(t *testing.T) {
	cases := map[string]struct {
		args []string
		want []netip.Prefix
	}{
		"embedded":             {nil, Loopback},
		"external":             {[]string{"--nats-url=nats://n:4222"}, nil},
		"named, embedded":      {[]string{"--allow-cidrs=10.1.2.3/8"}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"reached from outside": {[]string{"--http=:8080"}, nil},
		"publishers outside":   {[]string{"--nats-listen=0.0.0.0:4222"}, nil},
		"public URL":           {[]string{"--public-url=https://hooks.example.org"}, nil},
		"behind a proxy":       {[]string{"--trusted-proxies=127.0.0.0/8"}, nil},
		"no publishers":        {[]string{"--nats-listen=", "--http=localhost:81"}, Loopback},
		"IPv6":                 {[]string{"--http=[::1]:81"}, Loopback},
		"asked for":            {[]string{"--http=:8080", "--allow-cidrs=127.0.0.0/8"}, Loopback[:1]},
		"named, empty parts":   {[]string{"--allow-cidrs=fd00::/8,"}, []netip.Prefix{netip.MustParsePrefix("fd00::/8")}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := parse(t, nil, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Options()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(o.AllowCIDRs, c.want) {
				t.Errorf("allowed %v, want %v", o.AllowCIDRs, c.want)
			}
		})
	}
}

// No error may carry what a URL or a key hides.
func TestErrorsKeepSecrets(t *testing.T) {
	s, err := parse(t, nil, "--nats-url=nats://u:hidden@%zz", "--redis-url=http://u:hidden@r", "--secret-key=hidden", "--password=hidden", "--data=")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Options(); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %v holds a secret, or is none", err)
	}
}

func TestSyncIsATimeOrAlways(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"10s": 10 * time.Second, "always": 0, "0": -1, "-1s": -1, "often": -1, "": -1} {
		var s Sync
		err := s.UnmarshalText([]byte(text))
		if want < 0 {
			if err == nil || !strings.Contains(err.Error(), "write a time like 10s, or always") {
				t.Errorf("%q: %v", text, err)
			}
		} else if err != nil || time.Duration(s) != want {
			t.Errorf("%q is read as %v, %v", text, time.Duration(s), err)
		}
	}
}
