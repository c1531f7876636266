package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/saumer/saumer/fault"
	"github.com/saumer/saumer/test/process"
)

const (
	workers = 3
	hooks   = 12
	// patience is how long everything may take to be delivered after a fault is over.
	patience = 3 * time.Minute
	// deactivateAfter and deactivateAttempts are how long and how often a rejected event fails until it is exhausted.
	deactivateAfter, deactivateAttempts = 4 * time.Second, 4
)

// world is Saumer at work: a cluster of three NATS and a Redis with three workers, or one process with all embedded.
type world struct {
	t        *testing.T
	rng      *rand.Rand
	dir      string
	embedded bool

	nats       []*process.NATS
	routes     map[[2]int]*proxy // from, to
	redis      *process.Redis
	redisProxy *proxy // to Redis
	names      *names
	tls        *tlsFiles
	more       []string // flags
	// sync is how often NATS has the disk write what it stores, and users are those of NATS; see process.NATS.
	sync  string
	users map[string]string

	workers []*process.Saumer
	hooks   []*hook
	pub     *publisher
	// noticed is the last of the notices that was read.
	noticed uint64
	// gone are the events that NATS has lost.
	gone map[int]bool
	// past are the sums of the webhooks that are no more, and slowest is how long the slowest settle took, until it is asked for.
	past    sums
	slowest time.Duration
	// witness looks at what is said while a fault lasts; nil if nobody does.
	witness *witness
}

// newWorld starts everything.
func newWorld(t *testing.T, rng *rand.Rand, embedded bool, more ...string) *world {
	t.Helper()
	return (&world{dir: t.TempDir(), embedded: embedded, more: more}).begin(t, rng)
}

