package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/replay"
)

// attemptsShown is how many attempts a page has.
const attemptsShown = 20

// webhookPage is one webhook.
type webhookPage struct {
	Webhook view
	// Filter is the webhook's, as JSON; empty if it has none.
	Filter string
	// Flash is what came of a form just now.
	Flash flash
	// PreviousUntil is until when the secret before the current one signs too; zero if none does.
	PreviousUntil time.Time
	// Ref is the event that the visitor asks about, and Why the answer.
	Ref string
	Why replay.Answer
	// Receivers are programs that verify signatures.
	Receivers []sample
	// Live is where the live view is.
	Live string

	Attempts []delivery.Entry
	Outcomes []delivery.Outcome
	Outcome  delivery.Outcome
	// Older is the path of the next page of attempts, empty on the last; Newer is true on any but the first.
	Older string
	Newer bool
}

func (c *Console) webhookRoutes(mux *http.ServeMux) {
	const one = webhooksPath + "/{id}"
	mux.HandleFunc("GET "+one, c.private(c.webhook))
	mux.HandleFunc("GET "+one+"/live", c.unharmed(c.known(c.live)))
	mux.HandleFunc("POST "+one+"/change", c.private(c.change))
	mux.HandleFunc("POST "+one+"/pause", c.private(c.pause))
	mux.HandleFunc("POST "+one+"/activate", c.private(c.activate))
	mux.HandleFunc("GET "+one+"/activate", c.private(c.askActivate))
	mux.HandleFunc("POST "+one+"/delete", c.private(c.remove))
	mux.HandleFunc("GET "+one+"/delete", c.private(c.askDelete))
	mux.HandleFunc("GET "+one+"/attempts/{position}", c.private(c.exchange))
	mux.HandleFunc("POST "+one+"/secret", c.private(c.rotate))
	mux.HandleFunc("POST "+one+"/test", c.private(c.test))
	mux.HandleFunc("POST "+one+"/probe", c.private(c.probeWebhook))
	mux.HandleFunc("POST "+one+"/redeliver", c.private(c.redeliver))
	mux.HandleFunc("POST "+one+"/replay", c.private(c.replay))
}

// id is the webhook in the path; 0, which is none, for what is no number.
func id(r *http.Request) uint64 {
	n, _ := strconv.ParseUint(r.PathValue("id"), 10, 64)
	return n
}

func (c *Console) webhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	query := r.URL.Query()
	found, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	p := webhookPage{
		Webhook: viewOf(v.Speaker, found), Filter: filterText(found.Filter), Flash: c.flashes.take(w, r, v.Name, c.encrypted(r)), PreviousUntil: found.PreviousUntil(c.o.Now()),
		Outcome: delivery.Outcome(query.Get("outcome")), Newer: query.Get("before") != "", Ref: strings.TrimSpace(query.Get("why")),
	}
	if p.Outcome != "" && p.Outcome != failed && !slices.Contains(delivery.Outcomes, p.Outcome) {
		return errNoPage
	}
	if p.Ref != "" {
		switch p.Why, err = c.o.Service.Why(r.Context(), v.Account, found.ID, api.Reference{ID: p.Ref}); {
		case errors.Is(err, api.ErrReference):
			p.Why.Text = v.Sentence(err.Error())
		case err != nil:
			return err
		}
	}
	return c.writeWebhook(w, r, v, p)
}

// writeWebhook adds the attempts that the query asks for, and writes the page.
func (c *Console) writeWebhook(w http.ResponseWriter, r *http.Request, v visitor, p webhookPage) (err error) {
	query, found := r.URL.Query(), p.Webhook
	p.Receivers, p.Outcomes, p.Live = receivers, delivery.Outcomes, fmt.Sprintf("%s/%d/live", webhooksPath, found.ID)
	filter := delivery.LogFilter{Limit: attemptsShown, Outcome: p.Outcome}
	if p.Outcome == failed {
		filter.Outcome, filter.Failed = "", true
	}
	if p.Newer {
		if filter.Before, err = strconv.ParseUint(query.Get("before"), 10, 64); err != nil {
			return errNoPage
		}
	}
	var next uint64
	if p.Attempts, next, err = c.o.Service.Attempts(r.Context(), v.Account, found.ID, filter); err != nil {
		return err
	}
	if next != 0 {
		older := url.Values{"before": {strconv.FormatUint(next, 10)}}
		if p.Outcome != "" {
			older.Set("outcome", string(p.Outcome))
		}
		p.Older = found.Path() + "?" + older.Encode() + "#attempts"
	}
	c.write(w, r, "webhook", page{Title: v.Say("Webhook %s", plain(found.ID)), Visitor: v, Body: p})
	return nil
}

