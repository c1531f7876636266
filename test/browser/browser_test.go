// Package browser proves the console as a person uses it: a real Chromium, a real Saumer, a real receiver.
package browser

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"go.uber.org/zap"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// shots is where pictures of the pages are put, for docs and for eyes.
var shots = flag.String("browser.shots", "", "directory for pictures of every page; empty takes none")

const (
	account  = "demo"
	password = "correct horse"
	optin    = "optin_finalized"
	// patience bounds the wait for anything that a test expects on a page.
	patience = 60 * time.Second
)

// chrome is one browser for all tests; each has a context of its own in it, without the cookies of others.
var chrome struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if chrome.stop != nil {
		chrome.stop()
	}
	os.Exit(code)
}

// program is where Chromium is.
func program() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	return exec.LookPath("chromium")
}

func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := program()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no chromium: install it, or name it in CHROMIUM")
		}
		t.Skip("SKIPPED: there is no chromium; install it, or name it in CHROMIUM")
	}
	chrome.once.Do(func() {
		ctx, stopAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.NoFirstRun,
			chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
			chromedp.WSURLReadTimeout(time.Minute),
		)...)
		ctx, stop := chromedp.NewContext(ctx)
		chrome.ctx, chrome.stop = ctx, func() { stop(); stopAllocator() }
		chrome.err = chromedp.Do(ctx)
	})
	if chrome.err != nil {
		t.Fatalf("start chromium: %v", chrome.err)
	}
	return chrome.ctx
}

