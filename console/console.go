// Package console is the web pages for people: what a webhook does and why, the one click that activates it again, and
// a demonstration of the web service. It is served beside the API and works on the same service.
//
// The pages are rendered here, and work without scripts; a small script of our own adds what moves. Nothing is loaded
// from any other origin.
package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/words"
)

const (
	// requestTime bounds the work on one page, answerTime that and the writing of it.
	requestTime = 30 * time.Second
	answerTime  = time.Minute
	// maxForm bounds the body of a form, in bytes.
	maxForm = 64 << 10
)

// Options are what the console works on. All but PublicURL are needed.
type Options struct {
	Service  *api.Service
	Accounts *registry.Accounts
	// Links reads the links of notices.
	Links *notify.Links
	// Key is the secret key of the installation, of which those of sessions and forms are derived.
	Key []byte
	// PublicURL is where people reach Saumer, such as https://hooks.example.org; empty: where the request came to.
	PublicURL string
	// Now is the time.
	Now     func() time.Time
	Version string
	Log     *zap.Logger
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	o        Options
	handler  http.Handler
	sessions *sessions
	flashes  *flashes
	// probes slows the tests of URLs by the right of a link.
	probes *throttle
	// refused bounds the lines on wrong logins.
	refused rate.Sometimes
	// watching holds a token for each live view.
	watching chan struct{}
	closed   chan struct{}
	closing  sync.Once
}

// New makes a console.
func New(o Options) *Console {
	c := &Console{
		o: o, sessions: newSessions(o.Key, o.Accounts, o.Now), flashes: newFlashes(o.Key, o.Now), probes: newThrottle(), refused: rate.Sometimes{Interval: time.Second},
		watching: make(chan struct{}, watchers), closed: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, root, http.StatusSeeOther)
	})
	mux.HandleFunc("GET "+root+"static/{name}", serveStatic)
	mux.HandleFunc("GET "+root+"login", c.public(c.loginPage))
	mux.HandleFunc("POST "+root+"login", c.public(c.login))
	mux.HandleFunc("POST "+root+"language", c.public(c.choose))
	mux.HandleFunc("GET "+againPath, c.private(c.again))
	mux.HandleFunc("POST "+root+"logout", c.private(c.logout))
	c.overviewRoutes(mux)
	c.troubleRoutes(mux)
	c.webhooksRoutes(mux)
	c.webhookRoutes(mux)
	c.demoRoutes(mux)
	c.noticesRoutes(mux)
	c.accountRoutes(mux)
	c.reactivateRoutes(mux)
	mux.HandleFunc(root, c.private(func(http.ResponseWriter, *http.Request, visitor) error { return errNoPage }))
	c.handler = http.NewCrossOriginProtection().Handler(mux)
	return c
}

// Paths are the patterns of http.ServeMux under which the console is served.
func (c *Console) Paths() []string { return []string{"/{$}", root, reactivatePath} }

// Close ends the live views, which would keep a server from stopping.
func (c *Console) Close() { c.closing.Do(func() { close(c.closed) }) }

// root is the path of the console.
const root = "/console/"

var (
	errNoPage = errors.New("there is no such page")
	errForm   = errors.New("this form is out of date")
)

// ServeHTTP serves a page with the headers that keep a browser from doing anything else with it.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// The address of a page may be a right, as that of the one click is.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	// Pages hold what belongs to one account; static files say something different.
	h.Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c.handler.ServeHTTP(w, r)
}

// visitor is who asks for a page: the account, the token that its forms carry, and what speaks their language.
type visitor struct {
	registry.Account
	*words.Speaker
	Form string
}

// public serves a page that needs no login. What it returns is shown as a page of its own.
func (c *Console) public(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return c.guard(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			c.fail(w, r, visitor{}, err)
		}
	})
}

// private serves a page to a visitor who is logged in, and sends others to the login. A form without the visitor's
// token changes nothing.
func (c *Console) private(serve func(http.ResponseWriter, *http.Request, visitor) error) http.HandlerFunc {
	return c.guard(c.known(serve))
}

