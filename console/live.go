package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
	"github.com/saumer/saumer/words"
)

const (
	// watchers bounds the live views of a process.
	watchers = 200
	// While something waits, a live view looks this often; else it looks at leisure.
	busyPause, idlePause = 500 * time.Millisecond, 3 * time.Second
	// A live view ends after this time, and the browser asks again, with its session or link.
	watchTime = 10 * time.Minute
	// writeTime bounds the writing of one piece, quietTime how long nothing is written.
	writeTime, quietTime = 30 * time.Second, 15 * time.Second
)

// snapshot is what a live view is told.
type snapshot struct {
	State string `json:"state"`
	Label string `json:"label"`
	// Fields are texts by the name of their place.
	Fields map[string]string `json:"fields"`
	// Next is the time of the next attempt, empty if there is none.
	Next string `json:"next"`
	// Done of Total events of a replay are sent; Total 0: there is none.
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
	// Due is when the replay will be done if it goes on as it did, empty if that is not known.
	Due string `json:"due"`
	// Finished is true when the replay is done.
	Finished bool `json:"finished"`

	// busy is true while something waits.
	busy bool
}

// watch sends snapshots as they change, until the client leaves, the console closes, or nothing more is to be seen. It counts as
// one of the account's live views: a *registry.LimitError if too many are open.
func (c *Console) watch(w http.ResponseWriter, r *http.Request, account registry.Account, look func(context.Context) (snapshot, error)) error {
	select {
	case c.watching <- struct{}{}:
		defer func() { <-c.watching }()
	default:
		http.Error(w, "too many live views; load the page again instead", http.StatusServiceUnavailable)
		return nil
	}
	release, err := c.o.Service.Watch(account)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), watchTime)
	defer cancel()
	rc := http.NewResponseController(w)
	// Most servers bound the reading of a whole request, and this one goes on. A writer without a deadline is a test's.
	_ = rc.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	var last string
	quiet := time.Now()
	for {
		g, err := look(ctx)
		switch {
		case errors.Is(err, record.ErrNotFound), errors.Is(err, errNoSession), ctx.Err() != nil:
			return nil
		case err != nil:
			c.o.Log.Warn("a live view failed", zap.Error(err))
			return nil
		}
		data, err := json.Marshal(g)
		if err != nil {
			return fmt.Errorf("write a live view: %w", err)
		}
		text := "event: here\ndata: {}\n\n"
		if string(data) != last {
			text = "event: status\ndata: " + string(data) + "\n\n"
		}
		if string(data) != last || time.Since(quiet) > quietTime {
			last, quiet = string(data), time.Now()
			if !piece(w, rc, text) {
				return nil
			}
		}
		pause := idlePause
		if g.busy {
			pause = busyPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		case <-c.closed:
			return nil
		}
	}
}

// piece writes a piece of a live view; false if the client has left.
func piece(w http.ResponseWriter, rc *http.ResponseController, text string) bool {
	_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without a deadline is a test's
	if _, err := w.Write([]byte(text)); err != nil {
		return false
	}
	return rc.Flush() == nil
}

// cursor is a place in the stream; a backlog that reads nothing has none.
func cursor(seq uint64) string {
	if seq == 0 {
		return "–"
	}
	return strconv.FormatUint(seq, 10)
}

// snapshotOf is what a live view is told of a webhook, in the speaker's language.
func snapshotOf(t *words.Speaker, v view) snapshot {
	s := v.Status
	g := snapshot{
		State: v.Class(), Label: v.Label,
		Fields: map[string]string{
			"sentence": v.Sentence, "why": v.Why, "lag": t.Number(s.Lag), "cursor": cursor(s.Cursor), "buffered": t.Number(s.Buffered), "retries": t.Number(s.Retries),
		},
		busy: s.Lag > 0 && s.State != replay.Inactive,
	}
	if r := s.Replay; r != nil && r.Total > 0 {
		g.Total, g.Done, g.Finished = r.Total, r.Done, r.Done >= r.Total
		g.busy = g.busy || !g.Finished
		g.Fields["progress"] = t.Say("%d of %d events replayed", r.Done, r.Total)
	}
	if due := v.Due(); !due.IsZero() {
		g.Due = due.UTC().Format(time.RFC3339)
	}
	if !s.NextAttempt.IsZero() {
		g.Next = s.NextAttempt.UTC().Format(time.RFC3339)
	}
	return g
}
