package security

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/saumer/saumer/test/process"
)

// foreignPassword is that of the account alp, the attacker's.
const foreignPassword = "other horse battery"

// world is a running Saumer with two accounts, each with a webhook: demo, which is attacked, and alp.
type world struct {
	*saumer
	// natsURL is where publishers log in.
	natsURL   string
	demo, alp *endpoint
}

func newWorld(t *testing.T, s *saumer, natsURL string) *world {
	t.Helper()
	w := &world{saumer: s, natsURL: natsURL, demo: receive(t), alp: receive(t)}
	s.must("demo", process.Password, http.MethodPost, "/v1/accounts", map[string]string{"name": "alp", "password": foreignPassword}, nil)
	for _, account := range []string{"demo", "alp"} { // so that the webhook of demo has the id 1
		password := passwords[account]
		target := map[string]*endpoint{"demo": w.demo, "alp": w.alp}[account]
		s.must(account, password, http.MethodPost, "/v1/webhooks", map[string]string{"app": "x", "event": "optin_finalized", "url": target.url}, nil)
	}
	return w
}

var passwords = map[string]string{"demo": process.Password, "alp": foreignPassword}

func embedded(t *testing.T) *world {
	t.Helper()
	s := serve(t, "--nats-listen", "127.0.0.1:0", "--data", t.TempDir())
	url, err := s.Await("Publishers")
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, s, url)
}

// publisher is a connection of an account that collects what it hears.
type publisher struct {
	*nats.Conn
	t     *testing.T
	mu    sync.Mutex
	heard []string
	more  chan struct{}
}

func (w *world) login(account string) *publisher {
	w.t.Helper()
	p := &publisher{t: w.t, more: make(chan struct{}, 1)}
	var err error
	p.Conn, err = process.Connect(w.natsURL, nats.UserInfo(account, passwords[account]), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		w.t.Fatalf("log in as %s: %v", account, err)
	}
	w.t.Cleanup(p.Close)
	return p
}

// hear subscribes, and returns whether that was allowed.
func (p *publisher) hear(subject string) bool {
	p.t.Helper()
	if _, err := p.Subscribe(subject, func(m *nats.Msg) {
		p.mu.Lock()
		p.heard = append(p.heard, fmt.Sprintf("%s (reply %s): %.200s", m.Subject, m.Reply, m.Data))
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
	}); err != nil {
		p.t.Fatal(err)
	}
	return p.allowed() == nil
}

// allowed returns what the server has refused, once it has answered all that was sent: nil if nothing.
func (p *publisher) allowed() error {
	p.t.Helper()
	if err := p.Flush(); err != nil {
		p.t.Fatal(err)
	}
	return p.LastError()
}

func (p *publisher) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heard...)
}

