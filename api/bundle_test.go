package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/crypto/bcrypt"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "password of demo"

// room is what the stored events may take.
const room = 4 << 20

// bundle is a service on real parts, except for the backlogs, with the accounts demo, an operator, and other.
type bundle struct {
	t        testing.TB
	handler  http.Handler
	broker   *broker.Broker
	service  *Service
	registry *registry.Registry
	accounts *registry.Accounts
	attempts *delivery.Log
	backlogs *fakeBacklogs
	notices  *notify.Notices
	stats    *stats.Stats
	lines    *observer.ObservedLogs
	ready    error
}

func setup(t testing.TB) *bundle {
	t.Helper()
	ctx := t.Context()
	b, err := broker.Open(ctx, broker.Options{
		Dir: t.TempDir(), MaxBytes: room, Replicas: 1, Retention: 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sealer, err := registry.NewSealer(registry.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(ctx, registry.Options{Broker: b, Sealer: sealer, Cache: 100, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(running); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	<-r.Started()

	// The real cost of a hash would be most of the time of these tests.
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, operator := range map[string]bool{"demo": true, "other": false} {
		record := fmt.Sprintf(`{"v":1,"name":%q,"operator":%v,"created":"2025-11-11T09:27:29Z","hash":%q}`, name, operator, hash)
		if _, err := b.Accounts.Put(ctx, name, []byte(record), 0); err != nil {
			t.Fatal(err)
		}
	}
	core, lines := observer.New(zap.InfoLevel)
	u := &bundle{
		t: t, broker: b, registry: r, accounts: registry.NewAccounts(b), attempts: delivery.NewLog(b, zap.NewNop()),
		backlogs: &fakeBacklogs{registry: r}, stats: stats.New(b, "test", zap.NewNop()), lines: lines,
	}
	client := delivery.NewClient(delivery.Options{Timeout: 2 * time.Second, ConnectTimeout: time.Second, Version: "test", AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	u.notices = notify.New(notify.Options{
		Broker: b, Links: notify.NewLinks(registry.NewKey(), "https://hooks.example.org"), Window: time.Hour, Retention: 24 * time.Hour, Log: zap.NewNop(),
	})
	if _, err := b.Agree(t.Context(), broker.Settings{Events: []string{"optin_finalized", "optout_finalized"}}); err != nil {
		t.Fatal(err)
	}
	s := NewService(Options{
		Notices:  u.notices,
		Registry: r, Accounts: u.accounts, Backlogs: u.backlogs, Addresses: addresses{}, Attempts: u.attempts,
		Replays: replay.NewBacklogs(b, r, backlog.Rules{After: defaults.DeactivateAfter, Attempts: defaults.DeactivateAttempts, Window: 5 * 24 * time.Hour}, 24*time.Hour), Stream: b, Prober: client,
		Tester: delivery.NewSender(client, u.attempts, delivery.NewOutages(time.Minute, time.Hour), u.stats),
		Stats:  u.stats,
		Audit:  registry.NewAudit(b), Forget: b.ForgetAccount, Log: zap.New(core),
		Publisher: b.JetStream, Window: 5 * 24 * time.Hour, Names: b, Network: b,
	})
	u.service = s
	u.handler = Handler(s, u.accounts, func(context.Context) error { return u.ready }, b.Differences, zap.New(core))
	return u
}

// fakeBacklogs keep no backlog: they change and remove only the record.
type fakeBacklogs struct {
	registry *registry.Registry
	// status is what an inactive webhook is said to be like; fail, if set, is the end of every call.
	status replay.Status
	fail   error
	panics bool
	// unindexed is what activations are said to be.
	unindexed bool
	// moved are the keys of the webhooks whose backlogs were told of another URL.
	moved []string
}

func (f *fakeBacklogs) Moved(_ context.Context, key string) error {
	f.moved = append(f.moved, key)
	return f.fail
}

func (f *fakeBacklogs) Pause(ctx context.Context, key string) (registry.Webhook, error) {
	if f.fail != nil {
		return registry.Webhook{}, f.fail
	}
	return f.registry.Update(ctx, key, func(w *registry.Webhook) error {
		if !w.Active {
			return replay.ErrInactive
		}
		w.Active, w.Deactivated, w.Reason = false, time.Now(), backlog.PausedReason
		return nil
	})
}

func (f *fakeBacklogs) Status(_ context.Context, w registry.Webhook) (replay.Status, error) {
	if f.panics {
		panic("the insides")
	}
	if w.Active {
		return replay.Status{State: "live"}, f.fail
	}
	return f.status, f.fail
}

func (f *fakeBacklogs) Activate(ctx context.Context, key string, replayEvents bool) (replay.Activated, error) {
	if f.fail != nil {
		return replay.Activated{}, f.fail
	}
	var count uint64
	w, err := f.registry.Update(ctx, key, func(w *registry.Webhook) error {
		if !w.Active && replayEvents {
			count = f.status.Buffered
		}
		w.Active, w.Deactivated, w.Reason = true, time.Time{}, ""
		return nil
	})
	return replay.Activated{Webhook: w, Status: replay.Status{State: "live"}, Events: count, Unindexed: f.unindexed}, err
}

func (f *fakeBacklogs) ActivateAfter(ctx context.Context, key string, _ time.Time, replayEvents bool) (replay.Activated, error) {
	return f.Activate(ctx, key, replayEvents)
}

func (f *fakeBacklogs) Delete(ctx context.Context, key string) error {
	if f.fail != nil {
		return f.fail
	}
	return f.registry.Delete(ctx, key)
}

// addresses forbid the hosts below example.net.
type addresses struct{}

func (addresses) CheckAddress(_ context.Context, u *url.URL) error {
	if strings.HasSuffix(u.Hostname(), "example.net") {
		return fmt.Errorf("%s leads to 10.1.2.3: %w", u.Hostname(), delivery.ErrForbidden)
	}
	return nil
}

// send sends a request and returns its answer.
func (u *bundle) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	u.handler.ServeHTTP(w, r.WithContext(u.t.Context()))
	return w
}

// web calls a function of the web service as demo, with a form.
func (u *bundle) web(function string, parameters ...string) (code int, message string, result json.RawMessage) {
	u.t.Helper()
	form := url.Values{"username": {"demo"}, "password": {password}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	return u.webBody(function, "application/x-www-form-urlencoded", form.Encode())
}

func (u *bundle) webBody(function, contentType, body string) (code int, message string, result json.RawMessage) {
	u.t.Helper()
	r := httptest.NewRequest(http.MethodPost, webServicePath+function, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := u.send(r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		u.t.Fatalf("%s answered %d %s", function, w.Code, w.Header().Get("Content-Type"))
	}
	var e struct {
		Error   *int
		Message *string
		Result  json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == nil || e.Message == nil || e.Result == nil {
		u.t.Fatalf("%s answered %s, %v", function, w.Body, err)
	}
	if *e.Message == "" || (*e.Error != 0) != (string(e.Result) == "null") {
		u.t.Errorf("%s answered %s", function, w.Body)
	}
	return *e.Error, *e.Message, e.Result
}

// rest sends a request of REST as an account and returns status, code of an error or 0, and the body.
func (u *bundle) rest(account, method, path, body string, header ...string) (status, code int, answer string) {
	u.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(account, password)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := u.send(r)
	if err := misdescribed(r, w); err != nil {
		u.t.Errorf("%s %s answers %d %s, which is not as described: %v", method, path, w.Code, w.Body, err)
	}
	if w.Code >= 400 {
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == 0 || p.Title == "" || p.Status != w.Code ||
			p.Error != (problemError{p.Code, p.Detail}) || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			u.t.Fatalf("%s %s answered %d %v %s, %v", method, path, w.Code, w.Header(), w.Body, err)
		}
		code = p.Code
	}
	return w.Code, code, strings.TrimSuffix(w.Body.String(), "\n")
}

// create makes a webhook of demo and returns its id.
func (u *bundle) create(app, ev string) string {
	u.t.Helper()
	code, message, result := u.web("CreateWebHook", "app", app, "event", ev, "url", "https://example.org/"+app)
	if code != 0 {
		u.t.Fatal(code, message)
	}
	var w struct{ ID json.Number }
	if err := json.Unmarshal(result, &w); err != nil {
		u.t.Fatal(err)
	}
	return w.ID.String()
}

// deactivate does what a runner does to a webhook that fails for long.
func (u *bundle) deactivate(id string) {
	u.t.Helper()
	if _, err := u.registry.Update(u.t.Context(), "demo."+id, func(w *registry.Webhook) error {
		w.Active, w.Reason = false, "it failed for 24 hours: the endpoint answered 503"
		w.Deactivated = time.Date(2025, 11, 12, 9, 27, 29, 0, time.UTC)
		return nil
	}); err != nil {
		u.t.Fatal(err)
	}
}

// now stands for what differs from run to run.
var now = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`"created":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ"`), `"created":"NOW"`},
	{regexp.MustCompile(`"whsec_[A-Za-z0-9+/=]{32,}"`), `"SECRET"`},
}

// golden compares an answer with what it must be, byte for byte.
func golden[T ~string | ~[]byte](t *testing.T, what string, got T, want string) {
	t.Helper()
	text := string(got)
	for _, n := range now {
		text = n.form.ReplaceAllString(text, n.name)
	}
	var compact bytes.Buffer
	for _, line := range strings.Split(want, "\n") {
		compact.WriteString(strings.TrimSpace(line))
	}
	if text != compact.String() {
		t.Errorf("%s is\n%s\nwant\n%s", what, text, compact.String())
	}
}

var errInsides = errors.New("the insides: nats://user:pass@10.0.0.1")

// overwrite writes a webhook's record as some other version might.
func (u *bundle) overwrite(key, data string) {
	u.t.Helper()
	entry, err := u.broker.Webhooks.Get(u.t.Context(), key)
	if err != nil && !errors.Is(err, broker.ErrNoKey) {
		u.t.Fatal(err)
	}
	if _, err := u.broker.Webhooks.Put(u.t.Context(), key, []byte(data), entry.Revision); err != nil {
		u.t.Fatal(err)
	}
}
