package registry

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/saumer/saumer/broker"
)

// sealedTarget is what a webhook's record holds sealed: it may hold credentials.
type sealedTarget struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
}

// targetOf is the place that a webhook's sealed target opens at.
func targetOf(key string) string { return key + " target" }

// seal makes of a webhook what its record holds: what its URL has behind the host, and headers, are sealed.
func (s *Sealer) seal(w Webhook) (Webhook, error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return w, fmt.Errorf("the URL of webhook %s cannot be read", w.Key())
	}
	shown := u.Scheme + "://" + u.Host + "/"
	plain := w.URL == shown || w.URL+"/" == shown
	switch {
	case w.Sealed != "" && !plain:
		return w, fmt.Errorf("the URL of webhook %s was sealed with another key (--secret-key), and is not changed", w.Key())
	case w.Sealed != "" || plain && len(w.Settings.Headers) == 0:
		return w, nil
	}
	data, err := json.Marshal(sealedTarget{w.URL, w.Settings.Headers})
	if err != nil {
		return w, err
	}
	w.Sealed, w.URL, w.Settings.Headers = s.Seal(string(data), targetOf(w.Key())), shown, nil
	return w, nil
}

// open makes of a record the webhook. What was sealed with another key stays sealed: an error beside the webhook.
func (s *Sealer) open(w Webhook) (Webhook, error) {
	if w.Sealed == "" {
		return w, nil
	}
	text, err := s.Open(w.Sealed, targetOf(w.Key()))
	var target sealedTarget
	if err == nil {
		err = json.Unmarshal([]byte(text), &target)
	}
	if err != nil {
		return w, fmt.Errorf("the URL of webhook %s: %w", w.Key(), err)
	}
	w.URL, w.Settings.Headers, w.Sealed = target.URL, target.Headers, ""
	w.Form = w.form()
	return w, nil
}

// decode reads a record of the journal. What does not open stays sealed.
func (s *Sealer) decode(e broker.Entry) (Webhook, error) {
	w, err := decodeWebhook(e)
	if err != nil {
		return w, err
	}
	w, _ = s.open(w) // whoever makes an attempt is told
	return w, nil
}

// encode writes a record of the journal.
func (s *Sealer) encode(w *Webhook) ([]byte, error) {
	sealed, err := s.seal(*w)
	if err != nil {
		return nil, err
	}
	data, err := EncodeWebhook(&sealed)
	w.Form = w.form()
	return data, err
}
