// Package protocol plays the hand-over between live path and backlog with the real consumer and runner, in virtual
// time: nodes that crash and stall between any two steps, redelivery, endpoints that come and go, deactivation and
// activation, and losses of power, which set the stream and each bucket back independently. No event that NATS holds is lost, none
// is exhausted without a notice, and in the end no record is left.
package protocol

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for go:linkname

	_ "github.com/nats-io/nats-server/v2/server/ats" // its clock
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/replay"
)

var (
	runs    = flag.Int("protocol.runs", 3, "how many worlds of each kind: with crashes or without, and with what goes back")
	first   = flag.Uint64("protocol.seed", 1, "the seed of the first world")
	verbose = flag.Bool("protocol.log", false, "show what the nodes log")
)

// nats-server's clock for ages has a goroutine of the whole process, which no bubble can hold; nothing gets old here.
//
//go:linkname accessUsers github.com/nats-io/nats-server/v2/server/ats.refs
var accessUsers atomic.Int64

func TestMain(m *testing.M) {
	accessUsers.Add(1)
	_, _ = net.LookupHost("localhost") // the resolver's state is to be made outside; whether it finds anything does not matter
	os.Exit(m.Run())
}

const (
	webhooks = 8
	steps    = 150
	optin    = "optin_finalized"
)

var account = registry.Account{Name: "demo", Operator: true}

// tally is what came of a world.
type tally struct{ events, lost, twice, givenUp, activated, setback, gone int }

// kind is what may happen in a world besides: nodes crash, buckets go back, the stream of events goes back.
type kind struct{ crashes, setbacks, rewinds bool }

// losing are the streams that may go back.
func (k kind) losing() (names []string) {
	if k.setbacks {
		names = append(names, buckets...)
	}
	if k.rewinds {
		names = append(names, eventsStream)
	}
	return names
}

func TestNoEventIsLost(t *testing.T) {
	for _, k := range []kind{{}, {crashes: true}, {setbacks: true}, {crashes: true, setbacks: true}, {rewinds: true}, {crashes: true, rewinds: true}, {crashes: true, setbacks: true, rewinds: true}} {
		t.Run(fmt.Sprintf("crashes %v, setbacks %v, rewinds %v", k.crashes, k.setbacks, k.rewinds), func(t *testing.T) {
			var sum tally
			for i := range *runs {
				seed := *first + uint64(i)
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						got := play(t, seed, k)
						sum.events += got.events
						sum.lost += got.lost
						sum.twice += got.twice
						sum.givenUp += got.givenUp
						sum.activated += got.activated
						sum.setback += got.setback
						sum.gone += got.gone
					})
				})
			}
			t.Logf("%d deliveries, %d lost, %d twice, %d exhausted with a notice; %d activations; %d streams and buckets set back, which lost %d",
				sum.events, sum.lost, sum.twice, sum.givenUp, sum.activated, sum.setback, sum.gone)
			// Without a fault, duplicates come only from the short time in which a span opens or closes.
			if k == (kind{}) && sum.twice*100 > sum.events {
				t.Errorf("%d of %d deliveries came twice without a fault", sum.twice, sum.events)
			}
		})
	}
}

// world is two nodes on one server, with an endpoint for each webhook.
type world struct {
	t         *testing.T
	rng       *rand.Rand
	server    *current
	dir       string // of the server's store
	receivers []*receiver
	nodes     []*node
	crashed   []*node
	nc        *nats.Conn // of the world itself
	log       *zap.Logger
	published int
	activated int
	// copied are copies of streams, by name; setback counts how often one was set back to its copy.
	copied  map[string]string
	setback int
}

type node struct {
	app  *app.App
	link *link
	stop context.CancelFunc
	done chan error
}

