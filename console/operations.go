package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/saumer/saumer/api"
)

// answer shows the page of the webhook as the answer to a form that called a function: with what came of it, or why nothing
// did.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, v visitor, f *api.Function, err error, fill func(*webhookPage)) error {
	found, got := c.o.Service.Get(r.Context(), v.Account, id(r))
	if got != nil {
		return got
	}
	p := webhookPage{Webhook: viewOf(found)}
	if err == nil {
		fill(&p)
		return c.writeWebhook(w, r, v, p)
	}
	code, text := f.Code(err)
	if code.Status == http.StatusInternalServerError {
		return err
	}
	p.Wrong = sentence(text)
	return c.writeWebhook(w, r, v, p)
}

// rotate gives the webhook a new secret and shows it, as the answer to the form itself: it is kept nowhere.
func (c *Console) rotate(w http.ResponseWriter, r *http.Request, v visitor) error {
	secret, err := c.o.Service.Rotate(r.Context(), v.Account, id(r))
	return c.answer(w, r, v, api.RotateSecret, err, func(p *webhookPage) {
		p.Secret = secret.Secret
		p.Done = fmt.Sprintf("The webhook has a new secret. Until %s deliveries are signed with the old one too.", secret.PreviousUntil.UTC().Format("2006-01-02 15:04 UTC"))
	})
}

// test sends a test event.
func (c *Console) test(w http.ResponseWriter, r *http.Request, v visitor) error {
	tried, err := c.o.Service.Test(r.Context(), v.Account, id(r))
	return c.answer(w, r, v, api.TestWebHook, err, func(p *webhookPage) { p.Tried, p.Test = &tried, true })
}

// probeWebhook tests whether the URL can be reached.
func (c *Console) probeWebhook(w http.ResponseWriter, r *http.Request, v visitor) error {
	tried, err := c.o.Service.Probe(r.Context(), v.Account, id(r))
	return c.answer(w, r, v, api.ProbeWebHook, err, func(p *webhookPage) { p.Tried = &tried })
}

func (c *Console) redeliver(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := c.o.Service.Redeliver(r.Context(), v.Account, id(r), api.Reference{ID: strings.TrimSpace(r.PostForm.Get("event"))})
	if err == nil {
		back(w, r, "sent")
		return nil
	}
	return c.answer(w, r, v, api.RedeliverEvent, err, nil)
}

// replay sends the events of a time again.
func (c *Console) replay(w http.ResponseWriter, r *http.Request, v visitor) error {
	from, err := moment(r.PostForm.Get("from"))
	if err != nil {
		return c.answer(w, r, v, api.ReplayEvents, err, nil)
	}
	to, err := moment(r.PostForm.Get("to"))
	if err != nil {
		return c.answer(w, r, v, api.ReplayEvents, err, nil)
	}
	replayed, err := c.o.Service.Replay(r.Context(), v.Account, id(r), from, to)
	switch {
	case err != nil:
		return c.answer(w, r, v, api.ReplayEvents, err, nil)
	case replayed.Events == 0:
		back(w, r, "none")
	default:
		back(w, r, "range")
	}
	return nil
}

// moment reads a time of a form, in UTC, as browsers write it: api.ErrPeriod.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05.999"} {
		if at, err := time.Parse(layout, text); err == nil {
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
	c.write(w, r, "exchange", page{Title: "Attempt", Visitor: v, Body: exchangePage{x, id(r), fmt.Sprintf("%s/%d", webhooksPath, id(r))}})
	return nil
}
