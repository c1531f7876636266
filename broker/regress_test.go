package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

func TestLostStreams(t *testing.T) {
	t.Parallel()
	old, later := time.Unix(1_000, 0), time.Unix(2_000, 0)
	const other = bucketPrefix + "WEBHOOKS"
	for name, c := range map[string]struct {
		known, is map[string]extent
		lost      string
	}{
		"nothing known":            {nil, map[string]extent{other: {Made: old, Last: 3}}, "[]"},
		"it goes on":               {map[string]extent{other: {Made: old, Last: 3}}, map[string]extent{other: {Made: old, Last: 3}}, "[]"},
		"it went back":             {map[string]extent{other: {Made: old, Last: 3}}, map[string]extent{other: {Made: old, Last: 2}}, "[KV_WEBHOOKS]"},
		"made anew":                {map[string]extent{other: {Made: old, Last: 3}}, map[string]extent{other: {Made: later}}, "[]"},
		"gone":                     {map[string]extent{other: {Made: old, Last: 3}}, nil, "[]"},
		"the backlogs, made anew":  {map[string]extent{backlogsStream: {Made: old, Last: 3}}, map[string]extent{backlogsStream: {Made: later, Last: 9}}, "[KV_BACKLOGS]"},
		"the backlogs, gone":       {map[string]extent{backlogsStream: {Made: old, Last: 3}}, nil, "[KV_BACKLOGS]"},
		"two of them":              {map[string]extent{backlogsStream: {Made: old, Last: 3}, other: {Made: old, Last: 3}}, map[string]extent{backlogsStream: {Made: old, Last: 1}, other: {Made: old}}, "[KV_BACKLOGS KV_WEBHOOKS]"},
		"the events were given up": {map[string]extent{streamEvents: {Made: old, Last: 3}}, map[string]extent{streamEvents: {Made: later}}, "[]"},
	} {
		if got := fmt.Sprint(lostStreams(c.known, c.is)); got != c.lost {
			t.Errorf("%s: %s, want %s", name, got, c.lost)
		}
	}
}

