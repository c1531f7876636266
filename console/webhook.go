package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/replay"
)

// attemptsShown is how many attempts a page has.
const attemptsShown = 20

// webhookPage is one webhook.
type webhookPage struct {
	Webhook view
	// Done says what was done just now, Wrong why it was not; Secret is the new one, shown once.
	Done, Wrong, Secret string
	// Tried is what a test event or a test of the connection met, of which Test says which; nil if none was made.
	Tried *delivery.Attempt
	Test  bool
	// Ref is the event that the visitor asks about, and Why the answer.
	Ref string
	Why replay.Answer
	// Live is where the live view is.
	Live string

	Attempts []delivery.Entry
	Outcomes []delivery.Outcome
	Outcome  delivery.Outcome
	// Older is the query of the next page of attempts, empty on the last; Newer is true on any but the first.
	Older string
	Newer bool
}

func (c *Console) webhookRoutes(mux *http.ServeMux) {
	const one = webhooksPath + "/{id}"
	mux.HandleFunc("GET "+one, c.private(c.webhook))
	mux.HandleFunc("GET "+one+"/live", c.unharmed(c.known(c.live)))
	mux.HandleFunc("POST "+one+"/activate", c.private(c.activate))
	mux.HandleFunc("POST "+one+"/delete", c.private(c.remove))
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
		Webhook: viewOf(found), Done: done[query.Get("done")], Outcome: delivery.Outcome(query.Get("outcome")),
		Newer: query.Get("before") != "", Ref: strings.TrimSpace(query.Get("why")),
	}
	if p.Ref != "" {
		switch p.Why, err = c.o.Service.Why(r.Context(), v.Account, found.ID, api.Reference{ID: p.Ref}); {
		case errors.Is(err, api.ErrReference):
			p.Why.Text = sentence(err.Error())
		case err != nil:
			return err
		}
	}
	return c.writeWebhook(w, r, v, p)
}

// writeWebhook adds the attempts that the query asks for, and writes the page.
func (c *Console) writeWebhook(w http.ResponseWriter, r *http.Request, v visitor, p webhookPage) (err error) {
	query, found := r.URL.Query(), p.Webhook
	p.Outcomes, p.Live = delivery.Outcomes, fmt.Sprintf("%s/%d/live", webhooksPath, found.ID)
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
		p.Older = older.Encode()
	}
	c.write(w, r, "webhook", page{Title: fmt.Sprintf("Webhook %d", found.ID), Visitor: v, Body: p})
	return nil
}

// failed is what the filter of attempts calls every outcome but delivery.Delivered.
const failed delivery.Outcome = "failed"

// done are the words for what was done, by their name in a query.
var done = map[string]string{
	"active":    "The webhook was active already. Nothing was changed.",
	"activated": "The webhook is active. The events that were kept are dropped, and new ones are sent.",
	"replaying": "The webhook is active, and the events that were kept are being sent.",
	"sent":      "The event is being sent again. The attempt will be in the log.",
	"range":     "The events of that time are being sent again.",
	"none":      "There are no events of that time.",
}

// back leads to the page of the webhook, which says what was done.
func back(w http.ResponseWriter, r *http.Request, what string) {
	http.Redirect(w, r, fmt.Sprintf("%s/%d?done=%s", webhooksPath, id(r), what), http.StatusSeeOther)
}

func (c *Console) activate(w http.ResponseWriter, r *http.Request, v visitor) error {
	before, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	replayed := r.PostForm.Get("replay") != ""
	_, _, err = c.o.Service.Activate(r.Context(), v.Account, id(r), replayed)
	switch {
	case err != nil:
		return err
	case before.Active:
		back(w, r, "active")
	case replayed:
		back(w, r, "replaying")
	default:
		back(w, r, "activated")
	}
	return nil
}

func (c *Console) remove(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := c.o.Service.Delete(r.Context(), v.Account, id(r)); err != nil {
		return err
	}
	http.Redirect(w, r, fmt.Sprintf("%s?deleted=%d", webhooksPath, id(r)), http.StatusSeeOther)
	return nil
}

// live sends how the webhook does.
func (c *Console) live(w http.ResponseWriter, r *http.Request, v visitor) error {
	look := func(ctx context.Context) (snapshot, error) {
		found, err := c.o.Service.Get(ctx, v.Account, id(r))
		return snapshotOf(viewOf(found)), err
	}
	if _, err := look(r.Context()); err != nil {
		return err
	}
	return c.watch(w, r, look)
}
