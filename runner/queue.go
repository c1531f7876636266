package runner

import (
	"strings"

	"github.com/saumer/saumer/slots"
)

// queue are the backlogs that are under way in this process, and those that wait for it: an account whose backlogs take all
// the time there is keeps no other's waiting. NATS hands out wakes in the order in which they came, so that whoever is to get
// ahead has to be here first: all of them are, a word each.
type queue struct {
	// places is how many may be under way, free how many more.
	places, free int
	accounts     map[string]*line
	// turn are the accounts of which some wait, in turn.
	turn []*line
	// keys are all backlogs here.
	keys map[string]stage
}

// stage is how far a backlog is here.
type stage int

const (
	waiting stage = iota // for its turn
	running
	woken // it is running, and was woken again
)

// line is what an account has here: the keys that wait, in order, and how many run.
type line struct {
	keys    []string
	running int
}

func newQueue(places int) queue {
	return queue{places: places, free: places, accounts: map[string]*line{}, keys: map[string]stage{}}
}

// add takes in a wake.
func (q *queue) add(key string) {
	switch at, known := q.keys[key]; {
	case known && at == running:
		q.keys[key] = woken
		return
	case known:
		return
	}
	q.keys[key] = waiting
	account, _, _ := strings.Cut(key, ".")
	of := q.accounts[account]
	if of == nil {
		of = &line{}
		q.accounts[account] = of
	}
	if of.keys = append(of.keys, key); len(of.keys) == 1 {
		q.turn = append(q.turn, of)
	}
}

// next is the next backlog that may run, and takes a place; false if there is none.
func (q *queue) next() (string, bool) {
	if q.free == 0 {
		return "", false
	}
	for range len(q.turn) {
		of := q.turn[0]
		q.turn = q.turn[1:]
		if slots.Over(of.running, q.free) {
			q.turn = append(q.turn, of)
			continue
		}
		key := of.keys[0]
		if of.keys = of.keys[1:]; len(of.keys) > 0 {
			q.turn = append(q.turn, of)
		}
		of.running++
		q.free--
		q.keys[key] = running
		return key, true
	}
	return "", false
}

// ended gives the place of a backlog back. One that was woken again meanwhile waits for another turn.
func (q *queue) ended(key string) {
	account, _, _ := strings.Cut(key, ".")
	of := q.accounts[account]
	of.running--
	q.free++
	again := q.keys[key] == woken
	delete(q.keys, key)
	if again {
		q.add(key)
	} else if of.running == 0 && len(of.keys) == 0 {
		delete(q.accounts, account)
	}
}

// leave takes out all that wait, and returns them.
func (q *queue) leave() (keys []string) {
	for _, of := range q.turn {
		keys = append(keys, of.keys...)
		of.keys = nil
	}
	for _, key := range keys {
		delete(q.keys, key)
	}
	q.turn = nil
	return keys
}
