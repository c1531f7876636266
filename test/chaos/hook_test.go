package chaos

import (
	"errors"
	"fmt"
	"strings"

	"github.com/saumer/saumer/test/process"
)

// kind is what a webhook is.
type kind string

const (
	plain   kind = ""
	secure  kind = "https"
	named   kind = "at a host that has a name"
	ordered kind = "ordered"
)

// hook is a webhook with its endpoint.
type hook struct {
	*endpoint
	name string
	kind kind
	id   uint64
	// from is the first event that it has to get, low the first that it may not have yet.
	from, low int
	// forgiven are ranges of events that it need not get, since they were dropped on somebody's word.
	forgiven [][2]int
	// givenUp are the events that it rejected to the end, by the notices.
	givenUp map[int]bool
}

// hook makes a webhook with an endpoint. It gets what is published from now on.
func (w *world) hook(name string, k kind) *hook {
	w.t.Helper()
	var files *tlsFiles
	scheme := "http"
	if k == secure {
		files, scheme = w.tls, "https"
	}
	e, err := newEndpoint(files)
	w.must(err)
	h := &hook{endpoint: e, name: strings.TrimSpace(name + " " + string(k)), kind: k, givenUp: map[int]bool{}}
	host := e.address
	if k == named {
		host = strings.Replace(host, "127.0.0.1", "hook.test", 1)
	}
	w.retry("create a webhook", func() error {
		create := w.any().Create
		if k == ordered {
			create = w.any().CreateOrdered
		}
		created, err := create(scheme + "://" + host + "/")
		h.id = created.ID
		return err
	})
	if w.pub != nil {
		h.from = w.pub.count() + 1 // the one that may be under way may have come too early
	}
	h.low = h.from
	w.hooks = append(w.hooks, h)
	return h
}

// remove ends a webhook; nobody asks any more what it got.
func (w *world) remove(h *hook) {
	w.t.Helper()
	w.retry("delete a webhook", func() error {
		err := w.any().Call("DeleteWebHookById", map[string]string{"id": fmt.Sprint(h.id)}, nil)
		var refusal *process.Refusal
		if errors.As(err, &refusal) && refusal.Code == 3 {
			return nil // an answer was lost
		}
		return err
	})
	w.forget(h)
}

// forget has nobody ask any more what a webhook got.
func (w *world) forget(h *hook) {
	for i, other := range w.hooks {
		if other == h {
			w.past.add(h)
			w.hooks = append(w.hooks[:i:i], w.hooks[i+1:]...)
		}
	}
}

func (h *hook) forgives(n int) bool {
	if h.givenUp[n] {
		return true
	}
	for _, r := range h.forgiven {
		if n >= r[0] && n < r[1] {
			return true
		}
	}
	return false
}
