package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/words"
)

// mailbox is a mail server that keeps what it takes.
type mailbox struct {
	mu    sync.Mutex
	mails []received
	// fails is the answer to every recipient, if set.
	fails *smtp.SMTPError
}

type received struct {
	from, to, user string
	encrypted      bool
	data           string
}

const smtpUser, smtpPassword = "saumer@mail", "p@ss/word:1"

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{box: b, conn: c}, nil
}

type session struct {
	box  *mailbox
	conn *smtp.Conn
	mail received
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != smtpUser || password != smtpPassword {
			return fmt.Errorf("wrong password %s", password) // some servers do say so much
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.mail.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.fails != nil {
		return s.box.fails
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(data)
	_, s.mail.encrypted = s.conn.TLSConnectionState()
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// last is the last of a number of mails.
func (b *mailbox) last(t *testing.T, n int) received {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mails) != n {
		t.Fatalf("%d mails arrived, want %d", len(b.mails), n)
	}
	return b.mails[n-1]
}

// serveMail starts a mail server on loopback and returns its URL without the scheme.
func serveMail(t *testing.T, box *mailbox, config *tls.Config, implicit bool) string {
	t.Helper()
	server := smtp.NewServer(box)
	server.Domain, server.TLSConfig = "localhost", config
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if implicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }() // it ends with smtp.ErrServerClosed
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return address
}

// certificate makes the TLS of a server at 127.0.0.1, and of a client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// people are accounts with a contact.
type people map[string]registry.Contact

func (p people) Get(_ context.Context, name string) (registry.Account, error) {
	contact, ok := p[name]
	if !ok {
		return registry.Account{}, record.ErrNotFound
	}
	return registry.Account{Name: name, Contact: contact}, nil
}

var accounts = people{"anna": {Email: "anna@example.org"}, "bert": {Email: "bert@example.org", Language: "de", Zone: "Europe/Zurich"}, "carl": {}}

func deactivation(account string) Notice {
	return Notice{
		Version: 1, Kind: Deactivated, Account: account, Webhook: 7, App: `news & <b>"more"</b>`, Event: "optin_finalized", Host: "hooks.example.com:8443",
		At: noon, Reason: "hooks.example.com:8443: the connection was refused", Since: noon.Add(-24 * time.Hour), Buffered: 4711,
		ReplayUntil: noon.Add(120 * time.Hour), Link: "https://saumer.example.org/reactivate/AQIDBA", Expires: noon.Add(29 * 24 * time.Hour), Sequence: 12,
	}
}

// parts are the subject and the bodies of a mail, by content type.
func parts(t *testing.T, data string) (header netmail.Header, bodies map[string]string) {
	t.Helper()
	message, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is %s, %v", kind, err)
	}
	bodies = map[string]string{}
	for reader := multipart.NewReader(message.Body, parameters["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return message.Header, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
		bodies[kind] = string(text)
	}
}

func TestMailsOverTLSWithALogin(t *testing.T) {
	t.Parallel()
	server, client := certificate(t)
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var box mailbox
			address := serveMail(t, &box, server, scheme == "smtps")
			to, err := ParseSMTP(scheme + "://saumer%40mail:p%40ss%2Fword%3A1@" + address)
			if err != nil {
				t.Fatal(err)
			}
			m := NewMail(MailOptions{Server: to, From: "saumer@example.net", To: "operations@example.net", Contacts: accounts, TLS: client})
			for i, want := range [][2]string{{"anna", "anna@example.org"}, {"bert", "bert@example.org"}, {"carl", "operations@example.net"}, {"deleted", "operations@example.net"}} {
				if err := m.Send(t.Context(), deactivation(want[0]), 1); err != nil {
					t.Fatal(err)
				}
				got := box.last(t, i+1)
				if got.from != "saumer@example.net" || got.to != want[1] || got.user != smtpUser || !got.encrypted {
					t.Errorf("the mail for %s: %+v", want[0], got)
				}
			}
			// Whom nobody named gets none.
			m = NewMail(MailOptions{Server: to, From: "saumer@example.net", Contacts: accounts, TLS: client})
			if err := m.Send(t.Context(), deactivation("carl"), 1); !errors.Is(err, ErrNobody) {
				t.Fatal(err)
			}
			box.last(t, 4)
		})
	}
}

