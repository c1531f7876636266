// Package broker connects to NATS or starts the embedded server, and owns every stream, bucket and consumer definition.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/durable"
)

// Options say which NATS to use and what the streams look like.
type Options struct {
	// URL of an external NATS, or several with commas between; empty starts the embedded server.
	URL string
	// Login is how to log in to it, besides what the URL says.
	Login []nats.Option
	// TLS is how the embedded server speaks to publishers; nil: without TLS.
	TLS *tls.Config
	// Listen is the address on which the embedded server takes publishers; empty: only in-process connections.
	Listen string
	// Publishers bounds the connections of all publishers to the embedded server, and PublishersEach those of one account; 0 sets
	// no bound of its own.
	Publishers, PublishersEach int
	// Server is a server in this process to use instead of either; for several nodes in one process, as in tests.
	Server nats.InProcessConnProvider
	// Sync is how often the embedded server has the disk write what it keeps: what a loss of power may cost. 0: before each
	// answer, but for statistics and the attempt log.
	Sync time.Duration
	// Dir holds the embedded server's data. It is made if it is not there.
	Dir string
	// Replicas of every stream and bucket: 1, 3 or 5.
	Replicas int
	// Retention is how long events, attempts and notices are kept.
	Retention time.Duration
	// MaxBytes bounds what the stream EVENTS takes; 0 sets no bound. Full, it refuses publishers.
	MaxBytes int64
	// AckWait is how long an event may be out without a sign of life before it is handed out again.
	AckWait time.Duration
	// Look is how often it is seen whether all streams and consumers are there; 0: every ten seconds.
	Look time.Duration
	Log  *zap.Logger
}

// Broker is the way to the streams and buckets. It is safe for concurrent use.
type Broker struct {
	// Webhooks, Backlogs and Accounts are the journal's buckets.
	Webhooks, Backlogs, Accounts *Bucket
	// Wakes hands out the backlogs to look at, on the connection of the pulls.
	Wakes jetstream.Consumer
	// JetStream publishes and manages.
	JetStream jetstream.JetStream

	options  Options
	clock    clock
	embedded *embedded
	// nc is the connection that is asked and published on, pull that of the pulls, read that of what is read in bulk.
	nc, pull, read *nats.Conn
	events         jetstream.Stream
	attempts       jetstream.Stream
	notices        jetstream.Stream
	dispatch       jetstream.Consumer
	pages          pages
	// progress and bounds ask dispatch and events, once for all who ask at the same time.
	progress together[Progress]
	bounds   together[Bounds]
	answers  together[map[string]extent]
	// positions has the mark of dispatch.
	positions *Bucket
	watch     watch
	// known are accounts, and when it was asked whether there are these.
	known *lru.Cache[string, time.Time]
	// outsize is true if the next event is larger than what the last pull asked for.
	outsize atomic.Bool
	health  health
	// remade has the streams that were made again.
	remade chan string
	// own are the settings of this process, taken those that it began with, and agreed those of all, since Agree.
	own, taken Settings
	agreed     atomic.Pointer[Settings]
	// different are the settings of this process that are not what holds.
	different struct {
		sync.Mutex
		texts []string
	}
	// retention is how long the stream of events keeps them, 0 for without end.
	retention time.Duration
	// first is the sequence of the oldest event at the last look.
	first atomic.Uint64
	// starving are the consumers that hand out nothing though their stream has more.
	starving starving
	// tended are the consumers besides dispatch that are looked after.
	tended tended
	// life ends with the broker.
	life    context.Context
	endLife context.CancelFunc
	// ended has why a connection is closed for good, unless Close closed it.
	ended   chan error
	closing atomic.Bool
	// rewriting has, by webhook, the turn to rewrite its attempt log.
	rewriting sync.Map
	// broke is when the connection that is asked on last broke.
	broke atomic.Pointer[time.Time]
	// denied is what NATS last refused for want of a permission. It tells it to the connection; the request gets no answer.
	denied atomic.Pointer[error]
}

const (
	// Minimum is the first nats-server that sets a consumer back with a stream that lost its newest events. Message schedules
	// (ADR-51) are older.
	Minimum = "2.14.0"
	// Recommended has all fixes of syncs that were lost (nats-server 8456 and 8475).
	Recommended = "2.15.0"
)

