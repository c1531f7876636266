package console

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"time"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

const (
	cookieName = "saumer"
	// sessionTime is how long a login lasts.
	sessionTime = 12 * time.Hour
	// sessionForm is the first byte of a cookie's value.
	sessionForm = 2
	// sessionID is the length of a session's id: random base32 of 80 bits.
	sessionID = 16
)

// errNoSession is returned for a request that is not logged in (any more).
var errNoSession = errors.New("nobody is logged in")

// sessions need no storage: a cookie holds an id, the account and the end, signed together with the account's credential, so
// that a new password ends all sessions. One that is ended before its time stands in the account's record. It is safe for
// concurrent use.
type sessions struct {
	key, formKey []byte
	accounts     *registry.Accounts
	now          func() time.Time
}

func newSessions(key []byte, accounts *registry.Accounts, now func() time.Time) *sessions {
	return &sessions{derive(key, "saumer console session"), derive(key, "saumer console form"), accounts, now}
}

// derive makes a key for one purpose.
func derive(key []byte, purpose string) []byte {
	// It fails only for a size beyond 255 hashes (RFC 5869, section 2.3).
	derived, _ := hkdf.Key(sha256.New, key, nil, purpose, sha256.Size)
	return derived
}

func sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// begin makes the cookie of a new session.
func (s *sessions) begin(ctx context.Context, account string, secure bool) (*http.Cookie, error) {
	id := rand.Text()[:sessionID]
	_, credential, err := s.accounts.Session(ctx, account, id)
	if err != nil {
		return nil, err
	}
	data := binary.BigEndian.AppendUint64([]byte{sessionForm}, uint64(s.now().Add(sessionTime).Unix()))
	data = append(append(data, id...), account...)
	data = append(data, sum(s.key, credential[:], data)...)
	return cookie(base64.RawURLEncoding.EncodeToString(data), int(sessionTime/time.Second), secure), nil
}

// end ends the session of a request for good, and makes the cookie that takes the place of its own.
func (s *sessions) end(r *http.Request, secure bool) (*http.Cookie, error) {
	t, _, _, ok := taken(session(r))
	if !ok {
		return cookie("", -1, secure), nil
	}
	return cookie("", -1, secure), s.accounts.EndSession(r.Context(), t.account, t.id, t.until)
}

func cookie(value string, age int, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: root, MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// ticket is what a cookie says.
type ticket struct {
	until       time.Time
	id, account string
}

// taken takes the value of a cookie apart, into what it says, the same as it was signed, and the signature; false if it is none.
func taken(value string) (t ticket, signed, mac []byte, ok bool) {
	const head = 1 + 8 + sessionID
	data, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(data) < head+sha256.Size || data[0] != sessionForm {
		return ticket{}, nil, nil, false
	}
	signed, mac = data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	t = ticket{time.Unix(int64(binary.BigEndian.Uint64(signed[1:])), 0), string(signed[9:head]), string(signed[head:])}
	return t, signed, mac, true
}

// visitor reads the session of a request: errNoSession if there is none that is good.
func (s *sessions) visitor(r *http.Request) (visitor, error) {
	value := session(r)
	t, signed, mac, ok := taken(value)
	if !ok || !s.now().Before(t.until) {
		return visitor{}, errNoSession
	}
	account, credential, err := s.accounts.Session(r.Context(), t.account, t.id)
	if errors.Is(err, record.ErrNotFound) {
		return visitor{}, errNoSession
	}
	if err != nil {
		return visitor{}, err
	}
	if !hmac.Equal(mac, sum(s.key, credential[:], signed)) {
		return visitor{}, errNoSession
	}
	return visitor{Account: account, Form: s.form(value)}, nil
}

func session(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

// form is the token that the forms of a session carry.
func (s *sessions) form(session string) string {
	return base64.RawURLEncoding.EncodeToString(sum(s.formKey, []byte(session)))
}

// ours says whether a form's token is that of the request's session.
func (s *sessions) ours(r *http.Request, token string) bool {
	return hmac.Equal([]byte(token), []byte(s.form(session(r))))
}