func play(t *testing.T, seed uint64, k kind) tally {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), log: zap.NewNop(), copied: map[string]string{}}
	if *verbose {
		w.log = zaptest.NewLogger(t)
	}
	w.server, w.dir = &current{}, t.TempDir()
	w.serve()
	for i := range webhooks {
		w.receivers = append(w.receivers, newReceiver(seed*100+uint64(i)))
	}
	w.nodes = []*node{w.node(), w.node()}
	for i := range webhooks {
		if _, _, err := w.nodes[0].app.Service().Create(t.Context(), account, api.CreateInput{
			App: "tourism", Event: optin, URL: fmt.Sprintf("http://r%d.example/", i),
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.connect()
	for range steps {
		w.step(k.crashes)
		if losing := k.losing(); len(losing) > 0 && w.rng.IntN(8) == 0 {
			w.lose(losing)
		}
	}
	w.settle()
	result := w.reconcile(seed)
	w.nc.Close()
	for _, n := range w.nodes {
		n.stop()
		if err := <-n.done; err != nil {
			t.Errorf("stop: %v", err)
		}
		n.link.cut()
	}
	for _, n := range w.crashed {
		<-n.done // with whatever error: what it still tried came to nothing
	}
	for _, r := range w.receivers {
		r.close()
	}
	w.server.Shutdown()
	w.server.WaitForShutdown()
	result.activated, result.setback = w.activated, w.setback
	return result
}

// node starts a node.
func (w *world) node() *node {
	w.t.Helper()
	n := &node{link: newLink(w.server, w.rng.Uint64()), done: make(chan error, 1)}
	key := make([]byte, registry.KeySize)
	o := app.Defaults()
	o.Data, o.NATSServer, o.Account, o.Password, o.SecretKey = w.t.TempDir(), n.link, account.Name, "correct horse", key
	o.MaxInFlight = 4
	o.BackoffInitial, o.BackoffMax = 200*time.Millisecond, 10*time.Second
	o.FailingAfter = 0 // told at once
	o.DeactivateAfter, o.DeactivateAttempts = 10*time.Second, 4
	o.ReplayWindow, o.Retention = 24*time.Hour, 48*time.Hour
	o.Events, o.Version, o.Log, o.Dial = []string{optin}, "test", w.log, w.dial
	a, err := app.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	n.app = a
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() { n.done <- a.Run(ctx) }()
	<-a.Ready()
	return n
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(address, "r"), ".example:80"))
	if err != nil {
		return nil, err
	}
	return w.receivers[i].dial(ctx, network, address)
}

// step does something at random, and lets a little time go by.
func (w *world) step(crashes bool) {
	w.t.Helper()
	switch n := w.rng.IntN(100); {
	case n < 60:
		w.publish(1 + w.rng.IntN(10))
	case n < 80:
		w.receivers[w.rng.IntN(webhooks)].set(mode(w.rng.IntN(int(modes))))
	case n < 88:
		w.receivers[w.rng.IntN(webhooks)].set(up)
	case n < 90:
		w.activate()
	case n < 94 && crashes:
		w.crash(w.rng.IntN(len(w.nodes)))
	case n < 97 && crashes:
		// Longer than a lease, and sometimes longer than the ack wait.
		w.nodes[w.rng.IntN(len(w.nodes))].link.stall(time.Duration(w.rng.IntN(45)) * time.Second)
	case n < 98:
		w.restart(w.rng.IntN(len(w.nodes)))
	default:
		time.Sleep(time.Duration(w.rng.IntN(30)) * time.Second)
	}
	time.Sleep(time.Duration(w.rng.IntN(200)) * time.Millisecond)
}

// activate activates what is inactive, with a replay, over a node.
func (w *world) activate() {
	w.t.Helper()
	service := w.nodes[w.rng.IntN(len(w.nodes))].app.Service()
	// A node that is held up answers nothing; the next look is another time.
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	all, err := service.List(ctx, account, api.ListFilter{})
	if err != nil {
		return
	}
	for _, webhook := range all.Webhooks {
		if webhook.Active {
			continue
		}
		if _, _, err := service.Activate(ctx, account, webhook.ID, true); err == nil {
			w.activated++
		}
	}
}

// publish publishes over a node that can; an event counts once the node says that it is stored.
func (w *world) publish(n int) {
	w.t.Helper()
	for range n {
		data := []byte(strconv.Itoa(w.published))
		for {
			node := w.nodes[w.rng.IntN(len(w.nodes))]
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
			_, err := node.app.Service().Publish(ctx, account, optin, string(data), data)
			cancel()
			if err == nil {
				break
			}
			w.log.Debug("an event was not published", zap.Error(err))
			time.Sleep(100 * time.Millisecond) // it may have said so at once
		}
		w.published++
	}
}