// begin starts everything in a world that says how it is to be.
func (w *world) begin(t *testing.T, rng *rand.Rand) *world {
	t.Helper()
	w.t, w.rng, w.routes, w.gone = t, rng, map[[2]int]*proxy{}, map[int]bool{}
	t.Cleanup(w.close)
	var err error
	w.tls, err = newTLS(w.dir)
	w.must(err)
	w.names, err = newNames()
	w.must(err)
	if w.embedded {
		w.startEmbedded()
	} else {
		w.startCluster()
		w.startRedis()
		w.workers = make([]*process.Saumer, workers)
		for i := range w.workers {
			w.start(i)
		}
	}
	for i := range hooks {
		w.hook(fmt.Sprintf("hook %d", i), map[int]kind{0: ordered, hooks - 2: named, hooks - 1: secure}[i])
	}
	w.pub, err = newPublisher(w.natsURL(publishing), *rate)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// startCluster starts the three NATS, which reach each other over proxies.
func (w *world) startCluster() {
	w.t.Helper()
	ports := make([]int, 3)
	for i := range ports {
		var err error
		ports[i], err = process.FreePort()
		w.must(err)
	}
	for i := range ports {
		dir := filepath.Join(w.dir, fmt.Sprintf("nats%d", i))
		w.must(os.Mkdir(dir, 0o700))
		n := &process.NATS{Binary: natsBinary, Dir: dir, Name: fmt.Sprintf("n%d", i), Cluster: ports[i], Sync: w.sync, Users: maps.Clone(w.users)}
		for j, port := range ports {
			if i == j {
				continue
			}
			p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", port))
			w.must(err)
			w.routes[[2]int{i, j}] = p
			n.Routes = append(n.Routes, "nats://"+p.address())
		}
		w.nats = append(w.nats, n)
	}
	for _, n := range w.nats {
		w.must(n.Start())
	}
}

func (w *world) startRedis() {
	w.t.Helper()
	w.redis = &process.Redis{Dir: filepath.Join(w.dir, "redis")}
	w.must(os.Mkdir(w.redis.Dir, 0o700))
	w.must(w.redis.Start())
	var err error
	w.redisProxy, err = newProxy(fmt.Sprintf("127.0.0.1:%d", w.redis.Port))
	w.must(err)
}

// The users of a NATS that asks who somebody is.
const (
	working    = "worker"
	publishing = "publisher"
)

// natsURL is where a user finds NATS.
func (w *world) natsURL(user string) string {
	if w.embedded {
		return (&url.URL{Scheme: "nats", User: url.UserPassword("demo", process.Password), Host: w.listen()}).String()
	}
	login := ""
	if password, ok := w.users[user]; ok {
		login = user + ":" + password + "@"
	}
	var urls []string
	for _, n := range w.nats {
		urls = append(urls, strings.Replace(n.URL(), "://", "://"+login, 1))
	}
	return strings.Join(urls, ",")
}

// listen is the address of the embedded NATS.
func (w *world) listen() string {
	for _, arg := range w.more {
		if address, ok := strings.CutPrefix(arg, "--nats-listen="); ok {
			return address
		}
	}
	return ""
}

func (w *world) startEmbedded() {
	w.t.Helper()
	port, err := process.FreePort()
	w.must(err)
	w.more = append(w.more, fmt.Sprintf("--nats-listen=127.0.0.1:%d", port))
	w.workers = make([]*process.Saumer, 1)
	w.start(0)
}

// start starts a worker; env says how it is to fail.
func (w *world) start(i int, env ...string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, fmt.Sprintf("worker%d", i))
	w.must(os.MkdirAll(dir, 0o700))
	args := []string{
		"--data", filepath.Join(dir, "data"), "--timeout", timeout.String(), "--connect-timeout", "1s", "--grace", "5s",
		"--backoff-initial", "100ms", "--backoff-max", "1s", "--failing-after", "1s", "--deactivate-after", deactivateAfter.String(), "--deactivate-attempts", strconv.Itoa(deactivateAttempts),
		"--allow-cidrs", "127.0.0.0/8", "--max-in-flight", "8", "--secret-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	}
	if !w.embedded {
		args = append(args, "--nats-url", w.natsURL(working), "--redis-url", "redis://"+w.redisProxy.address(), "--replicas", "3")
	}
	env = append(env, "SSL_CERT_FILE="+w.tls.bundle, fault.EnvDNS+"="+w.names.address())
	var err error
	// A cluster without leaders refuses a start; whoever runs it starts it again.
	for deadline := time.Now().Add(time.Minute); ; {
		if w.workers[i], err = process.Start(binary, dir, env, append(args, w.more...)...); err == nil || time.Now().After(deadline) {
			break
		}
	}
	w.must(err)
}

// any is a worker that runs.
func (w *world) any() *process.Saumer {
	for _, i := range w.rng.Perm(len(w.workers)) {
		select {
		case <-w.workers[i].Exited():
		default:
			if !stopped(w.workers[i].PID()) {
				return w.workers[i]
			}
		}
	}
	for i, worker := range w.workers {
		out := worker.Output()
		w.t.Logf("worker %d:\n%s", i, out[max(0, len(out)-8000):])
	}
	w.t.Fatal("no worker runs")
	return nil
}

// retry does something until it succeeds, as a person would.
func (w *world) retry(what string, try func() error) {
	w.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		w.look()
		if err = try(); err == nil {
			return
		}
		var refusal *process.Refusal
		// A login is refused while ACCOUNTS is made again without its first account; from 86 on it is to be tried again.
		if errors.As(err, &refusal) && refusal.Code > 1 && refusal.Code < 86 {
			break
		}
	}
	w.t.Fatalf("%s: %v", what, err)
}

// missing counts what was published before a number and never delivered.
func (w *world) missing(before int) (lost int, text string) {
	for _, h := range w.hooks {
		missing := w.lacks(h, before)
		if len(missing) == 0 {
			h.low = max(h.low, before)
			continue
		}
		h.low = missing[0]
		lost += len(missing)
		text += fmt.Sprintf("%s lacks %d events from %d to %d; ", h.name, len(missing), missing[0], missing[len(missing)-1])
	}
	return lost, text
}

// settle waits until everything that was published before it began is delivered, activating what is inactive, and
// returns what is lost even so.
func (w *world) settle() (took time.Duration, lost int) {
	w.t.Helper()
	began := time.Now()
	defer func() { w.slowest = max(w.slowest, took) }()
	before := w.pub.count()
	var text string
	for looked := began; time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if lost, text = w.missing(before); lost == 0 {
			return time.Since(began), 0
		}
		w.look()
		if time.Since(looked) > time.Second {
			looked = time.Now()
			w.activateAll()
			w.readNotices()
		}
	}
	w.t.Errorf("%v later: %s", patience, text)
	for _, h := range w.hooks {
		h.low = max(h.low, before) // said once
	}
	w.dump()
	return time.Since(began), lost
}

