package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/event"
)

const password = "correct 'horse' $HOME"

// world is a Saumer and a visitor who is logged in.
type world struct {
	t      *testing.T
	base   string
	client *http.Client
}

func setup(t *testing.T) *world {
	t.Helper()
	a, err := app.New(t.Context(), app.Options{
		HTTP: "127.0.0.1:0", Data: t.TempDir(), Account: "demo", Password: password, AllowCIDRs: config.Loopback,
		Timeout: 5 * time.Second, ConnectTimeout: 2 * time.Second, MaxInFlight: 2, BackoffInitial: time.Second, BackoffMax: time.Minute,
		Deactivate: backlog.On, DeactivateAfter: time.Hour, DeactivateAttempts: 10, ReplayWindow: time.Hour, Retention: 24 * time.Hour,
		Replicas: 1, NATSSync: time.Minute, Events: event.Defaults, Grace: 5 * time.Second, Version: "test", Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	<-a.Ready()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, "http://" + a.HTTP(), &http.Client{Jar: jar, Timeout: time.Minute}}
	w.read(w.client.PostForm(w.base+"/console/login", url.Values{"account": {"demo"}, "password": {password}}))
	return w
}

func (w *world) read(res *http.Response, err error) string {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close() // it has been read
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s is answered %s: %s", res.Request.URL, res.Status, body)
	}
	return string(body)
}

// call calls the web service itself.
func (w *world) call(function string, arguments url.Values) string {
	w.t.Helper()
	form := url.Values{"username": {"demo"}, "password": {password}}
	for name, value := range arguments {
		form[name] = value
	}
	return w.read(http.PostForm(w.base+"/webservice/webservice/json/"+function, form))
}

func (w *world) create() string {
	w.t.Helper()
	var made struct{ Result struct{ ID uint64 } }
	answer := w.call("CreateWebHook", url.Values{"app": {"tourism"}, "event": {"optin_finalized"}, "url": {"http://127.0.0.1:9/"}})
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.Result.ID == 0 {
		w.t.Fatalf("CreateWebHook answers %s, %v", answer, err)
	}
	return strconv.FormatUint(made.Result.ID, 10)
}

// drawn is what differs from call to call.
var drawn = regexp.MustCompile(`"id":\d+|("note":"[^"]*",)?"secret":"[^"]*"|"created":"[^"]*"`)

// programs run the sample of a language.
var programs = map[string]struct {
	file string
	run  []string
}{
	"curl":       {"call.sh", []string{"sh"}},
	"php":        {"call.php", []string{"php"}},
	"python":     {"call.py", []string{"python3"}},
	"go":         {"call.go", []string{"go", "run"}},
	"javascript": {"call.mjs", []string{"node"}},
}

// The code that the demo page shows, run as it is, gets the answer that the web service gives.
func TestSampleCodeGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, f := range []struct {
		function  string
		arguments func() url.Values
	}{
		{"CreateWebHook", func() url.Values {
			return url.Values{"app": {`it's "my" $app`}, "event": {"optin_finalized"}, "url": {"http://127.0.0.1:9/hook?a=1&b=2"}}
		}},
		{"GetWebHooks", func() url.Values { return url.Values{"app": {"nobody's"}} }},
		{"ActivateWebHook", func() url.Values { return url.Values{"id": {w.create()}, "replayEvents": {"1"}} }},
		{"DeleteWebHookById", func() url.Values { return url.Values{"id": {w.create()}} }},
		{"CreateWebHook", func() url.Values { return url.Values{"app": {" "}, "event": {"optin_finalized"}, "url": {"x"}} }},
	} {
		want := drawn.ReplaceAllString(w.call(f.function, f.arguments()), "DRAWN")
		for language, program := range programs {
			if _, err := exec.LookPath(program.run[0]); err != nil {
				t.Logf("SKIPPED: there is no %s on this machine", program.run[0])
				continue
			}
			page := w.read(w.client.Get(w.base + "/console/demo/" + f.function + "?" + f.arguments().Encode()))
			code := regexp.MustCompile(`(?s)<pre tabindex="0" id="code-` + language + `">(.*?)</pre>`).FindStringSubmatch(page)
			if code == nil {
				t.Fatalf("%s: there is no code in %s", f.function, language)
			}
			got := drawn.ReplaceAllString(w.run(program.file, program.run, html.UnescapeString(code[1])), "DRAWN")
			if strings.TrimSpace(got) != strings.TrimSpace(want) {
				t.Errorf("%s in %s answers\n%s\nwant\n%s", f.function, language, got, want)
			}
		}
	}
}

func (w *world) run(file string, program []string, code string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), file)
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), program[0], append(append([]string{}, program[1:]...), path)...)
	cmd.Env = append(os.Environ(), "SAUMER_PASSWORD="+password)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s ends with %v: %s%s\n%s", fmt.Sprint(program), err, out, &stderr, code)
	}
	return string(out)
}