func TestMailsSayWhatIsToBeDone(t *testing.T) {
	t.Parallel()
	server, client := certificate(t)
	var box mailbox
	to, err := ParseSMTP("smtp://" + serveMail(t, &box, server, false))
	if err != nil {
		t.Fatal(err)
	}
	m := NewMail(MailOptions{Server: to, From: "saumer@example.net", Contacts: accounts, TLS: client})
	for i, c := range []struct{ account, subject, time, button, count, reason string }{
		{"anna", "The webhook to hooks.example.com:8443 is deactivated", "6 March 2026, 12:00 UTC", "See what happened, and activate", "4,711", "the connection was refused"},
		{"bert", "Der Webhook zu hooks.example.com:8443 ist deaktiviert", "06.03.2026, 13:00 MEZ", "Ansehen und aktivieren", "4.711", "die Verbindung wurde abgelehnt"},
	} {
		for attempt := range 2 {
			if err := m.Send(t.Context(), deactivation(c.account), attempt+1); err != nil {
				t.Fatal(err)
			}
		}
		header, bodies := parts(t, box.last(t, 2*i+2).data)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || subject != c.subject || header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("the subject is %q, %v", subject, err)
		}
		if first, _ := parts(t, box.mails[2*i].data); first.Get("Message-Id") == "" || first.Get("Message-Id") != header.Get("Message-Id") {
			t.Errorf("two attempts have the ids %q and %q", first.Get("Message-Id"), header.Get("Message-Id"))
		}
		plain, rich := bodies["text/plain"], bodies["text/html"]
		for _, want := range []string{c.count, c.time, c.button, "https://saumer.example.org/reactivate/AQIDBA", "optin_finalized", c.reason} {
			if !strings.Contains(plain, want) || !strings.Contains(rich, want) {
				t.Errorf("%q is missing in\n%s\n%s", want, plain, rich)
			}
		}
		if !strings.Contains(plain, `news & <b>"more"</b>`) || strings.Contains(rich, "<b>") || !strings.Contains(rich, "news &amp; &lt;b&gt;") {
			t.Errorf("the app's name is shown as\n%s\n%s", plain, rich)
		}
	}
}

func TestEveryKindIsWrittenInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range registry.Languages {
		for _, kind := range []Kind{Failing, Deactivated, Recovered, Exhausted, Reachable, Lost} {
			n := deactivation("anna")
			n.Kind, n.Deactivation, n.Seqs, n.Attempts = kind, noon.Add(time.Hour), []uint64{3, 5}, 10
			if kind == Lost {
				n = Notice{Version: form, Kind: Lost, Account: Operator, At: noon, Since: noon, Until: noon.Add(time.Hour), Events: 4711}
			}
			n.Page = "https://saumer.example.org/console/"
			l, err := write(words.In(language), n)
			if err != nil {
				t.Fatal(err)
			}
			if about := map[bool]string{true: words.In(language).Number(4711), false: "hooks.example.com"}[kind == Lost]; l.Subject == "" || !strings.Contains(l.Text, about) || !strings.Contains(l.HTML, l.Subject) || strings.Contains(l.Text+l.HTML, "%!") || !strings.Contains(l.Text, "https://") {
				t.Errorf("%s in %s: %+v", kind, language, l)
			}
			if kind == Exhausted && !strings.Contains(l.Text, "3, 5") {
				t.Errorf("the exhausted events are missing in\n%s", l.Text)
			}
		}
	}
}

func TestMailErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	server, client := certificate(t)
	var box mailbox
	address := serveMail(t, &box, server, false)
	for name, o := range map[string]MailOptions{
		"wrong password": {Server: SMTP{Password: "not-the-password", User: smtpUser}, TLS: client},
		"not trusted":    {Server: SMTP{Password: smtpPassword, User: smtpUser}},
	} {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(port, &o.Server.Port); err != nil {
			t.Fatal(err)
		}
		o.Server.Host, o.From, o.Contacts = host, "saumer@example.net", accounts
		err = NewMail(o).Send(t.Context(), deactivation("anna"), 1)
		if err == nil || errors.Is(err, ErrUndeliverable) || strings.Contains(err.Error(), o.Server.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if len(box.mails) != 0 {
		t.Errorf("%d mails were taken", len(box.mails))
	}
}

func TestNoticeToRefusedRecipientIsDropped(t *testing.T) {
	t.Parallel()
	server, client := certificate(t)
	for code, want := range map[int]bool{550: true, 451: false} {
		box := mailbox{fails: &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}}
		to, err := ParseSMTP("smtp://" + serveMail(t, &box, server, false))
		if err != nil {
			t.Fatal(err)
		}
		m := NewMail(MailOptions{Server: to, From: "saumer@example.net", Contacts: accounts, TLS: client})
		if err := m.Send(t.Context(), deactivation("anna"), 1); err == nil || errors.Is(err, ErrUndeliverable) != want {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestParseSMTP(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]SMTP{
		"smtp://mail.example.org":            {Host: "mail.example.org", Port: 587},
		"smtp://u:p%40@mail.example.org:25/": {Host: "mail.example.org", Port: 25, User: "u", Password: "p@"},
		"smtps://u%40x:p@mail.example.org":   {Host: "mail.example.org", Port: 465, TLS: Implicit, User: "u@x", Password: "p"},
		"smtp+plain://localhost":             {Host: "localhost", Port: 25, TLS: Plain},
		"smtp+plain://[::1]:2525":            {Host: "::1", Port: 2525, TLS: Plain},
	} {
		if got, err := ParseSMTP(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:0", "smtp://h:x", "smtp://h/path", "smtp://h?tls=no", "smtp://user@h", "smtp+plain://u:secret@h"} {
		if _, err := ParseSMTP(raw); !errors.Is(err, ErrSMTP) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// A mail about several webhooks names each, with its link, in both languages.
func TestLettersOfSeveral(t *testing.T) {
	t.Parallel()
	for _, language := range registry.Languages {
		for _, kind := range []Kind{Failing, Deactivated, Recovered, Exhausted, Reachable} {
			var all []Notice
			for i, id := range []uint64{7, 8, 7} {
				n := deactivation("anna")
				n.Kind, n.Webhook, n.Seqs, n.Link = kind, id, []uint64{uint64(i + 1)}, fmt.Sprintf("https://saumer.example.org/reactivate/%d", i)
				all = append(all, n)
			}
			kept := newest(all)
			if len(kept) != 2 || kept[0].Webhook != 8 || kept[1].Link != all[2].Link {
				t.Fatalf("of three notices of two webhooks are kept %+v", kept)
			}
			if want := map[bool][]uint64{true: {1, 3}, false: {3}}[kind == Exhausted]; !slices.Equal(kept[1].Seqs, want) {
				t.Errorf("the notice of %s names %v", kind, kept[1].Seqs)
			}
			l, err := writeAll(words.In(language), kept)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Webhook 7", "Webhook 8", "https://saumer.example.org/reactivate/1", "https://saumer.example.org/reactivate/2", "hooks.example.com:8443"} {
				if !strings.Contains(l.Text, want) || !strings.Contains(l.HTML, want) {
					t.Errorf("%s in %s lacks %q: %s", kind, language, want, l.Text)
				}
			}
			if !strings.Contains(l.Subject, "2 ") && !strings.Contains(l.Subject, " 2") || strings.Contains(l.Text+l.HTML, "%!") {
				t.Errorf("%s in %s: %+v", kind, language, l)
			}
		}
	}
}
