package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/words"
)

// trouble is what one host does to webhooks, which somebody should look at.
type trouble struct {
	// Host is that of their URLs; Condition, Label and Class are what their state is.
	Host, Condition, Label, Class string
	// Why is the reason of most of them, Step what to do about it.
	Why, Step string
	// Webhooks are ordered by since when they are in trouble; Apps is how many apps they are of.
	Webhooks []view
	Apps     int
	// Since is since when the first has been in trouble, Waiting how many events wait in all, and Kept how many a replay of the inactive
	// ones sends; Inactive is how many these are.
	Since    time.Time
	Waiting  uint64
	Kept     uint64
	Inactive int
}

// Path is the page of the trouble.
func (t trouble) Path() string {
	return troublePath + "?" + url.Values{"host": {t.Host}, "state": {t.Condition}}.Encode()
}

const troublePath = root + "trouble"

// troubles are the webhooks that somebody should look at, by host and state, the worst first.
func troubles(s *words.Speaker, all []api.Webhook) []trouble {
	byCause := map[[2]string][]view{}
	for _, w := range all {
		if v := viewOf(s, w); v.Step != "" {
			cause := [2]string{hostOf(w.URL), v.Condition}
			byCause[cause] = append(byCause[cause], v)
		}
	}
	var found []trouble
	for cause, webhooks := range byCause {
		found = append(found, troubleOf(cause[0], webhooks))
	}
	rank := func(t trouble) int {
		return slices.Index([]string{replay.Unreadable, replay.Inactive, replay.Lagging, replay.Live}, t.Webhooks[0].Status.State)
	}
	slices.SortFunc(found, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.Webhooks), len(a.Webhooks)), a.Since.Compare(b.Since), cmp.Compare(a.Host, b.Host))
	})
	return found
}

func troubleOf(host string, webhooks []view) trouble {
	slices.SortStableFunc(webhooks, func(a, b view) int { return a.Since().Compare(b.Since()) })
	first := webhooks[0]
	t := trouble{Host: host, Condition: first.Condition, Label: first.Label, Class: first.Class(), Step: first.Step, Webhooks: webhooks, Since: first.Since()}
	apps, reasons := map[string]bool{}, map[string]int{}
	for _, v := range webhooks {
		apps[v.App] = true
		t.Waiting += v.Status.Lag
		if v.Status.State == replay.Inactive {
			t.Inactive++
			t.Kept += v.Status.Buffered
		}
		reasons[v.Why]++
		if reasons[v.Why] > reasons[t.Why] || t.Why == "" {
			t.Why = v.Why
		}
	}
	t.Apps = len(apps)
	return t
}

func (c *Console) troubleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+troublePath, c.private(c.trouble))
	mux.HandleFunc("POST "+troublePath, c.private(c.activateTrouble))
}

// troubleIn is the trouble that a request names; false if it is over.
func (c *Console) troubleIn(r *http.Request, v visitor) (trouble, bool, error) {
	listed, err := c.o.Service.List(r.Context(), v.Account, api.ListFilter{})
	if err != nil {
		return trouble{}, false, err
	}
	for _, t := range troubles(v.Speaker, listed.Webhooks) {
		if t.Host == r.FormValue("host") && t.Condition == r.FormValue("state") {
			return t, true, nil
		}
	}
	return trouble{}, false, nil
}

func (c *Console) trouble(w http.ResponseWriter, r *http.Request, v visitor) error {
	t, there, err := c.troubleIn(r, v)
	switch {
	case err != nil:
		return err
	case !there:
		return c.flash(w, r, v, root, "", flash{Done: v.Say("That trouble is over.")})
	}
	c.write(w, r, "trouble", page{Title: t.Host, Visitor: v, Body: t})
	return nil
}

// activateTrouble activates the inactive webhooks of a trouble with their replays.
func (c *Console) activateTrouble(w http.ResponseWriter, r *http.Request, v visitor) error {
	t, there, err := c.troubleIn(r, v)
	if err != nil {
		return err
	}
	if !there || t.Inactive == 0 {
		return c.flash(w, r, v, root, "", flash{Done: v.Say("That trouble is over. Nothing was changed.")})
	}
	activated, replayed := 0, uint64(0)
	for _, webhook := range t.Webhooks {
		_, n, err := c.o.Service.Activate(r.Context(), v.Account, webhook.ID, true)
		switch {
		case errors.Is(err, record.ErrNotFound):
			continue // somebody has deleted it
		case err != nil:
			_, text := api.ActivateWebHook.Code(err)
			return c.flash(w, r, v, root, "", flash{Wrong: v.Say("%d of %d webhooks are active. Then this went wrong:", activated, t.Inactive) + " " + v.Sentence(text)})
		}
		activated++
		replayed += n
	}
	return c.flash(w, r, v, root, "", flash{Done: v.Say("%d webhooks of %s are active.", activated, t.Host) + " " + v.Say("%d events are being sent.", replayed)})
}
