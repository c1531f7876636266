package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/saumer/saumer/registry"
)

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
	c.write(w, r, "login", page{Title: speaker(r, registry.Account{}).Say("Log in"), Body: loginForm{Next: next}})
	return nil
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	v := visitor{Speaker: speaker(r, registry.Account{})}
	f := loginForm{Account: strings.TrimSpace(r.PostForm.Get("account")), Next: local(r.PostForm.Get("next")),
		Kept: keptOf(r.PostForm.Get("kept"), keptPrefix, r.PostForm)}
	from := c.o.Service.Client(r)
	login, err := c.o.Accounts.Login(r.Context(), registry.Credentials{Account: f.Account, Secret: r.PostForm.Get("password"), From: from})
	if err == nil && login.Key != "" {
		err = registry.ErrLogin // a key is for machines, and may be revoked while a session goes on
	}
	if limit, ok := errors.AsType[*registry.LimitError](err); ok {
		f.Wrong = v.Sentence(limit.Error())
		w.Header().Set("Retry-After", strconv.Itoa(limit.Seconds()))
		c.write(w, r, "login", page{Title: v.Say("Log in"), Status: http.StatusTooManyRequests, Visitor: v, Body: f})
		return nil
	}
	if errors.Is(err, registry.ErrLogin) {
		c.refused.Do(func() { c.o.Log.Warn("a login failed", zap.String("address", from)) })
		f.Wrong = v.Say("Account or password is wrong.")
		c.write(w, r, "login", page{Title: v.Say("Log in"), Status: http.StatusUnauthorized, Visitor: v, Body: f})
		return nil
	}
	if err != nil {
		return err
	}
	cookie, err := c.sessions.begin(r.Context(), login.Name, c.encrypted(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	if f.Kept.Path != "" {
		return c.flash(w, r, visitor{Account: login.Account}, againPath, "", flash{Next: f.Kept.Path, Values: f.Kept.Fields})
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
	return nil
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, _ visitor) error {
	cookie, err := c.sessions.end(r, c.encrypted(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
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