// crash takes a node's link away in the middle of what it does, and starts another.
func (w *world) crash(i int) {
	w.t.Helper()
	old := w.nodes[i]
	old.link.cut()
	old.stop()
	w.nodes[i] = w.node()
	w.crashed = append(w.crashed, old)
}

// restart stops a node gracefully, and starts another.
func (w *world) restart(i int) {
	w.t.Helper()
	old := w.nodes[i]
	old.link.stall(0)
	old.stop()
	if err := <-old.done; err != nil {
		w.t.Errorf("stop: %v", err)
	}
	old.link.cut()
	w.nodes[i] = w.node()
}

// settle lets everything heal and be delivered.
func (w *world) settle() {
	w.t.Helper()
	for _, r := range w.receivers {
		r.set(up)
	}
	for _, n := range w.nodes {
		n.link.stall(0)
	}
	time.Sleep(time.Minute) // what was held up longer is through
	deadline := time.Now().Add(time.Hour)
	for {
		time.Sleep(10 * time.Second)
		webhooks, err := w.nodes[0].app.Service().List(w.t.Context(), account, api.ListFilter{})
		if err != nil {
			w.t.Fatal(err)
		}
		w.activate()
		calm := true
		for _, webhook := range webhooks.Webhooks {
			calm = calm && webhook.Status.State == replay.Live && webhook.Status.Lag == 0
		}
		kept, ranges := w.backlogs(), w.ranges()
		if calm && len(kept) == 0 && ranges == "" && w.drained() {
			return
		}
		if time.Now().After(deadline) {
			for _, webhook := range webhooks.Webhooks {
				w.t.Errorf("an hour later: webhook %d is %+v", webhook.ID, webhook.Status)
			}
			w.t.Errorf("an hour later these backlogs are kept: %s; and these ranges are open: %s", kept, ranges)
			return
		}
	}
}

// backlogs are the records of what is outstanding.
func (w *world) backlogs() (all []string) {
	w.t.Helper()
	b := w.nodes[0].app.Broker()
	if err := b.Backlogs.Walk(w.t.Context(), func(e broker.Entry) error {
		all = append(all, fmt.Sprintf("%s: %s", e.Key, e.Value))
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// drained says whether every event is acknowledged.
func (w *world) drained() bool {
	w.t.Helper()
	progress, err := w.nodes[0].app.Broker().Progress(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	bounds, err := w.nodes[0].app.Broker().Bounds(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return progress.AckFloor == bounds.Last.Seq
}

func (w *world) reconcile(seed uint64) tally {
	w.t.Helper()
	var sum tally
	givenUp, held := w.givenUp(), w.holds()
	for i, r := range w.receivers {
		var lost []int
		r.mu.Lock()
		for n := range w.published {
			count := r.got[strconv.Itoa(n)]
			_, there := held[n]
			switch {
			case count > 0:
				sum.twice += count - 1
			case !there:
				sum.gone++
			case givenUp[delivery{uint64(i) + 1, n}]:
				sum.givenUp++
			default:
				lost = append(lost, n)
			}
		}
		r.mu.Unlock()
		sum.events += w.published
		sum.lost += len(lost)
		if len(lost) > 0 {
			w.t.Errorf("seed %d: webhook %d lost %v of %d", seed, i+1, lost, w.published)
		}
	}
	return sum
}

// delivery is an event for a webhook, by its id.
type delivery struct {
	webhook uint64
	number  int
}

// givenUp are the deliveries that the endpoints rejected to the end, by the notices.
func (w *world) givenUp() map[delivery]bool {
	w.t.Helper()
	notices, err := w.nodes[0].app.Service().Notices(w.t.Context(), account, 0, 0, 1_000_000)
	if err != nil {
		w.t.Fatal(err)
	}
	numbers := map[uint64]int{}
	for n, p := range w.holds() {
		numbers[p.Seq] = n
	}
	all := map[delivery]bool{}
	for _, n := range notices {
		for _, seq := range n.Seqs {
			if number, there := numbers[seq]; there {
				all[delivery{n.Webhook, number}] = true
			}
		}
	}
	return all
}
