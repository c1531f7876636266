package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// deedForm is the newest form of a record of the audit log that this version reads, and the one that it writes.
const deedForm = 1

// Deed is a change that somebody made, as the audit log keeps it.
type Deed struct {
	Form int       `json:"v"`
	At   time.Time `json:"at"`
	// By is the account that made the change; empty for whoever has a link.
	By string `json:"by,omitempty"`
	// With is what they showed: password, session, link, or key and the key's id.
	With string `json:"with"`
	// From is the address that they came from.
	From string `json:"from,omitempty"`
	// Do is the function, and Object what it was done to: the id of a webhook or a key, or the name of an account.
	Do     string `json:"do"`
	Object string `json:"object,omitempty"`
	// Sequence is the record's own in the log; later ones have a higher one.
	Sequence uint64 `json:"-"`
}

// Audit keeps who did what and when, for each account. It is safe for concurrent use.
type Audit struct{ b *broker.Broker }

// NewAudit makes the audit log of a broker.
func NewAudit(b *broker.Broker) *Audit { return &Audit{b} }

// Note appends a deed to the log of an account, with the time of NATS, and returns once it is stored.
func (a *Audit) Note(ctx context.Context, account string, d Deed) error {
	d.Form, d.At = deedForm, a.b.Now().UTC()
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write the audit log of %s: %w", account, err)
	}
	return a.b.Audit(ctx, account, data)
}

// List returns the kept deeds of an account below a sequence, 0 for all, newest first and at most limit. One of a newer version
// is left out.
func (a *Audit) List(ctx context.Context, account string, before uint64, limit int) ([]Deed, error) {
	var found []Deed
	for stored, err := range a.b.Audited(ctx, account, before) {
		if err != nil {
			return nil, err
		}
		var d Deed
		if record.Decode(stored.Record, deedForm, &d) != nil {
			continue // said above
		}
		d.Sequence = stored.Seq
		if found = append(found, d); len(found) == limit {
			break
		}
	}
	return found, nil
}
