package broker

import (
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

func TestTrailGoesBackFarEnough(t *testing.T) {
	t.Parallel()
	const costs = 2 * time.Minute
	start := time.Unix(1_000_000, 0)
	var tr trail
	for i := range 3600 {
		if at := start.Add(time.Duration(i) * time.Second); tr.due(at, costs) {
			tr = tr.with(note{At: at, Floor: event.Position{Seq: uint64(i)}}, costs)
		}
	}
	if len(tr) > 2*noteSpacing+2 {
		t.Errorf("%d notes are kept", len(tr))
	}
	newest := tr[len(tr)-1].At
	if newest.Before(start.Add(3599*time.Second - spacing(costs))) {
		t.Errorf("the newest note is of %v", newest)
	}
	cut := start.Add(3599 * time.Second).Add(-costs)
	n, ok := tr.before(cut)
	if !ok || n.At.After(cut) || n.At.Before(cut.Add(-spacing(costs))) {
		t.Errorf("before %v there is %v, %v", cut, n, ok)
	}
	if _, ok := tr.before(tr[0].At.Add(-1)); ok {
		t.Error("there is a note before the first")
	}
}

// Once nothing is acknowledged any more, the notes go on until a loss of power would have nothing come again.
func TestTrailSettles(t *testing.T) {
	t.Parallel()
	const costs = 10 * time.Second
	at := time.Unix(1_000_000, 0)
	tr := trail{}.with(note{At: at, Floor: event.Position{Seq: 1}}, costs).with(note{At: at.Add(time.Second), Floor: event.Position{Seq: 7}}, costs)
	for i := 2; ; i++ {
		settled := tr.settled(7, costs)
		if settled != (tr[len(tr)-1].At.Sub(at) >= costs+time.Second) {
			t.Errorf("after %v it is settled: %v", tr[len(tr)-1].At.Sub(at), settled)
		}
		if settled {
			break
		}
		tr = tr.with(note{At: at.Add(time.Duration(i) * time.Second), Floor: event.Position{Seq: 7}}, costs)
	}
	if tr.settled(8, costs) {
		t.Error("it is settled for a floor that it does not have")
	}
	if n, _ := tr.before(tr[len(tr)-1].At.Add(-costs)); n.Floor.Seq != 7 {
		t.Errorf("a loss of power has come again what is above %d", n.Floor.Seq)
	}
	if !(trail{{At: at}}).settled(0, 0) {
		t.Error("where a loss of power costs nothing, something is to be noted")
	}
}
