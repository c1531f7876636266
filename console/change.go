package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/filter"
)

// change changes what people can change of a webhook, if it is still as the form shows it.
func (c *Console) change(w http.ResponseWriter, r *http.Request, v visitor) error {
	in, err := changeOf(r)
	if err != nil {
		return c.answer(w, r, v, api.UpdateWebHook, err, flash{})
	}
	before, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	changed, err := c.o.Service.Change(r.Context(), v.Account, before.ID, in)
	said := v.Say("The webhook is changed.")
	if err == nil && changed.URL != before.URL && changed.Status.Lag > 0 {
		said = v.Say("The webhook is changed. %d events that wait for it go to the new URL.", changed.Status.Lag)
	}
	return c.answer(w, r, v, api.UpdateWebHook, err, flash{Done: said})
}

// changeOf reads the form of a change: api.ErrSettings or filter.Err.
func changeOf(r *http.Request) (in api.Change, err error) {
	text := func(name string) *string {
		value := strings.TrimSpace(r.PostForm.Get(name))
		return &value
	}
	in = api.Change{Tag: r.PostForm.Get("tag"), App: text("app"), URL: text("url")}
	if given := *text("inflight"); r.PostForm.Has("inflight") {
		n := 0
		if given != "" {
			if n, err = strconv.Atoi(given); err != nil {
				return in, fmt.Errorf("%w: attempts in flight are a number", api.ErrSettings)
			}
		}
		in.Settings.MaxInFlight = &n
	}
	timeout := time.Duration(0)
	if given := *text("timeout"); given != "" {
		seconds, err := strconv.ParseFloat(given, 64)
		if err != nil || !(seconds >= 0 && seconds < 1e6) {
			return in, fmt.Errorf("%w: the timeout is a number of seconds", api.ErrSettings)
		}
		timeout = time.Duration(seconds * float64(time.Second))
	}
	in.Settings.Timeout = &timeout
	if r.PostForm.Has("filter") {
		if in.Filter, err = filter.Parse(r.PostForm.Get("filter")); in.Filter == nil {
			in.Filter = &filter.Filter{} // none
		}
	}
	return in, err
}

// filterText is a filter as people write it; empty for none.
func filterText(f *filter.Filter) string {
	if f == nil {
		return ""
	}
	text, _ := json.Marshal(f) // what was read as JSON never fails
	return string(text)
}

// pause pauses a webhook.
func (c *Console) pause(w http.ResponseWriter, r *http.Request, v visitor) error {
	paused, err := c.o.Service.Pause(r.Context(), v.Account, id(r))
	said := v.Say("The webhook is paused. Its events are kept for a replay.")
	if paused.Pausing {
		said = v.Say("The webhook will be paused as soon as its backlog is looked at.")
	}
	return c.answer(w, r, v, api.PauseWebHook, err, flash{Done: said})
}
