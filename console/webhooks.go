package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/filter"
	"github.com/saumer/saumer/replay"
)

// webhooksShown is how many webhooks a page has.
const webhooksShown = 50

// webhooksPage is a page of the list.
type webhooksPage struct {
	Webhooks                []view
	App, Event, State, Text string
	Apps, Events, States    []string
	// Total is how many there are by the filter but for the state. Filtered is true if there is a filter.
	Total    int
	Filtered bool
	// Next is the path of the next page, empty on the last; Later is true on any but the first.
	Next  string
	Later bool
	// Flash is what came of a form just now.
	Flash flash
}

// createPage is the form of a new webhook.
type createPage struct {
	App, Event, Several, URL, Filter, From string
	Events                                 []string
	Wrong                                  string
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
	f := api.ListFilter{
		App: query.Get("app"), Event: query.Get("event"), State: query.Get("state"), Text: strings.TrimSpace(query.Get("text")), Limit: webhooksShown,
	}
	if text := query.Get("after"); text != "" {
		var err error
		if f.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			return errNoPage
		}
	}
	listed, err := c.o.Service.List(r.Context(), v.Account, f)
	if errors.Is(err, api.ErrFilter) {
		return errNoPage
	}
	if err != nil {
		return err
	}
	p := webhooksPage{
		App: f.App, Event: f.Event, State: f.State, Text: f.Text, Total: listed.Total, Later: f.After > 0,
		Filtered: f.App != "" || f.Event != "" || f.State != "" || f.Text != "", Flash: c.flashes.take(w, r, v.Name, c.encrypted(r)),
		Events: c.o.Service.Events(), States: []string{replay.Live, replay.Lagging, replay.Inactive, replay.Unreadable},
	}
	for _, w := range listed.Webhooks {
		p.Webhooks = append(p.Webhooks, viewOf(v.Speaker, w))
	}
	if listed.Next != 0 {
		query.Set("after", strconv.FormatUint(listed.Next, 10))
		p.Next = webhooksPath + "?" + query.Encode()
	}
	if p.Apps, err = c.o.Service.Apps(r.Context(), v.Account); err != nil {
		return err
	}
	c.write(w, r, "webhooks", page{Title: v.Say("Webhooks"), Visitor: v, Body: p})
	return nil
}

func (c *Console) newWebhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	fl := c.flashes.take(w, r, v.Name, c.encrypted(r))
	c.write(w, r, "create", page{Title: v.Say("New webhook"), Visitor: v, Body: createPage{
		App: fl.Values.Get("app"), Event: fl.Values.Get("event"), Several: fl.Values.Get("events"), URL: fl.Values.Get("url"), Filter: fl.Values.Get("filter"), From: fl.Values.Get("from"),
		Events: c.o.Service.Events(), Wrong: fl.Wrong, Twins: fl.Values.Has("twins"),
	}})
	return nil
}

// create makes a webhook and leads to its page, which shows the secret once. A second one for the same app, event and URL,
// which a form that was sent twice makes, has to be asked for.
func (c *Console) create(w http.ResponseWriter, r *http.Request, v visitor) error {
	in := api.CreateInput{App: strings.TrimSpace(r.PostForm.Get("app")), Event: r.PostForm.Get("event"), URL: strings.TrimSpace(r.PostForm.Get("url"))}
	again := flash{Values: url.Values{"app": {in.App}, "event": {in.Event}, "url": {in.URL}, "filter": {r.PostForm.Get("filter")}, "events": {r.PostForm.Get("events")}}}
	if in.Events = strings.FieldsFunc(r.PostForm.Get("events"), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }); len(in.Events) > 0 {
		in.Event = ""
	}
	var err error
	if in.Filter, err = filter.Parse(r.PostForm.Get("filter")); err != nil {
		again.Wrong = v.Sentence(err.Error())
		return c.flash(w, r, v, webhooksPath+"/new", "", again)
	}
	again.Values.Set("from", r.PostForm.Get("from"))
	if in.From, err = api.ParseStart(strings.TrimSpace(r.PostForm.Get("from"))); err != nil {
		again.Wrong = v.Sentence(err.Error())
		return c.flash(w, r, v, webhooksPath+"/new", "", again)
	}
	if r.PostForm.Get("twins") == "" {
		twins, err := c.o.Service.Twins(r.Context(), v.Account, in)
		if err != nil {
			return err
		}
		if len(twins) > 0 {
			again.Values.Set("twins", "1")
			again.Wrong = v.Say("Webhook %s sends these events to this URL already. Nothing was made. Check the box if you want each event twice.", plain(twins[0]))
			return c.flash(w, r, v, webhooksPath+"/new", "", again)
		}
	}
	created, secret, err := c.o.Service.Create(r.Context(), v.Account, in)
	if err != nil {
		code, text := api.CreateWebHook.Code(err)
		if code.Status == http.StatusInternalServerError {
			return err
		}
		again.Wrong = v.Sentence(text)
		return c.flash(w, r, v, webhooksPath+"/new", "", again)
	}
	return c.flash(w, r, v, viewOf(v.Speaker, created).Path(), "", flash{Secret: secret, Created: true})
}
