package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

// of makes an endpoint's call of one that takes the webhook's id.
func of(call func(w http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error)) func(http.ResponseWriter, *http.Request, registry.Account) (int, any, error) {
	return func(w http.ResponseWriter, r *http.Request, acc registry.Account) (int, any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return 0, nil, err
		}
		body, err := call(w, r, acc, id)
		return http.StatusOK, body, err
	}
}

func (h *shell) rotate(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	s, err := h.service.Rotate(r.Context(), acc, id)
	return struct {
		Secret        string `json:"secret"`
		PreviousUntil stamp  `json:"previousUntil"`
	}{s.Secret, stamp(s.PreviousUntil)}, err
}

func (h *shell) test(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	a, err := h.service.Test(r.Context(), acc, id)
	return attemptOf(delivery.Entry{Attempt: a}), err
}

func (h *shell) probe(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	a, err := h.service.Probe(r.Context(), acc, id)
	return struct {
		Reachable bool             `json:"reachable"`
		Outcome   delivery.Outcome `json:"outcome"`
		Error     string           `json:"error"`
		Millis    float64          `json:"milliseconds"`
	}{a.Outcome == delivery.Delivered, a.Outcome, a.Error, millis(a.Duration)}, err
}

func (h *shell) exchange(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	position, err := strconv.ParseUint(r.PathValue("position"), 10, 64)
	if err != nil || position == 0 {
		return nil, ErrPosition
	}
	x, err := h.service.Exchange(r.Context(), acc, id, position)
	var body *string // null if it is gone
	if x.Body != nil {
		text := string(x.Body)
		body = &text
	}
	type request struct {
		URL    string      `json:"url"`
		Header http.Header `json:"header"`
		Body   *string     `json:"body"`
	}
	return struct {
		attempt
		Request request `json:"request"`
	}{attemptOf(x.Entry), request{x.URL, x.Header, body}}, err
}

func (h *shell) redeliver(w http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	var in struct {
		Event string `json:"event"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	seq, err := h.service.Redeliver(r.Context(), acc, id, in.Event)
	return map[string]uint64{"sequence": seq}, err
}

func (h *shell) replay(w http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	var in struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	from, err := time.Parse(time.RFC3339, in.From)
	if err != nil {
		return nil, fmt.Errorf("%w, and from is a time such as 2026-03-01T12:00:00Z", ErrPeriod)
	}
	to, err := time.Parse(time.RFC3339, in.To)
	if err != nil {
		return nil, fmt.Errorf("%w, and to is a time such as 2026-03-01T12:00:00Z", ErrPeriod)
	}
	done, err := h.service.Replay(r.Context(), acc, id, from, to)
	return struct {
		Events uint64 `json:"events"`
		Kept   stamp  `json:"keptSince"`
	}{done.Events, stamp(done.Kept)}, err
}

func (h *shell) progress(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	w, err := h.service.Get(r.Context(), acc, id)
	type progress struct {
		At    stamp  `json:"at"`
		Total uint64 `json:"total"`
		Done  uint64 `json:"done"`
	}
	var p *progress // null if there was no replay since the last activation
	if s := w.Status.Replay; s != nil {
		p = &progress{stamp(s.At), s.Total, s.Done}
	}
	return map[string]*progress{"replay": p}, err
}

func (h *shell) why(_ http.ResponseWriter, r *http.Request, acc registry.Account, id uint64) (any, error) {
	a, err := h.service.Why(r.Context(), acc, id, r.URL.Query().Get("event"))
	return struct {
		Reason   replay.Reason `json:"reason"`
		Sequence uint64        `json:"sequence"`
		Text     string        `json:"text"`
	}{a.Reason, a.Sequence, a.Text}, err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
