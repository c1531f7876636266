package broker

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/saumer/saumer/event"
)

// Gate says who may publish on the embedded server.
type Gate interface {
	// MayPublish says whether a secret, such as the account's password, lets whoever has it publish for an account. The address
	// is where the question comes from; empty: nobody tries to log in, a login from before is looked at again. An error says that it cannot be told at the moment.
	MayPublish(ctx context.Context, account, secret, address string) (bool, error)
}

// inside is the user that Saumer itself connects as, with a password of this run. No account can have the name.
const inside = "SAUMER"

const (
	// loginTime is how long a client has for its login, and the gate for its answer.
	loginTime = 5 * time.Second
	// lookEvery is how often publishers are looked after.
	lookEvery = 500 * time.Millisecond
	// againAfter is how long a login holds before the gate is asked again.
	againAfter = 10 * time.Second
	// pendingMost is what may wait for a publisher that does not read, in bytes. More at two looks ends its connection.
	pendingMost = 1 << 20
	// unseen is how long a login is remembered without a connection.
	unseen = time.Minute
	// answerWithin is how long JetStream has to answer a publish. After that the answer finds no way back.
	answerWithin = 10 * time.Second
	// subscriptionsMost bounds the subscriptions of one account. A client needs one for its answers; an answer goes to all that
	// it matches.
	subscriptionsMost = 1000
	// insideMost is room for Saumer's own connections beside those of publishers.
	insideMost = 16
)

// publishers lets them into the embedded server. Saumer's streams, buckets and requests are in the server's global account.
// Each account of Saumer has an account of its own in the server, without JetStream, and of the global one it sees three things:
// it may publish its events, ask whether one of them is known, and hear its notices. An answer comes back through the server, to a subject of the publisher's own
// account, whatever that subject is; and what an account hears there is only its own.
type publishers struct {
	password  string // of inside
	all, most int    // connections of all accounts, and of one
	log       *zap.Logger
	opened    chan struct{} // closed when there is a gate
	gate      Gate
	server    *server.Server // set before opened is closed

	mu     sync.Mutex
	known  map[string]*server.Account
	logins map[string]*login // by the name that the server knows a connection by
	stop   context.CancelFunc
}

// right is what lets somebody publish.
type right struct{ account, secret string }

// login is the right of one connection.
type login struct {
	right
	// at is when the gate was asked last. Only one goroutine looks at it after the login.
	at time.Time
	// seen is when there was the connection, and behind whether too much waited for it then.
	seen   time.Time
	behind bool
}

var _ server.Authentication = (*publishers)(nil)

func newPublishers(o Options) *publishers {
	return &publishers{
		password: rand.Text(), all: cmp.Or(o.Publishers, math.MaxInt16), most: cmp.Or(o.PublishersEach, math.MaxInt16), log: o.Log,
		opened: make(chan struct{}), known: map[string]*server.Account{}, logins: map[string]*login{},
	}
}

// Check lets a client in, and gives it its rights. The server calls it on the client's own goroutine.
func (p *publishers) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == inside {
		c.RegisterUser(&server.User{Username: inside})
		return subtle.ConstantTimeCompare([]byte(o.Password), []byte(p.password)) == 1
	}
	if event.ValidAccount(o.Username) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), loginTime)
	defer cancel()
	may, err := p.ask(ctx, o.Username, o.Password, c.RemoteAddress())
	if err != nil {
		// A client that is refused gives up; one that gets no answer in time tries again.
		<-ctx.Done()
		return false
	}
	if !may {
		return false
	}
	account, err := p.account(o.Username)
	if err != nil {
		p.log.Error("the embedded NATS could not make an account for publishers", zap.String("account", o.Username), zap.Error(err))
		return false
	}
	c.RegisterUser(&server.User{Username: p.remember(o.Username, o.Password), Account: account, Permissions: permissions(o.Username)})
	return true
}

// ask asks the gate, once there is one.
func (p *publishers) ask(ctx context.Context, account, secret string, from net.Addr) (bool, error) {
	select {
	case <-p.opened:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String() // that of a connection within the process
	}
	return p.gate.MayPublish(ctx, account, secret, host)
}

