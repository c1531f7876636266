package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// webhookForm is the form of a webhook's record that has nothing of what the newer forms are for.
const webhookForm = 2

// sealedForm is the form of a record whose URL or headers are sealed; all else in it is as in webhookForm. What has neither
// a path nor a query nor headers is written in webhookForm, so that older versions read it.
const sealedForm = 3

// filterForm is the form of a record with a filter or several events, which a version that does not know them must not leave out; all else in it is as
// in sealedForm, or, if nothing is sealed, as in webhookForm.
const filterForm = 4

// form is the form that the webhook's record is written in: the oldest that has all of it.
func (w *Webhook) form() int {
	switch {
	case w.Filter != nil, w.Event == Several:
		return filterForm
	case w.Sealed != "":
		return sealedForm
	default:
		return webhookForm
	}
}

// decodeWebhook reads the record under a webhook's key, which must be the webhook's own: record.ErrUnreadable or
// record.ErrNewer.
func decodeWebhook(e broker.Entry) (Webhook, error) {
	account, _, err := parseKey(e.Key)
	if err != nil {
		return Webhook{}, fmt.Errorf("%w: %w", record.ErrUnreadable, err)
	}
	w, err := decodeOf(account, e)
	if err == nil && w.Key() != e.Key {
		return Webhook{}, fmt.Errorf("a webhook %s: %w", w.Key(), record.ErrUnreadable)
	}
	return w, err
}

// decodeOf reads the record of a webhook of this account, whatever its key. Of a newer form it returns the event only,
// beside the error. What the index holds has neither a revision nor the time when it was written.
func decodeOf(account string, e broker.Entry) (w Webhook, err error) {
	form, err := record.Form(e.Value, filterForm)
	switch {
	case err != nil:
	case form == 1:
		w, err = decodeForm1(e.Value, e.Written)
	default:
		err = record.Unmarshal(e.Value, &w)
	}
	if err == nil && (w.Account != account || w.ID == 0 || w.Event == "" || (w.Event == Several) != (len(w.Events) > 0)) {
		err = fmt.Errorf("a webhook %s for %q: %w", w.Key(), w.Event, record.ErrUnreadable)
	}
	if errors.Is(err, record.ErrNewer) {
		// Where the event stands is the same in every form.
		var newer struct {
			Event string `json:"event"`
		}
		if json.Unmarshal(e.Value, &newer) == nil {
			w.Event = newer.Event
		}
		return Webhook{Event: w.Event}, err
	}
	if err != nil {
		return Webhook{}, err
	}
	w.Form, w.Revision = w.form(), e.Revision
	return w, nil
}

// EncodeWebhook is what the journal holds for a webhook, under its key.
func EncodeWebhook(w *Webhook) ([]byte, error) {
	w.Form = w.form()
	return json.Marshal(w)
}

// decodeForm1 reads a webhook of form 1, which knew sequences without times. Written is when the record was, zero if that
// is not known: no event that a closed range covers is later.
func decodeForm1(data []byte, written time.Time) (Webhook, error) {
	var old struct {
		Webhook
		Ranges []struct {
			From uint64 `json:"from"`
			To   uint64 `json:"to"`
		} `json:"ranges"`
		Activation *struct {
			At          time.Time `json:"at"`
			Replay      bool      `json:"replay"`
			Until       uint64    `json:"until"`
			From        uint64    `json:"from"`
			Deactivated time.Time `json:"deactivated"`
		} `json:"activation"`
	}
	if err := record.Unmarshal(data, &old); err != nil {
		return Webhook{}, err
	}
	w := old.Webhook
	w.Ranges = make([]Range, 0, len(old.Ranges))
	for _, r := range old.Ranges {
		now := Range{ID: backlog.RangeID1(r.From), From: r.From}
		if r.To != 0 {
			now.To = event.End{Seq: r.To, AsOf: written.UTC()}
		}
		if r.From == 0 {
			now.ID = RangeBefore
		}
		w.Ranges = append(w.Ranges, now)
	}
	if a := old.Activation; a != nil {
		w.Activation = &backlog.Activation{
			At: a.At, Replay: a.Replay, Until: event.End{Seq: a.Until}, From: event.End{Seq: a.From, AsOf: a.At}, Deactivated: a.Deactivated,
		}
	}
	return w, nil
}
