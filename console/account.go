package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/words"
)

// accountPath is the page of the visitor's account.
const accountPath = root + "account"

// auditShown is how many changes the page lists.
const auditShown = 30

// accountPage is what a visitor can see and change of the own account.
type accountPage struct {
	Flash  flash
	Keys   []registry.APIKey
	Rights []registry.Right
	Limits []api.Limit
	// Contact is how its people are told.
	Contact registry.Contact
	// Changes are a page of the audit log; Older is where the next one begins, 0 on the last.
	Changes []registry.Deed
	Older   uint64
}

func (c *Console) accountRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+accountPath, c.private(c.account))
	mux.HandleFunc("POST "+accountPath+"/password", c.private(c.setPassword))
	mux.HandleFunc("POST "+accountPath+"/contact", c.private(c.setContact))
	mux.HandleFunc("POST "+accountPath+"/keys", c.private(c.createKey))
	mux.HandleFunc("POST "+accountPath+"/keys/{key}/revoke", c.private(c.revokeKey))
}

func (c *Console) account(w http.ResponseWriter, r *http.Request, v visitor) error {
	p := accountPage{Flash: c.flashes.take(w, r, v.Name, c.encrypted(r)), Rights: registry.Rights, Contact: v.Contact}
	var before uint64
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseUint(text, 10, 64); err != nil {
			return errNoPage
		}
	}
	var err error
	if p.Keys, err = c.o.Service.Keys(r.Context(), v.Account, v.Name); err != nil {
		return err
	}
	limits, err := c.o.Service.Limits(r.Context(), v.Account)
	if err != nil {
		return err
	}
	p.Limits = limits.All()
	if p.Changes, err = c.o.Service.Audit(r.Context(), v.Account, v.Name, before, auditShown+1); err != nil {
		return err
	}
	if len(p.Changes) > auditShown {
		p.Changes = p.Changes[:auditShown]
		p.Older = p.Changes[auditShown-1].Sequence
	}
	c.write(w, r, "account", page{Title: v.Say("Account"), Visitor: v, Body: p})
	return nil
}

// settled leads back to the page of the account, which says what came of a form that called a function.
func (c *Console) settled(w http.ResponseWriter, r *http.Request, v visitor, f *api.Function, err error, fl flash) error {
	if err != nil {
		code, text := f.Code(err)
		if code.Status == http.StatusInternalServerError {
			return err
		}
		fl = flash{Wrong: v.Sentence(text)}
	}
	return c.flash(w, r, v, accountPath, "", fl)
}

// setPassword gives the account another password, and the visitor another session: the password ends all of them.
func (c *Console) setPassword(w http.ResponseWriter, r *http.Request, v visitor) error {
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		return c.flash(w, r, v, accountPath, "", flash{Wrong: v.Say("The two new passwords differ. Nothing was changed.")})
	}
	err := c.o.Service.SetPassword(r.Context(), v.Account, v.Name, r.PostForm.Get("password"), r.PostForm.Get("current"))
	if err == nil {
		cookie, err := c.sessions.begin(r.Context(), v.Name, c.encrypted(r))
		if err != nil {
			return err
		}
		http.SetCookie(w, cookie)
	}
	return c.settled(w, r, v, api.SetPassword, err, flash{Done: v.Say("The account has the new password. All other sessions are ended; its API keys stay.")})
}

// setContact says how the account's people are told. A language that was chosen in the browser gives way to the account's.
func (c *Console) setContact(w http.ResponseWriter, r *http.Request, v visitor) error {
	to := registry.Contact{
		Email: strings.TrimSpace(r.PostForm.Get("email")), Language: r.PostForm.Get("language"), Zone: strings.TrimSpace(r.PostForm.Get("zone")),
	}
	changed, err := c.o.Service.SetContact(r.Context(), v.Account, v.Name, func(c *registry.Contact) { *c = to })
	if err == nil && to.Language != "" {
		http.SetCookie(w, &http.Cookie{Name: languageName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.encrypted(r), SameSite: http.SameSiteLaxMode})
		v.Account, v.Speaker = changed, words.In(to.Language)
	}
	return c.settled(w, r, v, api.SetAccount, err, flash{Done: v.Say("The contact is saved.")})
}

// createKey makes an API key, which the page shows once.
func (c *Console) createKey(w http.ResponseWriter, r *http.Request, v visitor) error {
	var expires time.Time
	if days := strings.TrimSpace(r.PostForm.Get("days")); days != "" {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return c.settled(w, r, v, api.CreateKey, fmt.Errorf("%w: give a number of days, or none", registry.ErrKeyExpiry), flash{})
		}
		expires = c.o.Now().AddDate(0, 0, int(n))
	}
	_, key, err := c.o.Service.CreateKey(r.Context(), v.Account, v.Name, r.PostForm.Get("label"), registry.Right(r.PostForm.Get("right")), expires)
	return c.settled(w, r, v, api.CreateKey, err, flash{Done: v.Say("The key is made."), Secret: key})
}

// revokeKey ends an API key.
func (c *Console) revokeKey(w http.ResponseWriter, r *http.Request, v visitor) error {
	err := c.o.Service.RevokeKey(r.Context(), v.Account, v.Name, r.PathValue("key"))
	return c.settled(w, r, v, api.RevokeKey, err, flash{Done: v.Say("The key lets nobody in any more.")})
}