// failed is what the filter of attempts calls every outcome but delivery.Delivered.
const failed delivery.Outcome = "failed"

// back leads to the page of the webhook in the path, which says what came of a form.
func (c *Console) back(w http.ResponseWriter, r *http.Request, v visitor, fl flash) error {
	return c.flash(w, r, v, fmt.Sprintf("%s/%d", webhooksPath, id(r)), "", fl)
}

// answer is back for a form that called a function: it says what was done, or why nothing was.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, v visitor, f *api.Function, err error, fl flash) error {
	if err != nil {
		code, text := f.Code(err)
		if code.Status == http.StatusInternalServerError || code.Status == http.StatusNotFound {
			return err
		}
		fl = flash{Wrong: v.Sentence(text)}
	}
	return c.back(w, r, v, fl)
}

// activate activates a webhook. Events that wait are dropped only by a form that says so.
func (c *Console) activate(w http.ResponseWriter, r *http.Request, v visitor) error {
	before, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	replayed := r.PostForm.Get("replay") != ""
	if !before.Active && !replayed && before.Status.Buffered > 0 && r.PostForm.Get("drop") == "" {
		http.Redirect(w, r, fmt.Sprintf("%s/%d/activate", webhooksPath, before.ID), http.StatusSeeOther)
		return nil
	}
	said := v.Say("The webhook is active. The events that were kept are dropped, and new ones are sent.")
	switch {
	case before.Active:
		said = v.Say("The webhook was active already. Nothing was changed.")
	case replayed:
		said = v.Say("The webhook is active, and the events that were kept are being sent.")
	}
	_, _, err = c.o.Service.Activate(r.Context(), v.Account, before.ID, replayed)
	return c.answer(w, r, v, api.ActivateWebHook, err, flash{Done: said})
}

// askActivate asks before events that wait are dropped.
func (c *Console) askActivate(w http.ResponseWriter, r *http.Request, v visitor) error {
	return c.ask(w, r, v, "activate", v.Say("Activate without a replay?"))
}

// remove deletes a webhook, if the form comes from the page that asks.
func (c *Console) remove(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := c.o.Service.Delete(r.Context(), v.Account, id(r)); err != nil {
		return err
	}
	return c.flash(w, r, v, webhooksPath, "", flash{Done: v.Say("Webhook %s is deleted, with its backlog and its log.", plain(id(r)))})
}

// askDelete asks before a webhook is deleted.
func (c *Console) askDelete(w http.ResponseWriter, r *http.Request, v visitor) error {
	return c.ask(w, r, v, "delete", v.Say("Delete the webhook?"))
}

// ask writes a page that asks before something is lost, with how much that is.
func (c *Console) ask(w http.ResponseWriter, r *http.Request, v visitor, name, title string) error {
	found, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	if name == "activate" && found.Active {
		return c.back(w, r, v, flash{Done: v.Say("The webhook is active.")})
	}
	c.write(w, r, name, page{Title: title, Visitor: v, Body: viewOf(v.Speaker, found)})
	return nil
}

// live sends how the webhook does.
func (c *Console) live(w http.ResponseWriter, r *http.Request, v visitor) error {
	look := func(ctx context.Context) (snapshot, error) {
		// A live view ends with its session.
		if _, err := c.sessions.visitor(r.WithContext(ctx)); err != nil {
			return snapshot{}, err
		}
		found, err := c.o.Service.Get(ctx, v.Account, id(r))
		return snapshotOf(v.Speaker, viewOf(v.Speaker, found)), err
	}
	if _, err := look(r.Context()); err != nil {
		return err
	}
	return c.watch(w, r, v.Account, look)
}