func TestMachineTellsALossOfPower(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func(boot string, sync time.Duration, lost bool, costs time.Duration) *machine {
		t.Helper()
		m, err := startMachine(dir, sync)
		if err != nil {
			t.Fatal(err)
		}
		m.is.Boot = boot
		if got, is := m.lostPower(); is != lost || got != costs {
			t.Errorf("the power was lost: %v, at the cost of %v, want %v and %v", is, got, lost, costs)
		}
		return m
	}
	here := boot()
	begin(here, 8*time.Second, false, 0) // the first start
	m := begin(here, 8*time.Second, here == "", 12*time.Second*map[bool]time.Duration{true: 1}[here == ""])
	m.is.Boot, m.had = "another start", nil
	if err := m.write(); err != nil {
		t.Fatal(err)
	}
	m = begin(here, time.Minute, true, 12*time.Second) // by the sync of before
	if err := m.stopped(dir); err != nil {
		t.Fatal(err)
	}
	m = begin(here, time.Minute, true, 12*time.Second) // nothing was done about it
	if err := m.settled(); err != nil {
		t.Fatal(err)
	}
	m.is.Boot = here
	if err := m.stopped(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path); !os.IsNotExist(err) {
		t.Errorf("after a stop the file is there: %v", err)
	}
	begin(here, time.Minute, false, 0)
	if err := os.WriteFile(filepath.Join(dir, runName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begin(here, time.Second, true, costOf(unknownSync)) // a file that cannot be read
	var none *embedded
	if costs, lost := none.machineOf().lostPower(); costs != 0 || lost {
		t.Error("a NATS that is not ours lost its power")
	}
}

// copyDir copies a directory to one that is not there.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// note has an event be the floor that was noted at a time before now.
func (b *Broker) noteAt(t *testing.T, seq uint64, ago time.Duration) {
	t.Helper()
	position := event.Position{}
	if seq > 0 {
		var err error
		if position, err = b.positionOf(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	b.watch.change(func(m *mark) { m.Trail = append(m.Trail, note{At: b.Now().Add(-ago), Floor: position}) })
}

// setBackBacklogs has the embedded server end, puts the bucket BACKLOGS back to a copy, and opens again.
func setBackBacklogs(t *testing.T, b *Broker, kept string) *Broker {
	t.Helper()
	b.Close()
	dir := backlogsDir(b)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	copyDir(t, kept, dir)
	return reopen(t, b)
}

func backlogsDir(b *Broker) string {
	return filepath.Join(b.options.Dir, "nats", "jetstream", "$G", "streams", backlogsStream)
}

// hand stands for what is handed over to a backlog.
func hand(t *testing.T, b *Broker, key string) {
	t.Helper()
	if _, err := b.Backlogs.Put(t.Context(), key, []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
}

// What was acknowledged since the last sync, and handed over to a bucket that forgot it, is handed out again; and not at the
// next start.
func TestLivePathGoesBackWithTheBacklogs(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 6), "[1 2 3 4 5 6]")
	hand(t, b, "demo.1")
	b = reopen(t, b)
	kept := filepath.Join(t.TempDir(), "kept")
	copyDir(t, backlogsDir(b), kept)
	b.watch.change(func(m *mark) { m.Trail = nil })
	b.noteAt(t, 2, time.Hour)
	b.noteAt(t, 4, b.costs()+time.Second)
	b.noteAt(t, 6, 0)
	hand(t, b, "demo.2")
	expect(t, "before the loss", take(t, b, 4), "[7 8 9 10]")
	b = setBackBacklogs(t, b, kept)
	setback, err := b.Setback(t.Context())
	if err != nil || setback.Number != 1 || setback.From != 5 || !setback.Open() || setback.Anew || !b.Unsure() {
		t.Errorf("the loss is %+v, %v", setback, err)
	}
	p, err := b.Pull(1, 1<<20, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if m := p.Next(nil); p.Setback() != 1 || m == nil || string(m.Data) != "5" || m.AckSync() != nil || p.Close() != nil {
		t.Errorf("the first pull brought %v after loss %d", m, p.Setback())
	}
	select {
	case <-b.SetBack():
	default:
		t.Error("nobody was told")
	}
	if err := b.SeenTo(t.Context(), setback); err != nil || b.Unsure() {
		t.Error(err, b.Unsure())
	}
	publish(t, b, 11, 13)
	expect(t, "after it", take(t, b, 20), "[6 7 8 9 10 11 12]")
	b = reopen(t, b)
	publish(t, b, 13, 14)
	expect(t, "after another start", take(t, b, 20), "[13]")
	if setback, err := b.Setback(t.Context()); err != nil || setback.Number != 1 || setback.Open() {
		t.Errorf("the loss is %+v, %v", setback, err)
	}
}

// A process that lives on tells by what its writes are answered with that the bucket went back, and one of NATS tells it by
// how far the bucket reaches.
func TestLivePathGoesBackInAProcessThatLivesOn(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 10), "[1 2 3 4 5 6 7 8 9 10]")
	b.noteAt(t, 8, 2*b.costs())
	b.watch.change(func(m *mark) { m.Trail = m.Trail[len(m.Trail)-1:] })
	hand(t, b, "demo.1")
	b.watch.mu.Lock()
	b.watch.written[backlogsStream] += 5 // as if later writes were lost
	b.watch.mu.Unlock()
	hand(t, b, "demo.2")
	expect(t, "after a write that told", take(t, b, 10), "[9 10]")
	hand(t, b, "demo.3")
	expect(t, "once", take(t, b, 10), "[]")

	b.watch.change(func(m *mark) { m.Trail = nil })
	b.noteAt(t, 9, 2*b.costs())
	b.watch.change(func(m *mark) {
		m.Streams = map[string]extent{backlogsStream: {Made: m.Streams[backlogsStream].Made, Last: 100}}
		m.Noted = m.Noted.Add(time.Second)
	})
	if err := b.saveMark(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "after a look", take(t, b, 10), "[10]")
	if setback, err := b.Setback(t.Context()); err != nil || setback.Number != 2 {
		t.Errorf("the loss is %+v, %v", setback, err)
	}
}

// The backlogs are deleted while the process runs: what was handed over is in nobody's hands.
func TestLivePathGoesBackForBacklogsThatAreGone(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 6)
	expect(t, "at first", take(t, b, 5), "[1 2 3 4 5]")
	if err := b.JetStream.DeleteStream(t.Context(), backlogsStream); err != nil {
		t.Fatal(err)
	}
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !b.Unsure() {
		t.Error("what waits is told though it is not known")
	}
	expect(t, "after it", take(t, b, 10), "[1 2 3 4 5]")
	if setback, err := b.Setback(t.Context()); err != nil || !setback.Anew || setback.From != 1 {
		t.Errorf("the loss is %+v, %v", setback, err)
	}
}

// The machine loses its power: nothing need be seen to be missing.
func TestLivePathGoesBackAfterALossOfPower(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 10), "[1 2 3 4 5 6 7 8 9 10]")
	b.watch.change(func(m *mark) { m.Trail = nil })
	b.noteAt(t, 3, b.costs()+time.Second)
	publish(t, b, 11, 12)
	expect(t, "then", take(t, b, 10), "[11]")
	path := b.embedded.machine.path
	b.Close()
	if err := os.WriteFile(path, []byte(`{"v":1,"boot":"another start","sync":10000000000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b = reopen(t, b)
	expect(t, "after the loss", take(t, b, 20), "[4 5 6 7 8 9 10 11]")
	b = reopen(t, b)
	expect(t, "after a stop", take(t, b, 20), "[]")
}