// Open connects, or starts the embedded server, and brings the definitions of streams, buckets and consumers up to
// date. It waits for a cluster that has no leader, for as long as the context. Its errors name the address or directory and
// what to do. Close the broker after use.
func Open(ctx context.Context, o Options) (_ *Broker, err error) {
	b := &Broker{
		options: o, ended: make(chan error, 1), watch: watch{
			noted: make(chan struct{}, 1), setBack: make(chan struct{}, 1), written: map[string]uint64{}, fell: map[string]bool{},
		},
		health: health{ill: make(chan struct{}, 1), turn: make(chan struct{}, 1)},
		remade: make(chan string, remadeKept), known: knownAccounts(),
	}
	b.life, b.endLife = context.WithCancel(context.WithoutCancel(ctx))
	b.doubt() // who knows what happened before
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if o.URL == "" && o.Server == nil {
		if b.embedded, err = startEmbedded(o); err != nil {
			return nil, err
		}
	}
	// Publishing and consuming do not share a connection: a pull that waits behind a flood of publishes stands still.
	if b.nc, err = b.connect("saumer", false); err != nil {
		return nil, err
	}
	if b.pull, err = b.connect("saumer pulls", true); err != nil {
		return nil, err
	}
	// Nor do these and what backlogs read: an event of the live path would wait behind megabytes.
	if b.read, err = b.connect("saumer reads", true); err != nil {
		return nil, err
	}
	if v := b.nc.ConnectedServerVersion(); OlderThan(v, Minimum) {
		return nil, fmt.Errorf("nats-server %s at %s is too old: Saumer needs %s or newer, which sets a consumer back with its stream after a loss of power", v, b.nc.ConnectedUrlRedacted(), Minimum)
	} else if OlderThan(v, Recommended) {
		o.Log.Warn("this nats-server may lose more with the power than "+Recommended+", which mends syncs to the disk that were lost",
			zap.String("version", v))
	}
	if most := b.nc.MaxPayload(); most < LargestMessage {
		o.Log.Warn("this nats-server takes smaller messages than an event of the largest size is with its headers: raise its max_payload",
			zap.String("here", strconv.Itoa(LargestMessage)), zap.String("kept", strconv.FormatInt(most, 10)))
	}
	if b.JetStream, err = b.publishing(); err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	if err = b.awaitDefined(ctx); err != nil {
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders) {
			return nil, fmt.Errorf("JetStream is not enabled on %s: start nats-server with -js: %w", b.nc.ConnectedUrlRedacted(), err)
		}
		return nil, err
	}
	if b.embedded != nil {
		// What was made just now: the directories and definitions of streams.
		if err = durable.SyncTree(b.embedded.store); err != nil {
			return nil, fmt.Errorf("sync %s to the disk: %w", b.embedded.store, err)
		}
	}
	return b, nil
}

// Embedded is the address that publishers reach the embedded server at, as a nats:// URL; empty if there is none.
func (b *Broker) Embedded() string {
	if b.embedded == nil || b.options.Listen == "" {
		return ""
	}
	return b.embedded.server.ClientURL()
}

// Admit lets publishers into the embedded server, as the gate says. Until then a login waits. It is for one call, and does
// nothing if NATS is external.
func (b *Broker) Admit(g Gate) {
	if b.embedded != nil {
		b.embedded.publishers.open(b.embedded.server, g, b.options.Listen != "")
	}
}

// InProcess is the embedded server as other connections within the process reach it; nil if NATS is external.
func (b *Broker) InProcess() nats.InProcessConnProvider {
	if b.embedded == nil {
		return nil
	}
	return b.embedded.server
}

// Flush returns when NATS has everything that was published and acknowledged so far, and knows how far the live path is.
func (b *Broker) Flush(ctx context.Context) error {
	if !b.connected() {
		return errAway
	}
	b.turnPages()
	return errors.Join(b.nc.FlushWithContext(ctx), b.pull.FlushWithContext(ctx), b.saveMark(ctx))
}

// Confirm returns when NATS has taken in the acknowledgement of an event, sent to reply, and all that came before it.
func (b *Broker) Confirm(ctx context.Context, reply string) error {
	if !b.connected() {
		return fmt.Errorf("confirm an acknowledgement: %w", errAway)
	}
	if _, err := b.pull.RequestWithContext(ctx, reply, []byte("+ACK")); err != nil {
		return fmt.Errorf("confirm an acknowledgement: %w", err)
	}
	return nil
}

// Close closes the connections and stops the embedded server. It is idempotent.
func (b *Broker) Close() {
	b.closing.Store(true)
	b.endLife()
	for _, nc := range []*nats.Conn{b.pull, b.read} {
		if nc != nil {
			nc.Close()
		}
	}
	if b.nc != nil {
		b.closePages()
		b.nc.Close()
	}
	if b.embedded != nil {
		b.embedded.stop()
	}
}
