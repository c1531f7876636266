package notify

import (
	"errors"
	"net/url"
	"strconv"
)

// ErrSMTP is returned for the URL of a mail server that cannot be used. It holds nothing of the URL.
var ErrSMTP = errors.New("not the URL of a mail server: write it like smtp://user:password@mail.example.org:587 (STARTTLS), smtps://… (TLS from the first byte, port 465), or smtp+plain://localhost:25 (no TLS, and so no password)")

// SMTP is a mail server.
type SMTP struct {
	Host string
	Port int
	// TLS says from when on the connection is encrypted.
	TLS TLS
	// User and Password log in; without a user nobody does.
	User, Password string
}

// TLS says from when on a connection is encrypted.
type TLS int

// The ways.
const (
	StartTLS TLS = iota // from STARTTLS on, which the server must offer
	Implicit            // from the first byte on
	Plain               // never
)

// ParseSMTP reads the URL of a mail server: ErrSMTP.
func ParseSMTP(raw string) (SMTP, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return SMTP{}, ErrSMTP
	}
	s := SMTP{Host: u.Hostname(), User: u.User.Username()}
	s.Password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		s.TLS, s.Port = StartTLS, 587
	case "smtps":
		s.TLS, s.Port = Implicit, 465
	case "smtp+plain":
		s.TLS, s.Port = Plain, 25
	default:
		return SMTP{}, ErrSMTP
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return SMTP{}, ErrSMTP
		}
		s.Port = int(n)
	}
	if s.TLS == Plain && u.User != nil || (s.User == "") != (s.Password == "") {
		return SMTP{}, ErrSMTP
	}
	return s, nil
}
