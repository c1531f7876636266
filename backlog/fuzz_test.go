package backlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/event"
)

// What is read of the bucket can be worked with and is written as what it was, or it is refused.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":2,"state":"retrying","pending":"AwYCAQ","retries":[{"seq":9,"time":"2026-03-01T12:00:00Z","attempts":2,"since":"2026-03-01T12:00:00Z","next":"2026-03-01T12:00:04Z"}]}`,
		`{"v":2,"state":"catching-up","ordered":true,"spans":[{"from":3,"cursor":4,"anchor":{"seq":3},"to":{"seq":7,"asof":"2026-03-01T12:00:00Z"},"replay":17},{"id":"a","from":9,"cursor":12}]}`,
		`{"v":2,"state":"parked","spans":[{"id":"a","from":9,"cursor":12}],"probe":{"next":"2026-03-01T12:00:00+02:00","failed":3},"told":"0001-01-01T00:00:00+01:00"}`,
		`{"v":2,"state":"leaving","judge":"gone","health":{"attempts":-9,"since":"0001-01-01T00:00:00+01:00"},"alarm":"9999-12-31T23:59:59-23:59"}`,
		`{"v":2,"state":"retrying","outbox":[{"kind":"failing","at":"2026-03-01T12:00:00Z","seqs":[]}],"exhausted":{"seqs":[],"quiet":"2026-03-01T12:00:00Z"}}`,
		`{"v":2,"state":"retrying","pending":"////////////AQ"}`, `{"v":2,"state":"","pending":17}`, `{"state":"retrying","pending":null}`, `{}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data, Form, noon)
		if err != nil {
			return
		}
		readAgain(t, data, r)
	})
}

// readAgain checks that a record is read as what it was written as, and that every question about it has an answer.
func readAgain(t *testing.T, data []byte, r Record) {
	t.Helper()
	described := describe(r, noon)
	written, err := r.Encode()
	if err != nil {
		t.Fatalf("%q was read and cannot be written: %v", data, err)
	}
	read, err := Decode(written, Form, noon)
	if err != nil {
		t.Fatalf("%q was written as %s, which cannot be read: %v", data, written, err)
	}
	if again := describe(read, noon); again != described {
		t.Fatalf("%q was\n%s\nand is\n%s", data, described, again)
	}
	twice := encode(t, read)
	thrice, err := Decode(twice, Form, noon)
	if err != nil || !bytes.Equal(encode(t, thrice), twice) {
		t.Fatalf("%s was read, error %v, and is written as %s", twice, err, encode(t, thrice))
	}
	waiting := slices.Collect(r.Waiting())
	if !slices.IsSortedFunc(waiting, func(a, b event.Position) int { return ascending(a.Seq, b.Seq) }) || len(waiting) != len(r.Pending)+len(r.Retries) {
		t.Errorf("%q: %v wait", data, waiting)
	}
	if lowest, ok := r.Lowest(); ok != (len(waiting)+len(r.Spans) > 0) || len(waiting) > 0 && lowest > waiting[0].Seq {
		t.Errorf("%q: the lowest is %d, %v", data, lowest, ok)
	}
}

// A record of form 1 is read, and what waited in it waits as it did.
func FuzzForm1(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"pending":"AwE","again":"AgABAA","retries":[{"seq":2,"attempts":1,"since":"2026-03-01T12:00:00Z","next":"2026-03-01T12:00:00Z"}],"spans":[{"next":1,"to":5},{"from":5,"next":6}]}`,
		`{"v":1,"want":true,"gone":true,"pending":"AwEEAg","health":{"attempts":1,"since":"2026-03-01T12:00:00Z"},"next":"2026-03-01T12:00:01Z"}`,
		`{"v":1,"parked":true,"noticed":"2026-03-02T12:00:00Z","activated":"2026-03-01T12:00:00Z","spans":[{"from":5,"next":6}],"alarm":"2026-03-01T12:00:00Z","probe":{"next":"2026-03-02T12:00:00Z"},"streak":4}`,
		`{"v":1,"parked":true,"noticed":"9999-12-31T23:59:59-23:59"}`, `{"v":1,"retries":[{"seq":9},{"seq":3}]}`, `{"v":1,"spans":[{"next":3},{"next":9}]}`,
		`{"v":1,"pending":"////////////AQ"}`, `{"v":1,"gone":true}`, `{"v":1}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data, 1, noon)
		if err != nil {
			return
		}
		readAgain(t, data, r)
		var old record1
		if err := json.Unmarshal(data, &old); err != nil {
			t.Fatalf("%q was read, though: %v", data, err)
		}
		for _, p := range old.Pending {
			if pending, _ := r.Waits(p.Position); !pending || r.Attempts(p.Position) != p.Attempts {
				t.Errorf("%q: %d does not wait as it did", data, p.Seq)
			}
		}
		for _, x := range old.Retries {
			if _, retry := r.Waits(event.Position{Seq: x.Seq}); !retry {
				t.Errorf("%q: %d is no retry any more", data, x.Seq)
			}
		}
		if len(r.Spans) != len(old.Spans) {
			t.Errorf("%q: %d spans became %d", data, len(old.Spans), len(r.Spans))
		}
		for i, s := range old.Spans {
			if r.Spans[i].Cursor != s.Next || r.Spans[i].To.Seq != s.To {
				t.Errorf("%q: the span %+v became %+v", data, s, r.Spans[i])
			}
		}
	})
}

// A string of bytes plays a world: each is a command, or says what others do while a runner works. Whatever comes, the record is
// legal and is read as it was written, the same tries make the same of it, and every event that is owed waits in it, by
// itself or in a span. The world checks the first three wherever it writes. In the end the endpoint takes everything, and
// nothing is left.
func FuzzDecisions(f *testing.F) {
	for _, seed := range []string{
		"\x00\x02\x09\x01\x00\x08\x0e\x0c", "\x12\x00\x05\x03\x06\x00\x07\x0b\x0d\x0c", "\x04\x00\x0a\x0f\x00\x10\x02\x0e",
		"\x01\x00\x0b\x0b\x11\x00\x0f\x02\x0e", "\x03\x07\x07\x0c\x13\x00\x14\x00\x02\x0b", "\x01\x15\x00\x16\x00\x17\x09\x18\x00\x19\x09",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(playGame)
}

// TestDecisionsAtRandom plays longer games than a fuzz test without a corpus does.
func TestDecisionsAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		random, moves := rand.New(rand.NewPCG(seed, 0)), make([]byte, 100)
		for i := range moves {
			moves[i] = byte(random.Uint32())
		}
		playGame(t, moves)
	}
}

// playGame plays a world by bytes, and checks it after each command.
func playGame(t *testing.T, moves []byte) {
	g := &game{world: newWorld(t), moves: moves[:min(len(moves), 150)]}
	g.between = g.interfere
	for len(g.moves) > 0 {
		g.move()
		g.check()
	}
	g.finish()
}

// game plays a world by bytes.
type game struct {
	*world
	moves []byte
	// busy is true while somebody else does something.
	busy bool
}

func (g *game) byte() byte {
	if len(g.moves) == 0 {
		return 0
	}
	b := g.moves[0]
	g.moves = g.moves[1:]
	return b
}

// commands are what a byte may stand for.
var commands = []string{
	"publish 1", "publish 3", "up", "down", "slow", "gone", "reject", "reject %d", "tick 1s", "tick 20s", "tick 20m", "tick 25h", "tick 150h",
	"activate", "activate replay", "redeliver %d", "replay %d %d", "rollback %d", "outage on", "outage off", "mode observe", "mode on",
	"mode off", "ordered", "crash opening", "crash closing", "crash attempting", "crash deactivating", "crash activating", "crash telling",
	"lose range", "lose record", "publish 12", "gone %d", "down %d",
	"pause", "move", "unavailable", "unavailable %d",
}

func (g *game) move() {
	text := commands[int(g.byte())%len(commands)]
	near := func() uint64 { return uint64(max(int(g.next())-int(g.byte()%16), 1)) } // up to the next one, which there is not yet
	switch text {
	case "reject %d", "gone %d", "down %d", "unavailable %d", "redeliver %d":
		text = fmt.Sprintf(text, near())
	case "replay %d %d":
		a, b := near(), near()
		text = fmt.Sprintf(text, min(a, b), max(a, b))
	case "rollback %d":
		text = fmt.Sprintf(text, g.byte()%8)
	case "ordered":
		if g.hook.opened > 0 || len(g.stream) > 0 {
			return // a webhook is made so
		}
	case "lose record":
		g.forgive()
	}
	if r, _ := g.load(); len(r.Spans) > MaxSpans/2 && text != "up" {
		text = "up" // a bound of its own, which TestSpansAreBounded sees to
	}
	g.command(text)
}

// forgive forgets what a lost record held by itself, or in a span that has an end: the live path hands it over again.
func (g *game) forgive() {
	known, open := g.opened()
	for p := range g.owed {
		if !open || p.Seq < known.from {
			delete(g.owed, p)
		}
	}
}

// interfere is what others do while a runner works.
func (g *game) interfere() {
	if g.busy || len(g.moves) == 0 {
		return
	}
	g.busy = true
	defer func() { g.busy = false }()
	switch g.byte() % 8 {
	case 0:
		g.publish()
		g.deliver()
	case 1:
		if err := g.redeliver(g.last().Seq); err == nil {
			g.say("redelivered meanwhile")
		}
	case 2:
		if err := g.upsert(func(r *Record) error {
			r.Take(Try{Attempt: delivery.Attempt{Outcome: delivery.Slow, At: g.now}}, &g.rules)
			return nil
		}); err != nil {
			g.tb.Fatal(err)
		}
	}
}

// check checks that every event that is owed waits, and that somebody looks at the record again where there is something to do.
func (g *game) check() {
	g.tb.Helper()
	r, there := g.load()
	step, at := r.Next(g.now)
	switch {
	case !there || step != Wait:
	case at.IsZero() && r.State != Parked && !r.Ordered, !at.IsZero() && !at.After(g.now):
		g.tb.Fatalf("it waits until %s:\n%s", clock(at), g.tell())
	}
	for i := range r.Spans { // before it is used, a cursor goes back with the stream
		r.Spans[i].Cursor, r.Spans[i].Anchor = g.goBack(r.Spans[i])
	}
	for p := range g.owed {
		pending, retry := r.Waits(p)
		if !pending && !retry && !r.Spanned(p) {
			g.tb.Fatalf("%d of %s is lost:\n%s", p.Seq, p.Time, g.tell())
		}
	}
}

// finish has the endpoint take everything. An inactive webhook is activated.
func (g *game) finish() {
	g.between, g.crash = nil, ""
	g.command("up")
	g.command("tick 3h") // a crash has left the lease, and a judgement is due
	if !g.hook.active {
		g.command("activate replay")
	}
	g.command("tick 3h")
	g.check()
	if len(g.owed) > 0 {
		g.tb.Fatalf("%d events are owed in the end:\n%s", len(g.owed), g.tell())
	}
	r, there := g.load()
	if there && !r.Ordered {
		g.tb.Fatalf("something is outstanding in the end:\n%s", g.tell())
	}
	if _, open := g.opened(); open && !g.hook.ordered {
		g.tb.Fatalf("the live path does not get the webhook back:\n%s", g.tell())
	}
}
