package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/words"
)

// reactivatePath is that of the links in notices.
const reactivatePath = "/reactivate/"

// The ways in which a link stands.
const (
	linkOpen    = "open"    // the webhook is as the notice said
	linkUsed    = "used"    // it has been activated, and is active
	linkAgain   = "again"   // it has been activated, and deactivated once more
	linkExpired = "expired" // its time is over
	linkGone    = "gone"    // the webhook was deleted
	linkWrong   = "wrong"   // it is none of ours, or not whole
)

// reactivatePage is the page behind the link of a notice. Whoever has the link may see it and activate.
type reactivatePage struct {
	*words.Speaker
	Link notify.Link
	// Stands is one of the ways in which a link stands.
	Stands  string
	Webhook api.Webhook
	// Path is that of the page itself, Live of its live view.
	Path, Live string
	// Form is the token that the form carries, Wrong says what is wrong with the form that came.
	Form, Wrong string
	// Replay is whether the box is checked; Drop is true if the page asks whether events are to be dropped.
	Replay, Drop bool
	// Probed says what the test of the URL found; nil if none was made.
	Probed *probed
	// Done is true on the way from the activation; Now is how the webhook does before the live view says more.
	Done bool
	Now  snapshot
}

// probed is what a test of the URL found. Even where a connection was made, that the URL takes events is not known.
type probed struct {
	Connected bool
	Text      string
}

func (c *Console) reactivateRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+reactivatePath+"{token}", c.public(c.reactivatePage))
	mux.HandleFunc("POST "+reactivatePath+"{token}", c.public(c.reactivate))
	mux.HandleFunc("GET "+reactivatePath+"{token}/live", c.unharmed(func(w http.ResponseWriter, r *http.Request) {
		if err := c.reactivateLive(w, r); err != nil {
			c.fail(w, r, visitor{}, err)
		}
	}))
	mux.HandleFunc(reactivatePath, c.public(func(w http.ResponseWriter, r *http.Request) error {
		c.writeLink(w, r, reactivatePage{Speaker: speaker(r, registry.Account{}), Stands: linkWrong})
		return nil
	}))
}

// read finds out how the link in the path stands. It changes nothing.
func (c *Console) read(r *http.Request) (reactivatePage, error) {
	token := r.PathValue("token")
	p := reactivatePage{Speaker: speaker(r, registry.Account{}), Path: reactivatePath + url.PathEscape(token), Form: c.sessions.form(token), Replay: true}
	var err error
	p.Link, err = c.o.Links.Parse(token, c.o.Now())
	switch {
	case errors.Is(err, notify.ErrLinkExpired):
		p.Stands = linkExpired
		return p, nil
	case errors.Is(err, notify.ErrLink):
		p.Stands = linkWrong
		_, err := c.o.Accounts.Tries().Begin(c.o.Service.Client(r), "")
		return p, err
	case err != nil:
		return p, err
	}
	p.Webhook, err = c.o.Service.Get(r.Context(), registry.Account{Name: p.Link.Account}, p.Link.ID)
	switch {
	case errors.Is(err, record.ErrNotFound):
		p.Stands = linkGone
	case err != nil:
		return p, err
	case p.Webhook.Active:
		p.Stands = linkUsed
	case p.Webhook.Deactivated.Equal(p.Link.Deactivated):
		p.Stands = linkOpen
	default:
		p.Stands = linkAgain
	}
	return p, nil
}

// writeLink writes the page behind a link.
func (c *Console) writeLink(w http.ResponseWriter, r *http.Request, p reactivatePage) {
	status := map[string]int{linkExpired: http.StatusGone, linkGone: http.StatusGone, linkWrong: http.StatusNotFound}[p.Stands]
	if p.Wrong != "" {
		status = http.StatusForbidden
	}
	c.write(w, r, "reactivate", page{Title: p.Say("Activate a webhook"), Status: status, Visitor: visitor{Speaker: p.Speaker}, Body: p})
}

