package virtual

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

const (
	mailAddress  = "mail.example:25"
	noticeURL    = "http://operations.example/notices"
	noticeHost   = "operations.example:80"
	noticeSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// mailServer is a mail server over in-memory connections.
type mailServer struct {
	server *smtp.Server
	conns  chan net.Conn

	mu    sync.Mutex
	down  bool
	tried int
	mails []string
}

func newMailServer() *mailServer {
	s := &mailServer{conns: make(chan net.Conn)}
	s.server = smtp.NewServer(s)
	s.server.Domain, s.server.ErrorLog = "mail.example", log.New(io.Discard, "", 0) // of clients that hang up
	go func() { _ = s.server.Serve(s) }()                                           // it ends when the listener is closed
	return s
}

func (s *mailServer) Accept() (net.Conn, error) {
	conn, ok := <-s.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (s *mailServer) Close() error   { return nil }
func (s *mailServer) Addr() net.Addr { return &net.UnixAddr{Name: "mail"} }

func (s *mailServer) dial() (net.Conn, error) {
	s.mu.Lock()
	s.tried++
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	s.conns <- theirs
	return ours, nil
}

func (s *mailServer) goes(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// subjects are those of the mails that came, each after whom it was for.
func (s *mailServer) subjects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: s}, nil
}

type mailSession struct {
	server *mailServer
	to     string
}

func (s *mailSession) Reset()                                    {}
func (s *mailSession) Logout() error                             { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }
func (s *mailSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.to+": "+message.Header.Get("Subject"))
	return nil
}

// channels are the ways to people: a mail server, and the operator's receiver of notices.
type channels struct {
	mails    *mailServer
	operator *receiver
}

// open has an app use them.
func (c *channels) open(o *app.Options) {
	c.mails, c.operator = newMailServer(), newReceiver()
	o.SMTP = &notify.SMTP{Host: "mail.example", Port: 25, TLS: notify.Plain}
	o.MailFrom, o.NoticeTo, o.NoticeURL, o.NoticeSecret = "saumer@example.net", "operations@example.net", noticeURL, noticeSecret
	endpoints := o.Dial
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch address {
		case mailAddress:
			return c.mails.dial()
		case noticeHost:
			return c.operator.dial(ctx, network, address)
		}
		return endpoints(ctx, network, address)
	}
}

func (c *channels) close() {
	close(c.mails.conns)
	c.operator.close()
}

// TestEachChannelIsTriedByItself has the mail server and the operator's receiver go at different times, and Saumer
// restart while they are away: each notice arrives once over each, and neither waits for the other.
func TestEachChannelIsTriedByItself(t *testing.T) {
	var to channels
	inWorld(t, to.open, func(w *world) {
		mails, operator := to.mails, to.operator
		id := w.create()
		mails.goes(true)
		w.receiver.goes(true)
		w.publish(0, 1)
		w.pass(time.Hour)
		posted := func(want ...string) {
			t.Helper()
			var got []string
			ids := map[string]bool{}
			for _, h := range operator.seen() {
				got = append(got, h.Get("Saumer-Event"))
				ids[h.Get("webhook-id")] = true
				if h.Get("webhook-signature") == "" || h.Get("Saumer-Webhook") != "1" {
					t.Errorf("a notice was posted with %v", h)
				}
			}
			if !slices.Equal(got, want) || len(ids) != len(want) {
				t.Errorf("posted were %v with %d ids, want %v", got, len(ids), want)
			}
		}
		mailed := func(want ...string) {
			t.Helper()
			got := mails.subjects()
			same := len(got) == len(want)
			for i := range min(len(got), len(want)) {
				same = same && strings.Contains(got[i], want[i])
			}
			if !same {
				t.Errorf("mailed were %q, want %q", got, want)
			}
		}
		// The mail server is away, which keeps no post back.
		posted("notice.failing")
		mailed()
		told, err := w.app.Service().Notices(w.t.Context(), w.account, 0, 0, 10)
		if err != nil || len(told) != 1 || len(told[0].Receipts) != 2 {
			t.Fatalf("the notices are %+v, %v", told, err)
		}
		results := map[string]notify.Receipt{}
		for _, r := range told[0].Receipts {
			results[r.Channel] = r
		}
		if r := results["mail"]; r.Result != notify.Again || r.Attempts < 2 || r.Error == "" {
			t.Errorf("of the mail is told %+v", r)
		}
		if r := results["post"]; r.Result != notify.Arrived || r.Attempts != 1 || r.Error != "" {
			t.Errorf("of the post is told %+v", r)
		}
		if body := operator.bodies()[0]; !strings.Contains(body, `"kind":"failing"`) || !strings.Contains(body, `"host":"receiver.example"`) {
			t.Errorf("posted was %s", body)
		}
		w.restart()
		w.pass(4 * time.Hour)
		if mails.tried < 8 || mails.tried > 40 {
			t.Errorf("the mail server was tried %d times in five hours", mails.tried)
		}
		mailed()
		mails.goes(false)
		w.pass(75 * time.Minute)
		mailed("operations@example.net: receiver.example has not taken events")
		// Now the operator's receiver is away, and then answers with an error.
		operator.goes(true)
		if _, err := w.app.Service().SetContact(w.t.Context(), w.account, account, func(c *registry.Contact) {
			c.Email, c.Language = "anna@example.org", "de"
		}); err != nil {
			t.Error(err)
		}
		w.receiver.goes(false)
		w.pass(time.Hour)
		mailed("operations@example.net:", "anna@example.org: receiver.example nimmt wieder Ereignisse an")
		posted("notice.failing")
		operator.goes(false)
		operator.answers(func(string) int { return http.StatusInternalServerError })
		w.restart()
		w.pass(time.Hour)
		posted("notice.failing")
		operator.answers(func(string) int { return http.StatusOK })
		w.pass(75 * time.Minute)
		posted("notice.failing", "notice.recovered")
		w.pass(day)
		mailed("operations@example.net:", "anna@example.org:")
		posted("notice.failing", "notice.recovered")
		w.tells(id, notify.Failing, notify.Recovered)
		to.close()
	})
}
