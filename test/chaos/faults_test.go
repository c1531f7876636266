package chaos

import (
	"time"
)

// duplicates says which deliveries may come twice in a fault, and why.
type duplicates string

const (
	none      duplicates = "none"
	handOver  duplicates = "the moment in which a webhook leaves or enters the live path (at most 1 %)"
	slowLooks duplicates = "the moment in which a webhook leaves or enters the live path, as long as a look-up: seconds here (at most 10 %)"
	unwritten duplicates = "what was attempted and not acknowledged or checkpointed when the process ended"
	lateOnes  duplicates = "answers that came after the timeout, and the moment of a hand-over"
	remade    duplicates = "what the consumer had handed out and not acknowledged, and what was acknowledged in the last second"
	restored  duplicates = "what was done since the copy was made"
	powerLost duplicates = "what the live path had acknowledged since the note that it goes back to, and what backlogs forgot"
	setBack   duplicates = "what was handed out since the floor that the live path goes back to"
	lostAcks  duplicates = "acknowledgements that NATS lost, and the moment of a hand-over"
)

// limit is how many percent of the deliveries may come twice; false if that depends on what was under way.
func (d duplicates) limit() (percent int, ok bool) {
	switch d {
	case none:
		return 0, true
	case handOver:
		return 1, true
	case slowLooks:
		return 10, true
	}
	return 0, false
}

// trouble is a fault: it is done and undone within one call.
type trouble struct {
	name  string
	twice duplicates
	do    func(w *world)
}

// clusterTroubles are all faults of the cluster, in the order in which they are played.
func clusterTroubles() []trouble {
	return concat(endpointTroubles(), workerTroubles(), stepTroubles(), redisTroubles(), natsTroubles(), peopleTroubles())
}

func concat(lists ...[]trouble) (all []trouble) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// hold is how long a fault lasts where nothing else says so.
const hold = 6 * time.Second

// pass lets a fault last.
func (w *world) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		w.look()
		time.Sleep(min(lookEach, max(0, time.Until(end))))
	}
}

// between is a time at random.
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)))
}
