package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/replay"
)

// webhooksPage is the list.
type webhooksPage struct {
	Webhooks          []view
	App, Event, State string
	Apps, Events      []string
	States            []string
	// All is how many there are without a filter; Flash is what came of a form just now.
	All   int
	Flash flash
}

// createPage is the form of a new webhook.
type createPage struct {
	App, Event, URL string
	Events          []string
	Wrong           string
	// Twins is true if the account has such a webhook, and one more has to be asked for.
	Twins bool
}

const webhooksPath = root + "webhooks"

func (c *Console) webhooksRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+webhooksPath, c.private(c.webhooks))
	mux.HandleFunc("GET "+webhooksPath+"/new", c.private(c.newWebhook))
	mux.HandleFunc("POST "+webhooksPath, c.private(c.create))
}

func (c *Console) webhooks(w http.ResponseWriter, r *http.Request, v visitor) error {
	query := r.URL.Query()
	p := webhooksPage{
		App: query.Get("app"), Event: query.Get("event"), State: query.Get("state"), Flash: c.flashes.take(w, r, v.Name, c.encrypted(r)),
		Events: c.o.Service.Events(), States: []string{replay.Live, replay.Lagging, replay.Inactive, replay.Unreadable},
	}
	all, err := c.o.Service.List(r.Context(), v.Account, "", "")
	if err != nil {
		return err
	}
	p.All = len(all)
	for _, w := range all {
		p.Apps = append(p.Apps, w.App)
		if (p.App == "" || w.App == p.App) && (p.Event == "" || w.Event == p.Event) && (p.State == "" || w.Status.State == p.State) {
			p.Webhooks = append(p.Webhooks, viewOf(w))
		}
	}
	slices.Sort(p.Apps)
	p.Apps = slices.Compact(p.Apps)
	c.write(w, r, "webhooks", page{Title: "Webhooks", Visitor: v, Body: p})
	return nil
}

// troubled are the webhooks that somebody should look at, the worst first.
func troubled(all []api.Webhook) []view {
	var found []view
	for _, w := range all {
		if v := viewOf(w); v.Step != "" {
			found = append(found, v)
		}
	}
	rank := func(v view) int {
		return slices.Index([]string{replay.Unreadable, replay.Inactive, replay.Lagging, replay.Live}, v.Status.State)
	}
	slices.SortStableFunc(found, func(a, b view) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Since().Compare(a.Since()))
	})
	return found
}

func (c *Console) newWebhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	fl := c.flashes.take(w, r, v.Name, c.encrypted(r))
	c.write(w, r, "create", page{Title: "New webhook", Visitor: v, Body: createPage{
		App: fl.Values.Get("app"), Event: fl.Values.Get("event"), URL: fl.Values.Get("url"),
		Events: c.o.Service.Events(), Wrong: fl.Wrong, Twins: fl.Values.Has("twins"),
	}})
	return nil
}

// create makes a webhook and leads to its page, which shows the secret once. A second one for the same app, event and URL,
// which a form that was sent twice makes, has to be asked for.
func (c *Console) create(w http.ResponseWriter, r *http.Request, v visitor) error {
	in := api.CreateInput{App: strings.TrimSpace(r.PostForm.Get("app")), Event: r.PostForm.Get("event"), URL: strings.TrimSpace(r.PostForm.Get("url"))}
	again := flash{Values: url.Values{"app": {in.App}, "event": {in.Event}, "url": {in.URL}}}
	if r.PostForm.Get("twins") == "" {
		twins, err := c.o.Service.Twins(r.Context(), v.Account, in)
		if err != nil {
			return err
		}
		if len(twins) > 0 {
			again.Values.Set("twins", "1")
			again.Wrong = fmt.Sprintf("Webhook %d sends these events to this URL already. Nothing was made. Check the box if you want each event twice.", twins[0])
			return c.flash(w, r, v, webhooksPath+"/new", "", again)
		}
	}
	created, secret, err := c.o.Service.Create(r.Context(), v.Account, in)
	if err != nil {
		code, text := api.CreateWebHook.Code(err)
		if code.Status == http.StatusInternalServerError {
			return err
		}
		again.Wrong = sentence(text)
		return c.flash(w, r, v, webhooksPath+"/new", "", again)
	}
	return c.flash(w, r, v, viewOf(created).Path(), "", flash{Secret: secret, Created: true})
}