// calm waits until no webhook has a backlog, so that what the next fault does is its own doing. An ordered webhook always
// has one: its last events are enough.
func (w *world) calm() {
	w.t.Helper()
	w.retry("see every webhook live", func() error {
		w.activateAll()
		all, err := w.any().Webhooks()
		if err != nil {
			return err
		}
		for _, hook := range all {
			if hook.Ordered != 0 && hook.State == "lagging" && hook.Lag <= *rate {
				continue
			}
			if hook.State != "live" {
				return fmt.Errorf("webhook %d is %s", hook.ID, hook.State)
			}
		}
		return nil
	})
}

// activateAll is a person who follows each notice's link, and wants the replay.
func (w *world) activateAll() {
	worker := w.any()
	all, err := worker.Webhooks()
	if err != nil {
		return // the next look is in a second
	}
	for _, hook := range all {
		if hook.Active == 0 {
			err := worker.Call("ActivateWebHook", map[string]string{"id": fmt.Sprint(hook.ID), "replayEvents": "1"}, nil)
			if err != nil && !errors.As(err, new(*process.Refusal)) {
				return // likewise
			}
		}
	}
}

// readNotices takes in which events are exhausted.
func (w *world) readNotices() {
	notices, err := w.any().Notices(w.noticed)
	if err != nil {
		return // the next look is in a second
	}
	for _, notice := range notices {
		w.noticed = max(w.noticed, notice.Sequence)
		if notice.Kind != "exhausted" {
			continue
		}
		for _, seq := range notice.Sequences {
			w.pub.mu.Lock()
			n, known := w.pub.numbers[seq]
			w.pub.mu.Unlock()
			for _, h := range w.hooks {
				if known && h.id == notice.Webhook {
					h.givenUp[n] = true
				}
			}
		}
	}
}

// dump shows how everything stands.
func (w *world) dump() {
	w.t.Helper()
	if all, err := w.any().Webhooks(); err == nil {
		for _, hook := range all {
			w.t.Logf("%+v", hook)
		}
	}
	for i, worker := range w.workers {
		out := worker.Output()
		w.t.Logf("worker %d:\n%s", i, out[max(0, len(out)-8000):])
	}
	for _, n := range w.nats {
		out, err := os.ReadFile(filepath.Join(n.Dir, "nats.log"))
		w.t.Logf("%s: %v\n%s", n.Name, err, out[max(0, len(out)-8000):])
	}
}

// sums are what all endpoints together took, and what came out of order to webhooks that are ordered.
type sums struct{ all, twice, back int }

// add adds what a webhook's endpoint took.
func (s *sums) add(h *hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.all += h.all
	s.twice += h.twice
	if h.kind == ordered {
		s.back += h.back
	}
}

func (w *world) sums() sums {
	s := w.past
	for _, h := range w.hooks {
		s.add(h)
	}
	return s
}

// leader is the index of the NATS that leads the stream of events.
func (w *world) leader() int {
	w.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		// An answer may be lost with its server.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		stream, err := w.pub.js.Stream(ctx, "EVENTS")
		cancel()
		if err != nil {
			continue
		}
		if cluster := stream.CachedInfo().Cluster; cluster != nil {
			for i, n := range w.nats {
				if n.Name == cluster.Leader {
					return i
				}
			}
		}
	}
	w.dump()
	w.t.Fatal("the stream of events has no leader")
	return 0
}

// client is a client of the Redis behind the proxy.
func (w *world) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.redis.Port)})
}

func (w *world) close() {
	if w.pub != nil {
		w.pub.close()
	}
	for _, worker := range w.workers {
		if worker != nil {
			_ = worker.Signal(syscall.SIGCONT) // one that is stopped
			worker.Kill()
		}
	}
	for _, h := range w.hooks {
		h.endpoint.close()
	}
	for _, n := range w.nats {
		_ = n.Signal(syscall.SIGCONT)
		n.Kill()
	}
	for _, p := range w.routes {
		p.close()
	}
	if w.redis != nil {
		w.redis.Kill()
		w.redisProxy.close()
	}
	if w.names != nil {
		w.names.close()
	}
}
