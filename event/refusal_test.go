package event

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What NATS says of a message that it does not store is told apart: no room, too large a message, or something else.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code        jetstream.ErrorCode
		description string
		want        error
	}{
		{10002, "resource limits exceeded for account", ErrFull},
		{10023, "insufficient resources", ErrFull},
		{10028, "insufficient memory resources available", ErrFull},
		{10047, "insufficient storage resources available", ErrFull},
		{10120, "no JetStream default or applicable tiered limit present", ErrFull},
		{10077, "maximum bytes exceeded", ErrFull},
		{10077, "maximum messages exceeded", ErrFull},
		{10077, "maximum messages per subject exceeded", ErrFull},
		{10077, "error writing block: no space left on device", ErrFull},
		{10077, "message too large", ErrSize},
		{10077, "message to large", ErrSize},
		{10054, "message size exceeds maximum allowed", ErrSize},
		{10097, "header size exceeds maximum allowed of 64k", ErrSize},
		{10077, "input/output error", nil},
		{10071, "wrong last sequence: 7", nil},
		{10008, "JetStream system temporarily unavailable", nil},
	} {
		err := fmt.Errorf("store it: %w", &jetstream.APIError{Code: 500, ErrorCode: test.code, Description: test.description})
		if got := Refusal(err); !errors.Is(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%d %s: %v, want %v", test.code, test.description, got, test.want)
		}
	}
	if got := Refusal(fmt.Errorf("publish: %w", nats.ErrMaxPayload)); !errors.Is(got, ErrSize) {
		t.Errorf("a message beyond what the server takes: %v", got)
	}
	if got := Refusal(errors.New("something else")); got != nil {
		t.Error(got)
	}
}
