// Package chaos is proof by fault: real processes of the built binary, a NATS cluster and a Redis are made to fail in
// every way that we know, each by itself and in random sequence, while events flow. Every event that JetStream acknowledged
// is delivered to every webhook in the end.
//
//	go test ./test/chaos -chaos.bounded                 every fault at least once, in a few minutes
//	go test ./test/chaos -timeout 0 -chaos.each=5       every fault by itself, five times, with a table
//	go test ./test/chaos -timeout 0 -chaos.minutes=60   random sequences for an hour
package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/test/process"
)

var (
	bounded = flag.Bool("chaos.bounded", false, "play every fault at least once, some of them together")
	each    = flag.Int("chaos.each", 0, "how often to play every fault by itself")
	minutes = flag.Int("chaos.minutes", 0, "how many minutes to play random sequences of faults for")
	only    = flag.String("chaos.fault", "", "play only the faults whose names match this regular expression")
	seed    = flag.Uint64("chaos.seed", 0, "the seed; 0 draws one")
	rate    = flag.Int("chaos.rate", 60, "events a second")
	gone    = flag.Duration("chaos.gone", 10*time.Second, "how long Redis is gone where it is gone for a while")
	table   = flag.String("chaos.report", "", "write the table to this file")
)

var binary, natsBinary string

func TestMain(m *testing.M) {
	flag.Parse()
	code := 1
	dir, err := os.MkdirTemp("", "saumer-chaos")
	if err == nil && (*bounded || *each > 0 || *minutes > 0) {
		if binary, err = process.BuildToFail(dir); err == nil {
			natsBinary, err = process.BuildNATS(dir)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // what is left is in the directory for temporary files
	os.Exit(code)
}

// dice are what is drawn by the seed, which is said.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-chaos.seed=%d", s)
	return rand.New(rand.NewPCG(s, 1))
}

func TestBounded(t *testing.T) {
	if !*bounded {
		t.Skip("every fault at least once: -chaos.bounded")
	}
	process.NeedRedis(t)
	r := newReport(t)
	t.Run("embedded", func(t *testing.T) {
		w := newWorld(t, dice(t), true, "--max-store", embeddedStore)
		w.play(r, chosen(append([]trouble{allEndpoints()}, embeddedTroubles()...)))
	})
	t.Run("cluster", func(t *testing.T) {
		rng := dice(t)
		w := newWorld(t, rng, false)
		all := append([]trouble{allEndpoints()}, workerTroubles()...)
		// Some steps at once, each by another worker; a stop takes long, so that one between fetch and look-up and one
		// drawn at random have to do.
		for steps := range slices.Chunk(fault.Steps, workers-1) {
			all = append(all, stepsTrouble(steps, false))
		}
		drawn := fault.Steps[1+rng.IntN(len(fault.Steps)-1)]
		all = append(all, stepsTrouble([]fault.Step{fault.Fetched, drawn}, true))
		w.play(r, chosen(concat(all, redisTroubles(), natsTroubles(), peopleTroubles())))
	})
	t.Run("ground", func(t *testing.T) {
		newGround(t, dice(t)).play(r, chosen(groundTroubles()))
	})
	t.Run("embedded ground", func(t *testing.T) {
		newEmbeddedGround(t, dice(t)).play(r, chosen(embeddedGroundTroubles()))
	})
	t.Run("power", func(t *testing.T) {
		newPower(t, dice(t)).play(r, chosen(powerTroubles()))
	})
	t.Run("edge", func(t *testing.T) {
		newWorld(t, dice(t), false, "--replay-window", window.String(), "--retention", "1h").edge(r)
	})
}

func TestEach(t *testing.T) {
	if *each == 0 {
		t.Skip("every fault by itself: -chaos.each=N")
	}
	process.NeedRedis(t)
	r := newReport(t)
	t.Run("embedded", func(t *testing.T) {
		w := newWorld(t, dice(t), true, "--max-store", embeddedStore)
		for range *each {
			w.play(r, chosen(embeddedTroubles()))
		}
	})
	t.Run("cluster", func(t *testing.T) {
		w := newWorld(t, dice(t), false)
		for range *each {
			w.play(r, chosen(clusterTroubles()))
		}
	})
}

func TestRandom(t *testing.T) {
	if *minutes == 0 {
		t.Skip("random sequences: -chaos.minutes=N")
	}
	process.NeedRedis(t)
	r := newReport(t)
	w := newWorld(t, dice(t), false)
	all := chosen(clusterTroubles())
	for end := time.Now().Add(time.Duration(*minutes) * time.Minute); time.Now().Before(end) && !t.Failed(); {
		var sequence trouble
		for range 1 + w.rng.IntN(3) {
			next := all[w.rng.IntN(len(all))]
			t.Logf("next: %s", next.name)
			before := sequence.do
			sequence.do = func(w *world) {
				if before != nil {
					before(w)
				}
				next.do(w)
			}
		}
		sequence.name, sequence.twice = "random sequences", unwritten
		w.play(r, []trouble{sequence})
		w.flat(r)
	}
}

// chosen are the faults that -chaos.fault asks for.
func chosen(all []trouble) (some []trouble) {
	pattern := regexp.MustCompile(*only)
	for _, tr := range all {
		if pattern.MatchString(tr.name) {
			some = append(some, tr)
		}
	}
	return some
}
