package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// attemptsShown is how many attempts a page has.
const attemptsShown = 20

// webhookPage is one webhook.
type webhookPage struct {
	Webhook view
	// Done says what was done just now; Secret is the new one, shown once.
	Done, Secret string
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
		Webhook: viewOf(found), Done: done[query.Get("done")], Outcomes: delivery.Outcomes, Outcome: delivery.Outcome(query.Get("outcome")),
		Live: fmt.Sprintf("%s/%d/live?total=%d", webhooksPath, found.ID, total(r)), Newer: query.Get("before") != "",
	}
	filter := delivery.LogFilter{Limit: attemptsShown, Outcome: p.Outcome}
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

// done are the words for what was done, by their name in a query.
var done = map[string]string{
	"active":    "The webhook was active already; nothing was changed.",
	"activated": "The webhook is active. The events that were kept are dropped, and new ones are sent.",
	"replaying": "The webhook is active, and the events that were kept are being sent.",
	"tested":    "A test event is on its way to the URL. It will be in the log of attempts.",
	"sent":      "The event is on its way to the URL again. It will be in the log of attempts.",
	"range":     "The events of that time are being sent again.",
}

// total is the number of events of the replay that a query speaks of, 0 for none.
func total(r *http.Request) uint64 {
	n, _ := strconv.ParseUint(r.URL.Query().Get("total"), 10, 64)
	return n
}

// back leads to the page of the webhook, which says what was done. A count is that of the events of a replay.
func back(w http.ResponseWriter, r *http.Request, what string, count uint64) {
	query := url.Values{"done": {what}}
	if count > 0 {
		query.Set("total", strconv.FormatUint(count, 10))
	}
	http.Redirect(w, r, fmt.Sprintf("%s/%d?%s", webhooksPath, id(r), query.Encode()), http.StatusSeeOther)
}

func (c *Console) activate(w http.ResponseWriter, r *http.Request, v visitor) error {
	before, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	replayed := r.PostForm.Get("replay") != ""
	_, count, err := c.o.Service.Activate(r.Context(), v.Account, id(r), replayed)
	switch {
	case err != nil:
		return err
	case before.Active:
		back(w, r, "active", 0)
	case replayed:
		back(w, r, "replaying", count)
	default:
		back(w, r, "activated", 0)
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
	if _, err := c.o.Service.Get(r.Context(), v.Account, id(r)); err != nil {
		return err
	}
	replayed := total(r)
	return c.watch(w, r, func(ctx context.Context) (glimpse, error) { return c.look(ctx, v.Account, id(r), replayed) })
}

func (c *Console) look(ctx context.Context, acc registry.Account, id, total uint64) (glimpse, error) {
	found, err := c.o.Service.Get(ctx, acc, id)
	if err != nil {
		return glimpse{}, err
	}
	return glimpseOf(viewOf(found), total), nil
}

func glimpseOf(v view, total uint64) glimpse {
	s := v.Status
	count := func(n uint64) string {
		text, _ := number(n) // a uint64 is a count
		return text
	}
	sent := progress(total, s.Lag)
	g := glimpse{
		State: v.Class(), Label: v.Label, Total: total, Done: sent,
		Finished: total > 0 && sent == total,
		Fields: map[string]string{
			"sentence": v.Sentence, "why": v.Why(), "lag": count(s.Lag), "buffered": count(s.Buffered),
			"retries": strconv.Itoa(s.Retries), "progress": progressText(total, sent),
		},
		busy: s.Lag > 0 && s.State != replay.Inactive,
	}
	if !s.NextAttempt.IsZero() {
		g.Next = s.NextAttempt.UTC().Format(time.RFC3339)
	}
	return g
}

func progressText(total, sent uint64) string {
	if total == 0 {
		return ""
	}
	all, _ := number(total) // a uint64 is a count
	so, _ := number(sent)   // as above
	if sent == total {
		return all + " of " + all + " events sent. The replay is done."
	}
	return so + " of " + all + " events sent"
}
