package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// printed is what --print-config prints.
func printed(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	var grammar struct {
		Serve Serve `cmd:""`
	}
	var out bytes.Buffer
	code := -1
	parser, err := kong.New(&grammar, kong.Name("saumer"), Vars(), kong.Writers(&out, &out), kong.Exit(func(c int) { code = c }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = parser.Parse(append([]string{"serve", "--print-config"}, args...)); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	return out.String()
}

func TestPrintedConfigNamesWhereEachSettingComesFrom(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := file(t, "a.yaml", "timeout: 2s\nevents: [moved, 'a: b']\n")
	text := printed(t, map[string]string{
		"SAUMER_REPLICAS": "3", "SAUMER_PASSWORD_FILE": secret, "SAUMER_GRACE": "",
		"SAUMER_NATS_URL": "nats://saumer:hidden@a:4222, nats://hidden@b", "SAUMER_SECRET_KEY": "hidden",
	}, "--config", path, "--max-store=1kB", "--notice-url=https://example.org/n?token=hidden", "--nats-sync=always")
	for _, want := range []string{
		"timeout: 2s # " + path, `events: [moved, 'a: b'] # ` + path, "replicas: 3 # SAUMER_REPLICAS", "max-store: 1000 # --max-store",
		"password: xxxxx # SAUMER_PASSWORD_FILE", "secret-key: xxxxx # SAUMER_SECRET_KEY", "grace: 20s # default", "log-level: info # default",
		"nats-url: nats://saumer:xxxxx@a:4222,nats://xxxxx@b # SAUMER_NATS_URL", "notice-url: https://example.org/n?xxxxx # --notice-url",
		"nats-sync: always # --nats-sync", "## Delivery\n",
	} {
		if !strings.Contains(text, want+"\n") && !strings.HasSuffix(want, "\n") || !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hidden") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	for _, arg := range []string{
		"--smtp-url=smtps://u:pa,hidden@mail.example.org", "--smtp-url=u:hidden@mail.example.org", "--nats-url=nats://u:pa,hidden@n:4222",
		"--nats-url=nats://a:4222,u:hidden@b", "--redis-url=redis://:a,hidden@r", "--notice-url=hidden", "--redis-url=unix://u:hidden@/run/redis.sock",
	} {
		if text := printed(t, nil, arg); strings.Contains(text, "hidden") || !strings.Contains(text, "xxxxx") {
			t.Errorf("%s is shown as\n%s", arg, text)
		}
	}
}

func TestPrintedConfigIsAFileForConfig(t *testing.T) {
	args := []string{"--timeout=3s", "--events=a,b", "--allow-cidrs=10.0.0.0/8", "--profile", "--metrics=:9464", "--nats-sync=5s", "--log-level=warn"}
	want, err := parse(t, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, nil, "--config", file(t, "a.yaml", printed(t, nil, args...)))
	if err != nil {
		t.Fatal(err)
	}
	got.Config = ""
	if got.AllowCIDRs, want.AllowCIDRs = append([]string{}, got.AllowCIDRs...), append([]string{}, want.AllowCIDRs...); !reflect.DeepEqual(some(got), some(want)) {
		t.Errorf("read again\n%+v\nwant\n%+v", got, want)
	}
}

// some makes lists that are empty and those that are not there one.
func some(s *Serve) Serve {
	c := *s
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
	return c
}

func TestTemplateSetsNothingAndHoldsTheDefaults(t *testing.T) {
	var grammar struct {
		Serve Serve `cmd:""`
	}
	parser, err := kong.New(&grammar, Vars())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Template(&out, parser.Model.Children[0].Flags); err != nil {
		t.Fatal(err)
	}
	want, err := parse(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^#([a-z-]+:)`).ReplaceAllString(out.String(), "$1")
	if n := strings.Count(all, ":") - strings.Count(out.String(), ":"); n != 0 || all == out.String() {
		t.Fatalf("no setting stands as a comment in\n%s", out.String())
	}
	for name, text := range map[string]string{"as it is": out.String(), "all set": all} {
		got, err := parse(t, nil, "--config", file(t, "a.yaml", text))
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		if got.Config = ""; !reflect.DeepEqual(some(got), some(want)) {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, *got, *want)
		}
	}
}
