package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/replay"
)

// overview is the first page.
type overview struct {
	// Trouble is by cause, Troubled how many webhooks are in it.
	Trouble  []trouble
	Troubled int
	// All, Live, Lagging and Inactive count webhooks; Waiting counts events.
	All, Live, Lagging, Inactive int
	Waiting                      uint64
	Trend                        trend
	// Outage is since when our own network seems to be down; zero if it does not.
	Outage time.Time
	// Flash is what came of a form just now.
	Flash flash
}

func (c *Console) overviewRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+root+"{$}", c.private(c.overview))
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request, v visitor) error {
	span := api.Hour
	if query := r.URL.Query(); query.Has("span") {
		span = api.Span(query.Get("span"))
	}
	series, err := c.o.Service.Stats(r.Context(), v.Account, span)
	if errors.Is(err, api.ErrSpan) {
		return errNoPage
	}
	if err != nil {
		return err
	}
	listed, err := c.o.Service.List(r.Context(), v.Account, api.ListFilter{})
	if err != nil {
		return err
	}
	outage, err := c.o.Service.Outage(r.Context())
	if err != nil {
		return err
	}
	all := listed.Webhooks
	p := overview{All: len(all), Outage: outage, Trouble: troubles(v.Speaker, all), Trend: trendOf(v.Speaker, span, series), Flash: c.flashes.take(w, r, v.Name, c.encrypted(r))}
	for _, t := range p.Trouble {
		p.Troubled += len(t.Webhooks)
	}
	for _, w := range all {
		p.Waiting += w.Status.Lag
		switch w.Status.State {
		case replay.Live:
			p.Live++
		case replay.Lagging:
			p.Lagging++
		case replay.Inactive:
			p.Inactive++
		}
	}
	c.write(w, r, "overview", page{Title: v.Say("Overview"), Visitor: v, Body: p})
	return nil
}
