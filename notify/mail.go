package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/words"
)

// Contacts says how an account's people are told.
type Contacts interface {
	// Get returns an account: record.ErrNotFound.
	Get(ctx context.Context, name string) (registry.Account, error)
}

// MailOptions say how mails are sent.
type MailOptions struct {
	Server SMTP
	// From is the sender's address, To who gets the mails of accounts without an address of their own, and those to the operator;
	// empty: nobody. First is the first account, whose address gets mails to the operator if To is empty.
	From, To, First string
	Contacts        Contacts
	// TLS is nil but in tests, and so is Dial.
	TLS  *tls.Config
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Mail is the channel that mails each notice to its account's address. It is safe for concurrent use.
type Mail struct{ o MailOptions }

var _ Gathering = (*Mail)(nil)

// NewMail makes the channel.
func NewMail(o MailOptions) *Mail { return &Mail{o} }

// Send mails the notice, over a connection of its own. Each attempt has the same Message-ID, so that who gets it twice
// sees it once.
func (m *Mail) Send(ctx context.Context, n Notice, attempt int) error {
	return m.SendAll(ctx, []Notice{n}, attempt)
}

// SendAll mails notices of one cause in one mail.
func (m *Mail) SendAll(ctx context.Context, all []Notice, _ int) error {
	all = newest(all)
	n := all[len(all)-1]
	name := n.Account
	if name == Operator {
		name = m.o.First
	}
	account, err := m.o.Contacts.Get(ctx, name)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return err
	}
	to := account.Contact.Email
	if to == "" || n.Account == Operator && m.o.To != "" {
		to = m.o.To
	}
	if to == "" {
		return ErrNobody
	}
	message, err := m.message(all, to, words.In(account.Contact.Language).At(account.Contact.Location()))
	if err != nil {
		return fmt.Errorf("write the mail: %w: %w", ErrUndeliverable, err)
	}
	client, err := m.client()
	if err != nil {
		return fmt.Errorf("set up the way to the mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		if message.HasSendError() {
			var failed *mail.SendError
			if errors.As(message.SendError(), &failed) && failed.Reason == mail.ErrSMTPRcptTo && !failed.IsTemp() {
				return fmt.Errorf("the mail server does not take mails to this account's address: %w", ErrUndeliverable)
			}
		}
		return fmt.Errorf("send the mail: %s", m.redact(err))
	}
	return nil
}

// redact is an error's text without what logs in, should a server repeat it.
func (m *Mail) redact(err error) string {
	text := err.Error()
	if m.o.Server.Password != "" {
		text = strings.ReplaceAll(text, m.o.Server.Password, "***")
	}
	return text
}

func (m *Mail) client() (*mail.Client, error) {
	s := m.o.Server
	config := m.o.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName = s.Host
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTLSConfig(config), mail.WithTimeout(10 * time.Second)}
	switch s.TLS {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Implicit:
		options = append(options, mail.WithSSL())
	case Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	if m.o.Dial != nil {
		options = append(options, mail.WithDialContextFunc(m.o.Dial))
	}
	return mail.NewClient(s.Host, options...)
}

// message writes the mail of notices, the newest of which is the last.
func (m *Mail) message(all []Notice, to string, s *words.Speaker) (*mail.Msg, error) {
	n := all[len(all)-1]
	l, err := write(s, n)
	if len(all) > 1 {
		l, err = writeAll(s, all)
	}
	if err != nil {
		return nil, err
	}
	message := mail.NewMsg()
	if err := message.From(m.o.From); err != nil {
		return nil, err
	}
	if err := message.To(to); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(strings.TrimSuffix(m.o.From, ">"), "@")
	message.SetMessageIDWithValue(fmt.Sprintf("saumer.%s.%d.%d@%s", n.Kind, n.Sequence, n.At.UnixNano(), domain))
	message.SetDateWithValue(n.At)
	// Nobody's answering machine is to answer (RFC 3834).
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.Subject(l.Subject)
	message.SetBodyString(mail.TypeTextPlain, l.Text)
	message.AddAlternativeString(mail.TypeTextHTML, l.HTML)
	return message, nil
}
