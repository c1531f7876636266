package delivery

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// network is what hosts do: each command is one attempt, or lets time pass.
type network struct {
	t *testing.T
	o *Outages
}

func (n network) attempt(host string, status int) {
	outcome := Delivered
	if status == 0 {
		outcome = Timeout
	}
	n.o.note(Target{URL: "https://" + host + "/hook"}, Attempt{Status: status, Outcome: outcome})
}

// play plays attempts: "+a b" have a and b answer, "-a b" fail, and "3m" lets time pass; "down" and "well" say what is seen.
func (n network) play(script string) {
	n.t.Helper()
	for i, line := range strings.Split(strings.TrimSpace(script), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line[0] == '+', line[0] == '-':
			for host := range strings.FieldsSeq(line[1:]) {
				n.attempt(host, map[byte]int{'+': 500, '-': 0}[line[0]])
			}
		case line == "down", line == "well":
			if _, down := n.o.since(); down != (line == "down") {
				n.t.Errorf("line %d: it is not %s", i+1, line)
			}
		default:
			d, err := time.ParseDuration(line)
			if err != nil {
				n.t.Fatal(err)
			}
			time.Sleep(d)
		}
	}
}

// Our own network is down only if what worked has stopped at once.
func TestOurOwnNetwork(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"what worked stops at once, and comes back": "+a b c d e f\n1m\n-a b\n1s\n-c d e\nwell\n10s\ndown\n1h\ndown\n+f\nwell",
		"for a bounded time":                        "+a b c d e\n1m\n-a b c d e\n30s\ndown\n47h\ndown\n1h\nwell\n100h\n-a b c d e\nwell",
		"most stop and one answers":                 "+a b c d e f\n-a b c d e\n8s\n+f\n1m\nwell\n-a b c d e\n1h\nwell",
		"most stop and a new one answers":           "+a b c d e f\n-a b c d e f\n30s\ndown\n+g\nwell\n1m\n-a b c d e f\nwell",
		"they have never answered":                  "-a b c d e f\n1m\n-a b c d e f\nwell",
		"they answered long ago":                    "+a b c d e f\n2h\n-a b c d e f\n1m\nwell",
		"they have failed for long":                 "+a b c d e f\n-a b c d e\n1m\n+f\n1m\n-f\n1m\nwell",
		"half of them stop":                         "+a b c d e f\n1m\n-a b c\n1m\nwell",
		"few hosts":                                 "+a b c d\n1m\n-a b c d\n1m\nwell",
		"one host with many webhooks":               "+a a a a a a b\n1m\n-a a a a a a b\n1m\nwell",
		"one answer that was on its way":            "+a b c d e f\n1m\n-a b c\n1s\n+f\n1s\n-d e f\n1m\ndown",
		"dead ones beside those that stop":          "+a b c\n-a b c\n1m\n+d e f g h\n1m\n-d e f g h\n1m\ndown",
		"an answer of whatever status":              "+a b c d e\n1m\n-a b c d e\n1m\ndown\n+a\nwell",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network{t, NewOutages(time.Hour, 48*time.Hour)}.play(script)
			})
		})
	}
}

// What our own stop cut off, and what may not be dialed, tells nothing; and what is remembered is bounded.
func TestWhatTellsNothingOfTheNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := network{t, NewOutages(time.Hour, 48*time.Hour)}
		n.play("+a b c d e")
		for _, outcome := range []Outcome{Aborted, Forbidden} {
			for _, host := range []string{"a", "b", "c", "d", "e"} {
				n.o.note(Target{URL: "http://" + host}, Attempt{Outcome: outcome})
			}
		}
		n.play("1m\nwell")
		for i := range hostsKept + 10 {
			n.attempt(fmt.Sprint("host", i), 200)
		}
		if kept := len(n.o.hosts); kept > hostsKept {
			t.Errorf("%d hosts are remembered", kept)
		}
	})
}
