package defaults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/defaults"
)

// numbers are how prose says small numbers.
var numbers = map[int]string{5: "five", 10: "ten"}

// What README and docs say of a default is what it is.
func TestProseSaysTheDefaults(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	hours, minutes := int(defaults.DeactivateAfter/time.Hour), int(defaults.FailingAfter/time.Minute)
	window, retention := int(defaults.ReplayWindow/day), int(defaults.Retention/day)
	attempts := numbers[defaults.DeactivateAttempts]
	for document, sentences := range map[string][]string{
		"README.md": {
			fmt.Sprintf("events are kept and counted, and those of the first %s days are sent", numbers[window]),
			fmt.Sprintf("After %d hours and %s attempts it is exhausted", hours, attempts),
			fmt.Sprintf("events that are older than the retention (%d days)", retention),
			fmt.Sprintf("(`--nats-sync`, %d s on the embedded NATS)", defaults.NATSSync/time.Second),
			fmt.Sprintf("Answer 2xx within %d seconds", defaults.Timeout/time.Second),
			fmt.Sprintf("`--failing-after` (%d minutes)", minutes),
			"`nats://" + defaults.NATSListen + "`",
			"`http://" + defaults.HTTP + "/console/`",
		},
		"docs/ARCHITECTURE.md": {
			fmt.Sprintf("all lanes together %d,%03d", defaults.InFlight/1000, defaults.InFlight%1000),
			fmt.Sprintf("**Deactivation**: after %d h and %s attempts", hours, attempts),
			fmt.Sprintf("a rejected event ends after %d h and %s attempts", hours, attempts),
		},
		"docs/RELIABILITY.md": {
			fmt.Sprintf("(`--retention`, %d days)", retention),
			fmt.Sprintf("(`--replay-window`, %d days)", window),
			fmt.Sprintf("(`--nats-sync`, %d s)", defaults.NATSSync/time.Second),
			fmt.Sprintf("for %d hours and %s attempts while it takes others", hours, attempts),
			fmt.Sprintf("`--timeout` and %d s)", defaults.AckGrace/time.Second),
		},
	} {
		raw, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(document)))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(raw)), " ")
		for _, sentence := range sentences {
			if !strings.Contains(text, sentence) {
				t.Errorf("%s does not say %q", document, sentence)
			}
		}
	}
}

// The defaults fit together and lie within the limits, as settings must.
func TestDefaultsFitTogether(t *testing.T) {
	t.Parallel()
	for what, holds := range map[string]bool{
		"events outlive the replay window":              defaults.Retention > defaults.ReplayWindow,
		"people are told before a deactivation":         defaults.FailingAfter < defaults.DeactivateAfter,
		"an attempt ends within the grace":              defaults.Timeout < defaults.Grace,
		"dialing is a part of an attempt":               defaults.ConnectTimeout < defaults.Timeout,
		"the timeout lies within its limits":            defaults.Timeout >= defaults.ShortestTime && defaults.Timeout <= defaults.LongestTimeout,
		"the backoff grows":                             defaults.BackoffInitial >= defaults.ShortestTime && defaults.BackoffMax > defaults.BackoffInitial,
		"enough attempts fail before a deactivation":    defaults.DeactivateAttempts > 1,
		"one webhook has a part of what a process does": defaults.MaxInFlight < defaults.InFlight && defaults.MaxInFlight <= defaults.MostInFlight,
		"the disk writes as often as it may":            defaults.NATSSync >= defaults.ShortestSync && defaults.NATSSync <= defaults.LongestSync,
	} {
		if !holds {
			t.Errorf("the defaults do not hold that %s", what)
		}
	}
}
