package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// longestBody is how much of a delivery the receiver takes.
const longestBody = 2 << 20

// receiver answers deliveries and prints a line for each. It is safe for concurrent use once it is set up.
type receiver struct {
	Status  int
	Delay   time.Duration
	Body    string
	Verbose bool
	Secret  *standardwebhooks.Webhook // nil: signatures are not checked
	Out     io.Writer

	printing sync.Mutex
}

var _ http.Handler = (*receiver)(nil)

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, longestBody))
	status := r.Status
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	} else if err != nil {
		return // The sender went away in the middle of the body.
	}
	r.print(request, body, status)
	if r.Delay > 0 {
		select {
		case <-request.Context().Done():
			return
		case <-time.After(r.Delay):
		}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, r.Body) // A sender that is gone cannot be told.
}

func (r *receiver) print(request *http.Request, body []byte, status int) {
	h := request.Header
	replay := ""
	if h.Get("Saumer-Replay") != "" {
		replay = "  replay"
	}
	var line bytes.Buffer
	fmt.Fprintf(&line, "%s  %s  id %s  webhook %s  attempt %s%s  %s  %d bytes  -> %d\n",
		time.Now().Format("15:04:05.000"), said(h.Get("Saumer-Event")), said(h.Get(standardwebhooks.HeaderWebhookID)),
		said(h.Get("Saumer-Webhook")), said(h.Get("Saumer-Attempt")), replay, r.signature(body, h), len(body), status)
	if r.Verbose {
		line.WriteString("  ")
		if json.Indent(&line, body, "  ", "  ") != nil {
			line.Write(body)
		}
		line.WriteByte('\n')
	}
	r.printing.Lock()
	defer r.printing.Unlock()
	_, _ = r.Out.Write(line.Bytes()) // Nobody is left to read it; the sender gets its answer all the same.
}

// signature says whether the delivery is signed with the secret.
func (r *receiver) signature(body []byte, h http.Header) string {
	if r.Secret == nil {
		return "signature not checked"
	}
	if err := r.Secret.Verify(body, h); err != nil {
		cause := err
		for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
			cause = next
		}
		return fmt.Sprintf("signature NOT verified (%v)", cause)
	}
	return "signature verified"
}

// said is the value of a header for printing: quoted where it would break the line, "?" where it is missing.
func said(value string) string {
	if value == "" {
		return "?"
	}
	for _, r := range value {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("%q", value)
		}
	}
	return value
}
