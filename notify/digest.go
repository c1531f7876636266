package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// gathered bounds the notices that are looked at together.
const gathered = 256

// Gathering is a channel that brings notices of one cause to people together.
type Gathering interface {
	Channel
	// SendAll is Send for notices of one account, kind and host, oldest first.
	SendAll(ctx context.Context, all []Notice, attempt int) error
}

// held is a notice that is handed out, with its message.
type held struct {
	Notice
	message jetstream.Msg
}

// cause is what notices have in common that are brought together, as a token of a subject. What is about no webhook stands by itself.
func cause(n Notice) string {
	about := n.Host
	if n.Webhook == 0 {
		about = fmt.Sprint(n.Sequence)
	}
	sum := sha256.Sum256([]byte(string(n.Kind) + "\n" + about))
	return hex.EncodeToString(sum[:12])
}

// gather takes the notices that are due and deals with those of each cause together. A notice waits for others of its cause, and
// until enough time has passed since people were last told of it.
func (o *Outlet) gather(ctx, sending context.Context, channel Gathering) error {
	// The first is waited for, and what is there beside it is taken along.
	fetched, err := o.Consumer.Fetch(1, broker.Waiting(o.Pull)...)
	if err != nil {
		return err
	}
	groups := map[string][]held{}
	some, err := o.sort(ctx, groups, fetched)
	if err != nil || !some {
		return err
	}
	if fetched, err = o.Consumer.FetchNoWait(gathered); err != nil {
		return err
	}
	if _, err = o.sort(ctx, groups, fetched); err != nil {
		return err
	}
	for _, group := range groups {
		timed, cancel := context.WithTimeout(sending, sendTime)
		err := o.bringAll(timed, channel, group)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// sort adds what was fetched to the groups of each cause, and says whether there was any.
func (o *Outlet) sort(ctx context.Context, groups map[string][]held, fetched jetstream.MessageBatch) (some bool, err error) {
	for m := range fetched.Messages() {
		some = true
		n, ok, err := o.read(ctx, m)
		switch {
		case err != nil:
			return some, err
		case ok:
			key := n.Account + " " + cause(n)
			groups[key] = append(groups[key], held{n, m})
		}
	}
	return some, fetched.Error()
}

// read reads a notice that was handed out, unless it is put off or dropped. Its error comes only from NATS.
func (o *Outlet) read(ctx context.Context, m jetstream.Msg) (n Notice, ok bool, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return n, false, fmt.Errorf("read what comes with a notice: %w", err)
	}
	log, attempt := o.Log.With(zap.Uint64("notice", meta.Sequence.Stream)), int(meta.NumDelivered)
	n, err = decode(m.Data(), meta.Sequence.Stream)
	switch age := o.Now().Sub(meta.Timestamp); {
	case errors.Is(err, record.ErrNewer):
		// For a node that knows it.
		return n, false, m.NakWithDelay(tries.Delay(attempt, rand.Float64()))
	case err != nil:
		log.Error("a notice cannot be read, and is left out", zap.Error(err))
		return n, false, m.Term()
	case age > stale:
		log.Error("a notice did not arrive in time, and is dropped", zap.Int("attempts", attempt))
		o.note(ctx, n, Dropped, attempt, errStale)
		return n, false, m.Term()
	case age < o.Gather:
		return n, false, m.NakWithDelay(o.Gather - age)
	}
	return o.Links.linked(n), true, nil
}

// bringAll tries the notices of one cause. Its error comes only from NATS, and means that they come again.
func (o *Outlet) bringAll(ctx context.Context, channel Gathering, group []held) error {
	slices.SortFunc(group, func(a, b held) int { return cmp.Compare(a.Sequence, b.Sequence) })
	account, about := group[0].Account, cause(group[0].Notice)
	last, err := o.Receipts.Mailed(ctx, account, about)
	if err != nil {
		return err
	}
	if wait := last.Add(o.Period).Sub(o.Now()); wait > 0 {
		for _, h := range group {
			if err := h.message.NakWithDelay(wait); err != nil {
				return err
			}
		}
		return nil
	}
	attempt, err := o.attempt(ctx, account, group)
	if err != nil {
		return err
	}
	all := make([]Notice, len(group))
	for i, h := range group {
		all[i] = h.Notice
	}
	failed := channel.SendAll(ctx, all, attempt)
	if failed == nil {
		if err := o.Receipts.SetMailed(ctx, account, about, o.Now()); err != nil {
			o.Log.Warn("it was not stored that people were told", zap.Error(err))
		}
	}
	for _, h := range group {
		if err := o.settle(ctx, h, attempt, failed); err != nil {
			return err
		}
	}
	return nil
}

// attempt is the number of the next attempt to bring notices, by what came of those before.
func (o *Outlet) attempt(ctx context.Context, account string, group []held) (int, error) {
	seqs := make([]uint64, len(group))
	for i, h := range group {
		seqs[i] = h.Sequence
	}
	found, err := o.Receipts.Receipts(ctx, account, seqs)
	if err != nil {
		return 0, err
	}
	most := 0
	for _, stored := range found {
		var r Receipt
		if record.Decode(stored.Record, receiptForm, &r) == nil && r.Channel == o.Name {
			most = max(most, r.Attempts)
		}
	}
	return most + 1, nil
}
