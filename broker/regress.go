package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	// unknownSync is how often a NATS that is not ours has the disk write, as far as we know: its default.
	unknownSync = 2 * time.Minute
	// unmarked is how much later than the mark an event may have been handed out, where no process lived on that knows more:
	// the mark is written each second.
	unmarked = 5 * time.Second
)

// costOf is for how long before a loss of power what was stored may be lost where the disk writes every so often: a sync
// takes its time, and the next one begins after it.
func costOf(sync time.Duration) time.Duration {
	if sync == 0 {
		return 0
	}
	return sync + sync/4 + 2*saveEvery
}

// costs is for how long before a loss of power what this NATS stored may be lost.
func (b *Broker) costs() time.Duration {
	if b.embedded == nil {
		return costOf(unknownSync)
	}
	return costOf(b.options.Sync)
}

// regress finds out whether NATS lost what it had stored, and where the live path has to go back to then: to before
// everything that may have been handed over to a backlog that forgot it.
func (b *Broker) regress(ctx context.Context, s *stand, bounds Bounds) error {
	costs, lostPower := b.embedded.machineOf().lostPower()
	lost := append(lostStreams(s.mark.Streams, s.streams), b.watch.fallen(s.mark.Streams, s.streams)...)
	switch {
	case lostPower:
		s.cause = "the machine lost its power"
	case len(lost) > 0:
		costs, s.cause = b.costs(), "NATS lost what it had stored in "+strings.Join(lost, ", ")
	default:
		behind, err := b.markBehind(ctx, s)
		if err != nil || !behind {
			return err
		}
		costs, s.cause = b.costs(), "NATS lost how far the live path was"
	}
	known, is := s.mark.Streams[backlogsStream], s.streams[backlogsStream]
	s.anew = !known.Made.IsZero() && !known.Made.Equal(is.Made)
	if s.anew {
		costs = max(costs, relapse)
	}
	at := s.mark.Noted
	if at.IsZero() {
		at = s.mark.Time
	}
	if at.IsZero() {
		at = bounds.Last.Time.Add(-relapse)
	}
	cut := at.Add(-costs)
	if !s.anew && is.Last < known.Last && is.at.Before(cut) {
		cut = is.at // a copy that is older than what a loss of power leaves
	}
	var err error
	s.back, err = b.backTo(ctx, s, cut, costs)
	return err
}

// backTo is the first event that the live path has to hand out again if what was acknowledged after a time is in doubt.
func (b *Broker) backTo(ctx context.Context, s *stand, cut time.Time, costs time.Duration) (uint64, error) {
	if n, ok := s.mark.Trail.before(cut); ok {
		return b.above(ctx, n, s.last)
	}
	// The trail begins later.
	from, err := b.firstFrom(ctx, cut.Add(-costs), s.last)
	if err != nil || len(s.mark.Trail) == 0 {
		return from, err
	}
	oldest, err := b.above(ctx, s.mark.Trail[0], s.last)
	return min(from, oldest), err
}

// above is the first event above the floor of a note. If the stream does not have that event any more, it went back, and what
// is later than it is above it.
func (b *Broker) above(ctx context.Context, n note, last uint64) (uint64, error) {
	if n.Floor.Seq == 0 || n.Floor.Time.IsZero() {
		return n.Floor.Seq + 1, nil
	}
	there, err := b.positionOf(ctx, n.Floor.Seq)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	if err == nil && there.Is(n.Floor) {
		return n.Floor.Seq + 1, nil
	}
	return b.firstFrom(ctx, n.Floor.Time.Add(1), last)
}

// markBehind says, at the start of a process, whether the mark is older than it can be where NATS lost nothing: the bucket of
// positions went back further than the consumer. The machine of a NATS that is not ours cannot be asked.
func (b *Broker) markBehind(ctx context.Context, s *stand) (bool, error) {
	if b.embedded != nil || b.watch.started.Load() || !s.exists || s.mark.Noted.IsZero() || !s.made.Equal(s.mark.Made) {
		return false, nil
	}
	newest, err := b.positionOf(ctx, s.delivered)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return newest.Time.After(s.mark.Noted.Add(unmarked)), err
}

// setback takes in a loss of what NATS had stored, after the live path went back, and writes it down before it goes on.
func (b *Broker) setback(ctx context.Context, s stand, made time.Time, m mark) error {
	m.Setback = Setback{Number: s.mark.Setback.Number + 1, At: b.Now(), From: s.back, Anew: s.anew}
	m.Trail = trail{{At: m.Noted, Floor: m.Position}}
	b.watch.forget()
	b.watch.set(made, m)
	b.options.Log.Error("the live path hands out again what may have been acknowledged for backlogs that forgot it: "+s.cause,
		zap.Uint64("from", s.back), zap.Uint64("last", s.last))
	if err := b.writeMark(ctx); err != nil {
		return fmt.Errorf("note where the live path went back to: %w", err)
	}
	return nil
}

// heard tells that there was a loss. The lock is held.
func (w *watch) heard() {
	select {
	case w.setBack <- struct{}{}:
	default: // it was told
	}
}

// wrote takes in a write to a stream that NATS answered with a sequence: it is above the one that was known before the write,
// or the stream went back meanwhile. It says whether that is so.
func (w *watch) wrote(stream string, before, seq uint64) (fell bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seq <= before {
		w.fell[stream] = true
		return true
	}
	w.written[stream] = max(w.written[stream], seq)
	return false
}

// known is the highest sequence that a write to a stream was answered with.
func (w *watch) known(stream string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written[stream]
}

// fallen are the streams that went back by what came of a write, unless they were made anew.
func (w *watch) fallen(known, is map[string]extent) (streams []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.fell {
		if k, there := known[name]; there && k.Made.Equal(is[name].Made) {
			streams = append(streams, name)
			continue
		}
		delete(w.fell, name)
		delete(w.written, name)
	}
	return streams
}

// renewed forgets what writes to streams were answered with that were made anew since: those begin at 1 again, and have not gone
// back. The lock is held.
func (w *watch) renewed(before, now map[string]extent) {
	for name, k := range before {
		if is, there := now[name]; there && !is.Made.Equal(k.Made) {
			delete(w.written, name)
			delete(w.fell, name)
		}
	}
}

// forget forgets what writes were answered with, before a loss.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.written)
	clear(w.fell)
}