// world is a Saumer, a receiver that does as it is told, and a browser.
type world struct {
	t    *testing.T
	app  *app.App
	base string
	key  []byte
	// stop ends the Saumer.
	stop func()

	receiver *httptest.Server
	status   atomic.Int32
	delay    atomic.Int64
	response atomic.Value
	got      atomic.Int64

	page context.Context
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	all := chromium(t)
	w := &world{t: t, key: registry.NewKey()}
	w.status.Store(http.StatusOK)
	w.response.Store("thank you")
	w.receiver = httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(w.receiver.Close)
	w.start()

	page, closePage := chromedp.NewContext(all, chromedp.WithNewBrowserContext())
	t.Cleanup(closePage)
	// The page lives as long as the context of its first action.
	if err := chromedp.Do(page); err != nil {
		t.Fatalf("open a page: %v", err)
	}
	w.page = page
	w.do("listen to the page", run(network.Enable, network.EnableParams{}), run(runtime.Enable, cdp.Empty{}))
	// Whatever a page asks for at another origin, and whatever a script fails at, is a fault.
	if err := chromedp.Listen(page, func(ev any) {
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if u := ev.Request.URL; !strings.HasPrefix(u, w.base) && !strings.HasPrefix(u, "data:") && u != "about:blank" {
				t.Errorf("a page asks for %s", u)
			}
		case *runtime.EventExceptionThrown:
			t.Errorf("a script failed: %s", ev.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// run is an action that runs a command of the protocol.
func run[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // what came is not looked at
	if d := time.Duration(w.delay.Load()); d > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(d):
		}
	}
	status := int(w.status.Load())
	if r.URL.Path == well {
		status = http.StatusOK
	}
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, w.response.Load().(string)) // the sender may have left
	if status == http.StatusOK {
		w.got.Add(1)
	}
}

// start starts a Saumer in which a webhook is deactivated after seconds.
func (w *world) start() {
	w.t.Helper()
	o := app.Defaults()
	o.HTTP, o.Data, o.Account, o.Password, o.SecretKey = "127.0.0.1:0", w.t.TempDir(), account, password, w.key
	o.AllowCIDRs = config.Loopback
	o.Timeout, o.ConnectTimeout, o.MaxInFlight = 5*time.Second, 2*time.Second, 2
	o.BackoffInitial, o.BackoffMax = 50*time.Millisecond, 300*time.Millisecond
	o.FailingAfter = 0 // told at once
	o.DeactivateAfter, o.DeactivateAttempts = time.Second, 3
	o.ReplayWindow, o.Retention = time.Hour, 24*time.Hour
	o.Grace, o.Version, o.Log = 5*time.Second, "test", zap.NewNop()
	a, err := app.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	w.t.Cleanup(w.stop)
	select {
	case <-a.Ready():
	case err := <-ran:
		w.t.Fatalf("run: %v", err)
	}
	w.app, w.base = a, "http://"+a.HTTP()
}

// me is the account as the service knows it.
func (w *world) me() registry.Account { return registry.Account{Name: account, Operator: true} }

// well is a path of the receiver at which it takes everything, whatever it is told.
const well = "/well"

func (w *world) create(app string) uint64 {
	w.t.Helper()
	return w.createAt(app, "/hook")
}

func (w *world) createAt(app, path string) uint64 {
	w.t.Helper()
	created, _, err := w.app.Service().Create(w.t.Context(), w.me(), api.CreateInput{App: app, Event: optin, URL: w.receiver.URL + path})
	if err != nil {
		w.t.Fatal(err)
	}
	return created.ID
}

func (w *world) publish(n int) {
	w.t.Helper()
	for range n {
		if _, err := w.app.Service().Publish(w.t.Context(), w.me(), optin, "", event.Sample(optin)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) webhook(id uint64) api.Webhook {
	w.t.Helper()
	found, err := w.app.Service().Get(w.t.Context(), w.me(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// until waits until the webhook is as wanted.
func (w *world) until(id uint64, what string, ok func(api.Webhook) bool) api.Webhook {
	w.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if found := w.webhook(id); ok(found) {
			return found
		}
	}
	w.t.Fatalf("the webhook is not %s: %+v", what, w.webhook(id))
	return api.Webhook{}
}

// deactivated makes a webhook that was deactivated, with n events kept.
func (w *world) deactivated(app string, n int) api.Webhook {
	w.t.Helper()
	id := w.create(app)
	w.status.Store(http.StatusServiceUnavailable)
	w.publish(n)
	return w.until(id, "inactive", func(found api.Webhook) bool { return !found.Active && found.Status.Buffered == uint64(n) })
}

// do runs actions in the browser.
func (w *world) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	get(w, what, chromedp.Steps(actions...))
}

// get runs an action in the browser and returns its value.
func get[T any](w *world, what string, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.page, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		// Only for the message.
		where, _ := chromedp.Run(w.page, chromedp.Location())
		text, _ := chromedp.Run(w.page, chromedp.Evaluate[string]("document.body.innerText"))
		w.t.Fatalf("%s: %v\nat %s:\n%s", what, err, where, text)
	}
	return value
}

func (w *world) open(path string) {
	w.t.Helper()
	w.do("open "+path, chromedp.Navigate(w.base+path))
}

// click clicks what leads to another page, and waits for it.
func (w *world) click(selector string) {
	w.t.Helper()
	w.follow("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// press clicks the button with these words, and waits for the page that it leads to.
func (w *world) press(words string) {
	w.t.Helper()
	w.follow("press "+words, chromedp.Click(fmt.Sprintf(`//button[normalize-space()=%q]`, words)))
}

func (w *world) follow(what string, action chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.page, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, action); err != nil {
		w.t.Fatalf("%s: %v\n%s", what, err, w.text("body"))
	}
}

func (w *world) text(selector string) string {
	w.t.Helper()
	return get(w, "read "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// sees waits until the page has the words. A page that is just being left has none.
func (w *world) sees(selector, words string) {
	w.t.Helper()
	script := fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector)
	var text string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var err error
		if text, err = chromedp.Run(w.page, chromedp.Evaluate[string](script)); err == nil && strings.Contains(text, words) {
			return
		}
	}
	w.t.Fatalf("%s does not say %q but:\n%s", selector, words, text)
}

func (w *world) fill(selector, value string) {
	w.t.Helper()
	w.do("fill in "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`void (document.querySelector(%q).value = "")`, selector)), chromedp.SendKeys(chromedp.CSS(selector), value))
}

// eval evaluates a script in the page, and waits for what it promises.
func eval[T any](w *world, script string) T {
	w.t.Helper()
	return get(w, "evaluate "+script, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

func (w *world) login() {
	w.t.Helper()
	w.open("/")
	w.fill("input[name=account]", account)
	w.fill("input[name=password]", password)
	w.press("Log in")
}
