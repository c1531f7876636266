package consumer

import (
	"time"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/registry"
)

const (
	// patience is how long a webhook may keep an event of the live path waiting before its backlog takes over, and
	// lookEvery how often that is looked at.
	patience  = 2 * time.Second
	lookEvery = 250 * time.Millisecond
	// memory is for how long a failure counts where another event fails.
	memory = time.Minute
	// leavingTime is how long a webhook may take to leave the live path until its events are attempted again.
	leavingTime = 5 * time.Second
	// tooMany is how many events of a webhook that answers nothing are too many to have patience for, and tooLarge how many
	// bytes.
	tooMany, tooLarge = window / 8, windowBytes / 8
)

// task is one delivery of an event. It is guarded by Worker.mu, but for what never changes: event, to, lane and since.
type task struct {
	event *inflightEvent
	to    *registry.Subscription
	lane  *lane
	since time.Time
	// begun is true once the attempt has begun or the backlog has taken over, and began is when the attempt has, zero
	// without one.
	begun         bool
	began         time.Time
	before, after *task
}

// lane is what the live path has for one webhook: the tasks that are not done, oldest first. It is guarded by Worker.mu.
type lane struct {
	key     string
	account *account
	// last is the webhook as it was looked up last.
	last *registry.Subscription
	// oldest and newest are the ends of the tasks.
	oldest, newest *task
	// size is how many these are, bytes what their events have, and moved is true if some were done since the last look.
	size, bytes int
	moved       bool
	// streak counts the events in a row that were rejected, failed those that met an endpoint which took nothing, the last of
	// them at failedAt. Taken is when the endpoint last took one.
	streak, failed  int
	failedAt, taken time.Time
	// leaving is true once the webhook is to leave the live path: its events go to its backlog, without an attempt, until
	// look-ups show that it has left, or what was handed over has been so for a time. Since is when it began, and shown the
	// webhook's newest range as it was looked up then.
	leaving bool
	since   time.Time
	shown   string
	// why is for what reason events go to the backlog without an attempt.
	why delivery.Outcome
}

// add puts a task at the end.
func (l *lane) add(t *task) {
	if t.before = l.newest; t.before == nil {
		l.oldest = t
	} else {
		t.before.after = t
	}
	l.newest = t
	l.size++
	l.bytes += t.event.size
	if l.leaving {
		l.account.leave(1, t.event.size)
	}
}

// remove takes out a task that is done.
func (l *lane) remove(t *task) {
	l.size--
	l.bytes -= t.event.size
	l.moved = true
	if l.leaving {
		l.account.leave(-1, -t.event.size)
	}
	if t.before == nil {
		l.oldest = t.after
	} else {
		t.before.after = t.after
	}
	if t.after == nil {
		l.newest = t.before
	} else {
		t.after.before = t.before
	}
}

// took notes that the endpoint took an event.
func (l *lane) took(now time.Time) { l.streak, l.failed, l.taken = 0, 0, now }

// fail notes that an event met an endpoint which took nothing, and returns how many did in a row. One long ago does not count:
// the backlog may have made up for it.
func (l *lane) fail(now time.Time) int {
	if now.Sub(l.failedAt) > memory {
		l.failed = 0
	}
	l.failed++
	l.failedAt = now
	return l.failed
}

// leave has the webhook's tasks go to its backlog for a reason, and returns those that wait: no attempt is made any more.
func (l *lane) leave(why delivery.Outcome) []*task {
	l.why = why
	if !l.leaving {
		l.leaving, l.since = true, time.Now()
		if l.shown = ""; l.last != nil {
			l.shown = newestRange(l.last)
		}
		l.account.leave(l.size, l.bytes)
	}
	var waiting []*task
	for t := l.oldest; t != nil; t = t.after {
		if !t.begun {
			t.begun = true
			waiting = append(waiting, t)
		}
	}
	return waiting
}

// stay has the webhook's events attempted again if it left the live path and is back, by what a look-up shows, or seems not to
// leave after all. What is under way is waited for.
func (l *lane) stay(s *registry.Subscription, now time.Time) {
	l.last = s
	if l.leaving && l.oldest == nil && (newestRange(s) != l.shown || now.Sub(l.since) > leavingTime) {
		l.leaving = false
	}
}

// newestRange is the ID of a webhook's newest range.
func newestRange(s *registry.Subscription) string {
	if n := len(s.Webhook.Ranges); n > 0 {
		return s.Webhook.Ranges[n-1].ID
	}
	return ""
}

// slow says whether the webhook keeps the live path waiting: an attempt outlasts the patience, while none that began later is
// done, or an event has waited as long for one of the webhook's own slots, which are all taken if full is true. One that waits for a process which is
// busy with others is none of the webhook's. It is slow at once if it fills much of the window and answers nothing.
func (l *lane) slow(now time.Time, full bool) bool {
	stuck := full && !l.moved && (l.size > tooMany || l.bytes > tooLarge)
	for t := l.oldest; t != nil; t = t.after {
		switch {
		case !t.begun:
			return full && now.Sub(t.since) > patience
		case t.began.IsZero(): // its backlog has it
		case now.Sub(t.began) > patience && !l.taken.After(t.began), stuck && now.Sub(t.began) > lookEvery:
			return true
		}
	}
	return false
}
