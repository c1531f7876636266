package console

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/registry"
)

const (
	// A name may be tried this often from one address, and then once in this time.
	loginBurst = 5
	loginEvery = 10 * time.Second
	// throttled bounds the pairs of name and address that are remembered.
	throttled = 10_000
)

// throttle slows tries that go wrong. It is safe for concurrent use.
type throttle struct {
	limits *lru.Cache[string, *rate.Limiter]
}

func newThrottle() *throttle {
	// The size is positive, and nothing else can be wrong.
	limits, _ := lru.New[string, *rate.Limiter](throttled)
	return &throttle{limits}
}

// allow says whether something may be tried now.
func (t *throttle) allow(key string) bool {
	fresh := rate.NewLimiter(rate.Every(loginEvery), loginBurst)
	limit, known, _ := t.limits.PeekOrAdd(key, fresh)
	if !known {
		limit = fresh
	}
	return limit.Allow()
}

// forget is told of a try that went right.
func (t *throttle) forget(key string) { t.limits.Remove(key) }

// loginForm is what the page of the login shows.
type loginForm struct {
	Account, Next, Wrong string
	// Kept is a form that came after its session had ended; it goes on with the login.
	Kept kept
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if _, err := c.sessions.visitor(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	c.write(w, r, "login", page{Title: "Log in", Body: loginForm{Next: next}})
	return nil
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	f := loginForm{Account: strings.TrimSpace(r.PostForm.Get("account")), Next: local(r.PostForm.Get("next")),
		Kept: keptOf(r.PostForm.Get("kept"), keptPrefix, r.PostForm)}
	key := f.Account + "\n" + client(r)
	if !c.logins.allow(key) {
		f.Wrong = "There were too many logins. Wait ten seconds, and try again."
		w.Header().Set("Retry-After", "10")
		c.write(w, r, "login", page{Title: "Log in", Status: http.StatusTooManyRequests, Body: f})
		return nil
	}
	account, err := c.o.Accounts.Authenticate(r.Context(), f.Account, r.PostForm.Get("password"))
	if errors.Is(err, registry.ErrLogin) {
		c.o.Log.Warn("a login failed", zap.String("address", client(r)))
		f.Wrong = "Account or password is wrong."
		c.write(w, r, "login", page{Title: "Log in", Status: http.StatusUnauthorized, Body: f})
		return nil
	}
	if err != nil {
		return err
	}
	c.logins.forget(key)
	cookie, err := c.sessions.begin(r.Context(), account.Name, c.encrypted(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	if f.Kept.Path != "" {
		return c.flash(w, r, visitor{Account: account}, againPath, "", flash{Next: f.Kept.Path, Values: f.Kept.Fields})
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
	return nil
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, _ visitor) error {
	http.SetCookie(w, c.sessions.end(c.encrypted(r)))
	http.Redirect(w, r, root+"login", http.StatusSeeOther)
	return nil
}

// local is a path of the console to go on to; anything else leads to its first page.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, root) || strings.ContainsAny(next, "\\\r\n") {
		return root
	}
	return u.RequestURI()
}

// client is the address that a request came from.
func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
