package runner

import (
	"context"

	"github.com/saumer/saumer/backlog"
	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/replay"
)

// tell stores what people are to know. The record names each notice until it is stored, so that none is lost and none comes
// twice.
func (r *runner) tell(ctx context.Context) error {
	now := r.Broker.Now()
	if alarm := r.record.Alarm; !alarm.IsZero() && !alarm.After(now) {
		if err := r.vouch(ctx); err != nil {
			return err
		}
	}
	_, outage := r.Sender.Outage()
	if err := r.update(ctx, func(b *backlog.Record) { b.Announce(now, &r.Rules, outage) }); err != nil {
		return err
	}
	fault.At(fault.Announced)
	for len(r.record.Outbox) > 0 {
		notice := r.record.Outbox[0]
		if err := r.notify(ctx, notice); err != nil {
			return err
		}
		if err := r.update(ctx, func(b *backlog.Record) { b.Stored(notice) }); err != nil {
			return err
		}
	}
	return nil
}

// notify stores one notice.
func (r *runner) notify(ctx context.Context, n backlog.Notice) (err error) {
	buffered := uint64(0)
	if n.Kind != backlog.Recovered && n.Kind != backlog.Exhausted {
		if buffered, err = replay.Count(ctx, r.Broker, r.webhook, &r.record); err != nil {
			return err
		}
	}
	if err := r.Notifier.Tell(ctx, r.webhook, n, buffered); err != nil {
		return err
	}
	fault.At(fault.Told)
	return nil
}