func (c *Console) reactivatePage(w http.ResponseWriter, r *http.Request) error {
	p, err := c.read(r)
	if err != nil {
		return err
	}
	query, fl := r.URL.Query(), c.flashes.take(w, r, "", c.encrypted(r))
	switch p.Stands {
	case linkUsed:
		p.Done, p.Live, p.Now = query.Has("done"), p.Path+"/live", linkSnapshot(p.Speaker, p.Webhook)
	case linkOpen:
		p.Drop, p.Probed, p.Wrong = query.Has("drop"), fl.Probed, fl.Wrong
		p.Replay = !p.Drop && (fl.Values == nil || fl.Values.Has("replay"))
	}
	c.writeLink(w, r, p)
	return nil
}

// reactivate tests the URL or activates the webhook, as the form says.
func (c *Console) reactivate(w http.ResponseWriter, r *http.Request) error {
	p, err := c.read(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	p.Replay = r.PostForm.Get("replay") != ""
	next := p.Path
	switch {
	case p.Stands != linkOpen:
	case r.PostForm.Get("form") != p.Form:
		p.Wrong = p.Say("This form did not come from this page. Nothing was changed. Load the page again.")
		c.writeLink(w, r, p)
		return nil
	case r.PostForm.Get("do") == "test":
		values := url.Values{}
		if p.Replay {
			values.Set("replay", "1")
		}
		return c.flash(w, r, visitor{}, p.Path, "", flash{Probed: c.probe(r.Context(), p), Values: values})
	case !p.Replay && p.Webhook.Status.Buffered > 0 && r.PostForm.Get("drop") == "":
		next += "?drop"
	default:
		_, _, err := c.o.Service.Reactivate(api.WithCaller(r.Context(), api.Caller{With: api.Link, From: c.o.Service.Client(r)}), p.Link, p.Replay)
		switch {
		case err == nil:
			next += "?done"
		case !errors.Is(err, replay.ErrOver) && !errors.Is(err, record.ErrNotFound):
			return err
		} // or somebody was faster; the page says what is the case
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// probe tests whether the URL answers.
func (c *Console) probe(ctx context.Context, p reactivatePage) *probed {
	if !c.probes.allow(p.Webhook.Key()) {
		return &probed{false, p.Say("The URL was tested a moment ago. Wait ten seconds.")}
	}
	a, err := c.o.Service.Probe(ctx, registry.Account{Name: p.Link.Account}, p.Link.ID)
	switch {
	case err != nil:
		return &probed{false, p.Say("The test could not be made. Try again.")}
	case a.Outcome == delivery.Delivered:
		return &probed{true, p.Say("A connection was made in %s. Nothing was sent.", p.Brief(a.Duration))}
	default:
		return &probed{false, p.Say("No connection can be made:") + " " + p.Sentence(a.Error)}
	}
}

// reactivateLive sends the progress of the replay to whoever has the link.
func (c *Console) reactivateLive(w http.ResponseWriter, r *http.Request) error {
	p, err := c.read(r)
	if err != nil {
		return err
	}
	if p.Stands != linkUsed && p.Stands != linkAgain {
		return errNoPage
	}
	account := registry.Account{Name: p.Link.Account}
	return c.watch(w, r, account, func(ctx context.Context) (snapshot, error) {
		found, err := c.o.Service.Get(ctx, account, p.Link.ID)
		if err != nil {
			return snapshot{}, err
		}
		return linkSnapshot(p.Speaker, found), nil
	})
}

// linkSnapshot is what the live view of a link is told: no more than what the page shows.
func linkSnapshot(t *words.Speaker, found api.Webhook) snapshot {
	g := snapshotOf(t, viewOf(t, found))
	text := ""
	if g.Total > 0 {
		text = t.Say("%d of %d events sent", g.Done, g.Total)
	}
	switch {
	case g.Finished:
		g.Label, text = t.Say("Done"), t.Say("All %d events are sent.", g.Total)
	case found.Status.State == replay.Inactive:
		g.Label = t.Say("Inactive")
	case !found.Status.FailingSince.IsZero():
		g.Label = t.Say("The URL is failing again")
	case found.Status.Lag > 0:
		g.Label = t.Say("Sending")
	default:
		g.Label = t.Say("Live")
	}
	g.Fields = map[string]string{"progress": text}
	return g
}