func (c *Console) known(serve func(http.ResponseWriter, *http.Request, visitor) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := c.sessions.visitor(r)
		v.Speaker = speaker(r, v.Account)
		switch {
		case errors.Is(err, errNoSession):
			if r.Method == http.MethodPost {
				c.keep(w, r)
				return
			}
			http.Redirect(w, r, root+"login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		case err != nil:
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !c.sessions.ours(r, r.PostFormValue("form")):
			err = errForm
		default:
			err = serve(w, r.WithContext(api.WithCaller(r.Context(), api.Caller{With: "session", From: c.o.Service.Client(r)})), v)
		}
		if err != nil {
			c.fail(w, r, v, err)
		}
	}
}

// overtime is the cause of a request's end when its time is over.
type overtime struct{}

func (overtime) Error() string        { return "the time for this page is over" }
func (overtime) Timeout() bool        { return true }
func (overtime) Is(target error) bool { return target == context.DeadlineExceeded }

// guard bounds the time of a request and turns a panic into an error page.
func (c *Console) guard(next http.HandlerFunc) http.HandlerFunc {
	return c.unharmed(func(w http.ResponseWriter, r *http.Request) {
		// A writer that cannot do it, as in tests, has no slow reader either.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		ctx, cancel := context.WithTimeoutCause(r.Context(), requestTime, overtime{})
		defer cancel()
		ctx, leave := c.o.Service.Attend(ctx)
		defer leave()
		next(w, r.WithContext(ctx))
	})
}

// unharmed turns a panic into an error page.
func (c *Console) unharmed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				c.o.Log.Error("a page panicked", zap.String("path", place(r)), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next(w, r)
	}
}

// place is the path of a request as the log may have it: the pattern, since a path may be a right.
func place(r *http.Request) string { return r.Pattern }

// fail shows an error as a page, and logs what stays inside.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	if v.Speaker == nil {
		v.Speaker = speaker(r, v.Account)
	}
	err = api.Overdue(r.Context(), err)
	status, message := http.StatusInternalServerError, v.Say("That did not work, and it is not your fault. The log of Saumer says why.")
	var large *http.MaxBytesError
	switch code, text := api.GetWebHook.Code(err); {
	case errors.Is(err, errNoPage):
		status, message = http.StatusNotFound, v.Say("There is no such page.")
	case errors.Is(err, errForm):
		status, message = http.StatusForbidden, v.Say("This form is out of date: somebody has logged in or out in the meantime. Nothing was changed. Go back, load the page again and repeat it.")
	case errors.As(err, &large):
		status, message = http.StatusRequestEntityTooLarge, v.Say("That is too much for a form.")
	case errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		return // the visitor has left
	case code.Status == http.StatusInternalServerError:
		c.o.Log.Error("a page failed", zap.String("path", place(r)), zap.String("account", v.Name), zap.Error(err))
	default:
		status, message = code.Status, v.Sentence(text)
	}
	if limit, ok := errors.AsType[*registry.LimitError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(limit.Seconds()))
	}
	c.write(w, r, "error", page{Title: titleOf(v.Speaker, status), Status: status, Visitor: v, Body: message})
}

// titleOf is the title of a page that tells of an error.
func titleOf(s *words.Speaker, status int) string {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return s.Say("Not found")
	case http.StatusForbidden:
		return s.Say("Not done")
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return s.Say("Too much")
	case http.StatusServiceUnavailable:
		return s.Say("Not possible at the moment")
	}
	return s.Say("That did not work")
}

// base is the URL at which the visitor reaches Saumer, without a slash at its end.
func (c *Console) base(r *http.Request) string {
	if c.o.PublicURL != "" {
		return strings.TrimRight(c.o.PublicURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// encrypted says whether the visitor reaches Saumer by https, itself or a proxy before it.
func (c *Console) encrypted(r *http.Request) bool {
	return strings.HasPrefix(c.base(r), "https:") || r.Header.Get("X-Forwarded-Proto") == "https"
}
