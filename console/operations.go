package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/saumer/saumer/api"
)

// rotate gives the webhook a new secret. While the secret before still signs, a further one ends it at once, so that only a
// form that says so is obeyed.
func (c *Console) rotate(w http.ResponseWriter, r *http.Request, v visitor) error {
	found, err := c.o.Service.Get(r.Context(), v.Account, id(r))
	if err != nil {
		return err
	}
	if until := found.PreviousUntil(c.o.Now()); !until.IsZero() && r.PostForm.Get("end") == "" {
		return c.back(w, r, v, flash{Wrong: v.Say("The secret was rotated a short time ago, and the one before signs until %s. Another rotation ends that at once. Nothing was changed: check the box if that is what you want.", v.Second(until))})
	}
	secret, err := c.o.Service.Rotate(r.Context(), v.Account, found.ID)
	return c.answer(w, r, v, api.RotateSecret, err, flash{
		Secret: secret.Secret, Done: v.Say("The webhook has a new secret. Until %s deliveries are signed with the old one too.", v.Second(secret.PreviousUntil)),
	})
}

// test sends a test event.
func (c *Console) test(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := c.o.Service.Test(r.Context(), v.Account, id(r))
	return c.answer(w, r, v, api.TestWebHook, err, flash{Tried: triedOf(a.Attempt, true)})
}

// probeWebhook tests whether the URL can be reached.
func (c *Console) probeWebhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := c.o.Service.Probe(r.Context(), v.Account, id(r))
	return c.answer(w, r, v, api.ProbeWebHook, err, flash{Tried: triedOf(a, false)})
}

func (c *Console) redeliver(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := c.o.Service.Redeliver(r.Context(), v.Account, id(r), api.Reference{ID: strings.TrimSpace(r.PostForm.Get("event"))})
	return c.answer(w, r, v, api.RedeliverEvent, err, flash{Done: v.Say("The event is being sent again. The attempt will be in the log.")})
}

// replay sends the events of a time again.
func (c *Console) replay(w http.ResponseWriter, r *http.Request, v visitor) error {
	from, to, err := period(r.PostForm)
	if err != nil {
		return c.answer(w, r, v, api.ReplayEvents, err, flash{})
	}
	replayed, err := c.o.Service.Replay(r.Context(), v.Account, id(r), from, to)
	said := v.Say("There are no events of that time.")
	if replayed.Events > 0 {
		said = v.Say("%d events of that time are being sent again.", replayed.Events)
	}
	return c.answer(w, r, v, api.ReplayEvents, err, flash{Done: said})
}

// period reads the two times of a form, which are in the zone that it names, UTC if it names none: api.ErrPeriod.
func period(form url.Values) (from, to time.Time, err error) {
	zone, err := time.LoadLocation(form.Get("zone"))
	if err != nil {
		return from, to, api.ErrPeriod
	}
	if from, err = moment(form.Get("from"), zone); err == nil {
		to, err = moment(form.Get("to"), zone)
	}
	return from, to, err
}

// moment reads a time of a form, as browsers write it: api.ErrPeriod.
func moment(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05.999"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, api.ErrPeriod
}

// exchangePage is one attempt with what was sent and what came back.
type exchangePage struct {
	api.Exchange
	Webhook uint64
	// Back is the page of the webhook.
	Back string
}

// Request is the request as it went over the wire.
func (p exchangePage) Request() string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s\n", p.URL)
	_ = p.Header.Write(&b) // into memory
	b.WriteString("\n")
	b.WriteString(legible(p.Body))
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// Answer is the beginning of the response's body.
func (p exchangePage) Answer() string { return legible(p.Response) }

func legible(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

func (c *Console) exchange(w http.ResponseWriter, r *http.Request, v visitor) error {
	position, err := strconv.ParseUint(r.PathValue("position"), 10, 64)
	if err != nil {
		return errNoPage
	}
	x, err := c.o.Service.Exchange(r.Context(), v.Account, id(r), position)
	if errors.Is(err, api.ErrPosition) {
		return errNoPage
	}
	if err != nil {
		return err
	}
	c.write(w, r, "exchange", page{Title: v.Say("Attempt"), Visitor: v, Body: exchangePage{x, id(r), fmt.Sprintf("%s/%d", webhooksPath, id(r))}})
	return nil
}
