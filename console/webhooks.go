package console

import (
	"cmp"
	"fmt"
	"net/http"
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
	// All is how many there are without a filter; Deleted is the id of the one that was deleted just now.
	All     int
	Deleted string
}

// createPage is the form of a new webhook, and then the webhook with its secret.
type createPage struct {
	App, Event, URL string
	Events          []string
	Wrong           string
	Created         view
	Secret          string
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
		App: query.Get("app"), Event: query.Get("event"), State: query.Get("state"), Deleted: query.Get("deleted"),
		Events: c.o.Service.Events(), States: []string{replay.Live, replay.Lagging, replay.Inactive},
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
		return slices.Index([]string{replay.Inactive, replay.Lagging, replay.Live}, v.Status.State)
	}
	slices.SortStableFunc(found, func(a, b view) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Since().Compare(a.Since()))
	})
	return found
}

func (c *Console) newWebhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	c.write(w, r, "create", page{Title: "New webhook", Visitor: v, Body: createPage{Events: c.o.Service.Events()}})
	return nil
}

// create makes a webhook and shows its secret. The page is the answer to the form itself: the secret is kept nowhere.
func (c *Console) create(w http.ResponseWriter, r *http.Request, v visitor) error {
	p := createPage{
		App: strings.TrimSpace(r.PostForm.Get("app")), Event: r.PostForm.Get("event"), URL: strings.TrimSpace(r.PostForm.Get("url")),
		Events: c.o.Service.Events(),
	}
	created, secret, err := c.o.Service.Create(r.Context(), v.Account, api.CreateInput{App: p.App, Event: p.Event, URL: p.URL})
	if err != nil {
		code, text := api.CreateWebHook.Code(err)
		if code.Status == http.StatusInternalServerError {
			return err
		}
		p.Wrong = sentence(text)
		c.write(w, r, "create", page{Title: "New webhook", Status: code.Status, Visitor: v, Body: p})
		return nil
	}
	p.Created, p.Secret = viewOf(created), secret
	c.write(w, r, "create", page{Title: fmt.Sprintf("Webhook %d", created.ID), Visitor: v, Body: p})
	return nil
}