// remember keeps a login, and returns the name that the server is to know the connection by.
func (p *publishers) remember(account, secret string) string {
	name := account + "#" + rand.Text()
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins[name] = &login{right: right{account, secret}, at: now, seen: now}
	return name
}

// permissions are what a publisher of an account may do. The server's account has nothing else that could be reached; they make it say so.
func permissions(account string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"events." + account + ".>", event.JudgePrefix + account + ".>"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", noticesPrefix + account + ".>"}},
	}
}

// account is the server's account for the publishers of an account of Saumer.
func (p *publishers) account(name string) (*server.Account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[name]; known != nil {
		return known, nil
	}
	a, err := p.server.RegisterAccount(name)
	if err != nil {
		return nil, err
	}
	limits := jwt.NewAccountClaims(name)
	limits.Limits.Conn, limits.Limits.Subs = int64(p.most), subscriptionsMost
	p.server.UpdateAccountClaims(a, limits)
	ours, only := p.server.GlobalAccount(), []*server.Account{a}
	events, notices, judge := "events."+name+".>", noticesPrefix+name+".>", event.JudgePrefix+name+".>"
	for _, step := range []func() error{
		func() error { return ours.AddServiceExport(events, only) },
		func() error { return ours.SetServiceExportResponseThreshold(events, answerWithin) },
		func() error { return a.AddServiceImport(ours, events, events) },
		func() error { return ours.AddServiceExport(judge, only) },
		func() error { return a.AddServiceImport(ours, judge, judge) },
		func() error { return ours.AddStreamExport(notices, only) },
		func() error { return a.AddStreamImport(ours, notices, "") },
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("join the account %s: %w", name, err)
		}
	}
	p.known[name] = a
	return a, nil
}

// open has the gate let publishers in; if some come from outside, it looks after them until close.
func (p *publishers) open(s *server.Server, g Gate, outside bool) {
	p.server, p.gate = s, g
	close(p.opened)
	if !outside {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case now := <-look.C:
				p.lookAfter(ctx, now)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// lookAfter ends the connections of those who do not read what comes for them, and of those who may not publish any more.
func (p *publishers) lookAfter(ctx context.Context, now time.Time) {
	if p.forget(now) == 0 {
		return
	}
	z, err := p.server.Connz(&server.ConnzOptions{Username: true, State: server.ConnOpen, Limit: p.all + insideMost})
	if err != nil {
		p.log.Warn("publishers were not looked after", zap.Error(err))
		return
	}
	stale := map[right][]*server.ConnInfo{}
	for _, c := range z.Conns {
		l, slow := p.see(c, now)
		switch {
		case l == nil: // Saumer itself, or somebody who has not logged in yet
		case slow:
			p.end(c, "it does not read what comes for it")
		case now.Sub(l.at) >= againAfter:
			l.at = now
			stale[l.right] = append(stale[l.right], c)
		}
	}
	for r, connections := range stale {
		asking, cancel := context.WithTimeout(ctx, loginTime)
		may, err := p.gate.MayPublish(asking, r.account, r.secret, "")
		cancel()
		if may || err != nil {
			continue
		}
		for _, c := range connections {
			p.end(c, "its login does not hold any more")
		}
	}
}

// see takes in that a connection is there: its login, nil if it has none, and whether too much has waited for it at two looks.
func (p *publishers) see(c *server.ConnInfo, now time.Time) (l *login, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l = p.logins[c.AuthorizedUser]; l == nil {
		return nil, false
	}
	l.seen = now
	before := l.behind
	l.behind = c.Pending > pendingMost
	return l, before && l.behind
}

// end ends a connection.
func (p *publishers) end(c *server.ConnInfo, why string) {
	p.log.Warn("the connection of a publisher was ended: "+why, zap.String("account", c.Account), zap.String("address", c.IP))
	// It fails if the connection has ended by itself.
	_ = p.server.DisconnectClientByID(c.Cid)
}

// forget forgets the logins that have had no connection for a while, and returns how many are left.
func (p *publishers) forget(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, l := range p.logins {
		if now.Sub(l.seen) > unseen {
			delete(p.logins, name)
		}
	}
	return len(p.logins)
}

// close ends looking after publishers.
func (p *publishers) close() {
	if p.stop != nil {
		p.stop()
	}
}
