package consumer

import "slices"

// account is what the live path has of one account. It is guarded by Worker.mu.
type account struct {
	name string
	// held is how many events it has in flight, and bytes what these have. Tasks is how many deliveries of events are not done.
	// Those in lanes that leave are leaving, with leavingBytes.
	held, bytes           int
	tasks                 int
	leaving, leavingBytes int
	// lanes are those of its webhooks.
	lanes map[*lane]bool
	// later are its events that wait until their deliveries are within its share, in order: each func hands one to its lanes.
	later []func()
}

// accounts are those that have something, by name. It is guarded by Worker.mu.
type accounts map[string]*account

// of returns the account of a name.
func (all accounts) of(name string) *account {
	a := all[name]
	if a == nil {
		a = &account{name: name, lanes: map[*lane]bool{}}
		all[name] = a
	}
	return a
}

// left forgets an account that has nothing any more.
func (all accounts) left(a *account) {
	if a.held == 0 && a.tasks == 0 && len(a.lanes) == 0 {
		delete(all, a.name)
	}
}

// add and remove count an event in flight.
func (a *account) add(e *inflightEvent)    { a.held, a.bytes = a.held+1, a.bytes+e.size }
func (a *account) remove(e *inflightEvent) { a.held, a.bytes = a.held-1, a.bytes-e.size }

// leave counts tasks in lanes that leave.
func (a *account) leave(tasks, bytes int) {
	a.leaving, a.leavingBytes = a.leaving+tasks, a.leavingBytes+bytes
}

// largest are the lanes with more than their share of what the account has in those that do not leave, by what each has.
func (a *account) largest(has func(*lane) int) []*lane {
	var staying []*lane
	all := 0
	for l := range a.lanes {
		if !l.leaving && l.size > 0 {
			staying = append(staying, l)
			all += has(l)
		}
	}
	// Where all have as much, slots.Over leaves each one part of one more than there are.
	return slices.DeleteFunc(staying, func(l *lane) bool { return has(l)*(len(staying)+1) <= all })
}