// stored publishes an event with JetStream and returns the answer.
func (p *publisher) stored(subject string, header nats.Header, body string) (*jetstream.PubAck, error) {
	p.t.Helper()
	js, err := jetstream.New(p.Conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return js.PublishMsg(p.t.Context(), &nats.Msg{Subject: subject, Header: header, Data: []byte(body)})
}

// works makes sure that both accounts are as they were: they log in, and their events arrive, and nothing else has.
func (w *world) works(sign string) {
	w.t.Helper()
	for account, e := range map[string]*endpoint{"demo": w.demo, "alp": w.alp} {
		var listed struct {
			Webhooks []struct{} `json:"webhooks"`
		}
		w.must(account, passwords[account], http.MethodGet, "/v1/webhooks", nil, &listed)
		if len(listed.Webhooks) != 1 {
			w.t.Errorf("%s has %d webhooks, not one", account, len(listed.Webhooks))
		}
		body, _ := json.Marshal(sign + account)
		w.must(account, passwords[account], http.MethodPost, "/v1/events/optin_finalized", sign+account, nil)
		e.await(string(body))
	}
	for _, body := range w.demo.bodies() {
		if !strings.Contains(body, "demo") {
			w.t.Errorf("the webhook of demo got %s", body)
		}
	}
}

// walk uses the API as demo does, so that there is something to overhear.
func (w *world) walk() {
	w.t.Helper()
	w.works("walk ")
	for _, path := range []string{
		"/v1/webhooks", "/v1/webhooks/1", "/v1/webhooks/1/attempts", "/v1/webhooks/1/why?event=1", "/v1/webhooks/1/replay", "/v1/stats?span=hour",
		"/v1/notices", "/v1/accounts/demo",
	} {
		w.must("demo", process.Password, http.MethodGet, path, nil, nil)
	}
	for _, path := range []string{"/v1/webhooks/1/redeliver", "/v1/webhooks/2/redeliver", "/v1/webhooks/1/secret"} {
		w.ask("demo", process.Password, http.MethodPost, path, map[string]any{"sequence": 1})
	}
}

// downAndReplayed plays the main job to its end: an endpoint that is gone, a deactivation with a notice, an activation with a
// replay, and questions.
func (w *world) downAndReplayed() {
	w.t.Helper()
	hears := w.login("demo")
	if !hears.hear("notices.demo.>") {
		w.t.Error("demo may not hear its notices")
	}
	w.demo.status.Store(http.StatusServiceUnavailable)
	w.must("demo", process.Password, http.MethodPost, "/v1/events/optin_finalized", "kept for demo", nil)
	state := func(want string) func() bool {
		return func() bool {
			var webhook struct{ State string }
			w.must("demo", process.Password, http.MethodGet, "/v1/webhooks/1", nil, &webhook)
			return webhook.State == want
		}
	}
	w.until("inactive", state("inactive"))
	w.until("told", func() bool { return len(hears.all()) > 0 })
	w.demo.status.Store(0)
	w.must("demo", process.Password, http.MethodPost, "/v1/webhooks/1/activate", map[string]bool{"replay": true}, nil)
	w.demo.await(`"kept for demo"`)
	w.until("live", state("live"))
	w.works("after the replay ")
	for _, path := range []string{"/v1/webhooks/1/attempts", "/v1/webhooks/1/replay", "/v1/notices", "/v1/stats?span=day"} {
		w.must("demo", process.Password, http.MethodGet, path, nil, nil)
	}
}

// foreignSubjects are none of a publisher's.
var foreignSubjects = []string{
	">", "*", "*.>", "_SAUMER.>", "$JS.>", "$JS.API.>", "$KV.>", "$KV.ACCOUNTS.>", "$SYS.>", "_R_.>", "events.>", "events.alp.>", "events.demo.>",
	"notices.>", "notices.demo.>", "notices.*.deactivated", "wake.>", "attempts.>", "rejected.>", "stats.>", "$G.>",
}

// eavesdrop has alp subscribe to everything while demo uses the API.
func eavesdrop(t *testing.T, w *world) {
	p := w.login("alp")
	for _, subject := range []string{"_INBOX.>", "notices.alp.>"} {
		if !p.hear(subject) {
			t.Errorf("alp may not hear %s", subject)
		}
	}
	for _, subject := range foreignSubjects {
		each := w.login("alp")
		if each.hear(subject) {
			t.Errorf("alp may hear %s", subject)
		}
		defer func() {
			if heard := each.all(); len(heard) > 0 {
				t.Errorf("alp heard on %s: %q", subject, heard)
			}
		}()
	}
	w.walk()
	if _, err := w.login("demo").stored("events.demo.optin_finalized", nil, `"of demo"`); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stored("events.alp.optin_finalized", nil, `"of alp"`); err != nil {
		t.Errorf("an event of alp's own: %v", err)
	}
	select {
	case <-p.more: // in order: what came before would have been heard before
	case <-time.After(time.Minute):
	}
	if heard := p.all(); len(heard) != 1 || !strings.Contains(heard[0], `"stream":"EVENTS"`) {
		t.Errorf("of its own answer alp heard %q", heard)
	}
}

// ours are subjects on which something listens that is none of a publisher's business.
var ours = []string{
	"$KV.ACCOUNTS.demo", "$KV.ACCOUNTS.alp", "$KV.WEBHOOKS.demo.1", "$KV.WEBHOOKS.id", "$KV.WEBHOOKS.index", "$KV.BACKLOGS.demo.1", "$KV.POSITIONS.dispatch",
	"$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.NAMES", "$JS.API.INFO", "$JS.API.STREAM.DELETE.KV_ACCOUNTS",
	"$JS.API.CONSUMER.DELETE.EVENTS.dispatch", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.dispatch", "$JS.API.DIRECT.GET.KV_ACCOUNTS.$KV.ACCOUNTS.demo",
	"$JS.ACK.EVENTS.dispatch.1.1.1.1.0", "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "_R_.x", "_SAUMER.x", "wake.now.demo.1", "wake.at.demo.1", "notices.demo.deactivated",
	"attempts.demo.1", "stats.demo", "rejected.events.demo.optin_finalized", "events.demo.optin_finalized", "events.demo.x", "_INBOX.x",
}

// overwrite has alp name subjects of ours for the answer to a publish, and publish there.
func overwrite(t *testing.T, w *world) {
	for _, subject := range ours {
		p := w.login("alp")
		if err := p.PublishRequest("events.alp.optin_finalized", subject, []byte(`"request of alp"`)); err != nil {
			t.Fatal(err)
		}
		// The server refuses some of them as answers, and takes others, whose answer leads nowhere.
		_ = p.allowed()
		p.Close()
		p = w.login("alp")
		if err := p.Publish(subject, []byte(`{"v":99}`)); err != nil {
			t.Fatal(err)
		}
		if p.allowed() == nil {
			t.Errorf("alp may publish on %s", subject)
		}
		p.Close()
	}
	w.works("after the attack ")
}

// forge has alp send headers that NATS or Saumer give a meaning.
func forge(t *testing.T, w *world) {
	for i, header := range []nats.Header{
		{"Nats-Subject": {"events.demo.optin_finalized"}, "Nats-Stream": {"EVENTS"}, "Nats-Sequence": {"1"}, "Nats-Time-Stamp": {"2020-01-01T00:00:00Z"}},
		{"Nats-Request-Info": {`{"acc":"$G","svc":"demo"}`}},
		{"Nats-Trace-Dest": {"$KV.ACCOUNTS.demo"}},
		{"Nats-Trace-Dest": {"events.demo.optin_finalized"}, "Nats-Trace-Only": {"true"}},
		{"Nats-Rollup": {"all"}},
		{"Nats-Schedule": {"@every 1s"}, "Nats-Schedule-Target": {"events.demo.optin_finalized"}},
		{"Nats-TTL": {"1s"}},
		{"Nats-Marker-Reason": {"Purge"}},
		{"KV-Operation": {"PURGE"}},
		{"Nats-Batch-Id": {"x"}, "Nats-Batch-Sequence": {"1"}, "Nats-Batch-Commit": {"1"}},
		{"Saumer-Event-Id": {"saumer-" + strings.Repeat("A", 26)}},
		{"Nats-Expected-Stream": {"KV_ACCOUNTS"}},
		{"Status": {"503"}},
	} {
		p := w.login("alp")
		if err := p.PublishMsg(&nats.Msg{Subject: "events.alp.optin_finalized", Header: header, Data: fmt.Appendf(nil, `"alp forged %d"`, i), Reply: p.NewInbox()}); err != nil {
			t.Fatal(err)
		}
		// The server refuses some, and takes others as what they are: data.
		_ = p.allowed()
		p.Close()
	}
	w.works("after the forged headers ")
}

func TestEmbeddedNATSLetsNobodyIn(t *testing.T) {
	t.Parallel()
	w := embedded(t)
	for name, login := range map[string]nats.Option{
		"no login":                   nats.Name("stranger"),
		"no password":                nats.UserInfo("demo", ""),
		"a wrong password":           nats.UserInfo("demo", "wrong"),
		"another account's password": nats.UserInfo("alp", process.Password),
		"no such account":            nats.UserInfo("nobody", "wrong"),
		"Saumer itself":              nats.UserInfo("SAUMER", ""),
		"an account that is not there, of Saumer's name": nats.UserInfo("saumer", "x"),
		"the system": nats.UserInfo("$SYS", "x"),
		"a token":    nats.Token(process.Password),
	} {
		if nc, err := process.Connect(w.natsURL, login); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("with %s: %v", name, err)
			nc.Close()
		}
	}
	t.Run("overhears nothing", func(t *testing.T) { eavesdrop(t, w) })
	t.Run("writes nothing", func(t *testing.T) { overwrite(t, w) })
	t.Run("forges nothing", func(t *testing.T) { forge(t, w) })
}

// What one account takes is bounded, and takes nothing from another.
func TestPublishersAreBounded(t *testing.T) {
	t.Parallel()
	w := embedded(t)
	t.Run("connections", func(t *testing.T) {
		most := 0
		for range 1000 {
			nc, err := process.Connect(w.natsURL, nats.UserInfo("alp", foreignPassword), nats.NoReconnect())
			if err != nil {
				if !errors.Is(err, nats.ErrMaxAccountConnectionsExceeded) {
					t.Errorf("the connection after %d: %v", most, err)
				}
				break
			}
			t.Cleanup(nc.Close)
			most++
		}
		if most == 0 || most > 250 {
			t.Errorf("one account has %d connections", most)
		}
		if _, err := w.login("demo").stored("events.demo.optin_finalized", nil, `"demo goes on"`); err != nil {
			t.Error(err)
		}
	})
	// The server writes what it has begun to write for ten seconds, and adds nothing meanwhile.
	t.Run("a reader that reads nothing", func(t *testing.T) {
		deaf := w.dial(t, "demo")
		for i := range 100 {
			if _, err := fmt.Fprintf(deaf, "SUB _INBOX.> %d\r\n", i+1); err != nil {
				t.Fatal(err)
			}
		}
		flood := w.login("demo")
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := fmt.Fprint(deaf, "PING\r\n"); err != nil {
					ended <- err
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		for deadline := time.Now().Add(time.Minute); ; {
			select {
			case <-ended:
				return
			default:
			}
			if time.Now().After(deadline) {
				t.Fatal("it is connected after a minute")
			}
			for range 100 {
				if err := flood.PublishRequest("events.demo.optout_finalized", "_INBOX.flood", []byte("1")); err != nil {
					t.Fatal(err)
				}
			}
			if err := flood.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	})
	w.works("after the flood ")
}

// dial logs in by hand, so that nothing is read but what the test reads.
func (w *world) dial(t *testing.T, account string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.natsURL, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT {\"verbose\":true,\"user\":%q,\"pass\":%q}\r\n", account, passwords[account]); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for _, want := range []string{"INFO", "+OK"} {
		line, err := reader.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("the server says %q, %v", line, err)
		}
	}
	return conn
}
