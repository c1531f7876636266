package console

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
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
	sessionForm = 1
)

// errNoSession is returned for a request that is not logged in (any more).
var errNoSession = errors.New("nobody is logged in")

// sessions are stateless: a cookie holds the account and the end, signed together with the account's credential, so
// that a new password ends all sessions. It is safe for concurrent use.
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
	_, credential, err := s.accounts.Credential(ctx, account)
	if err != nil {
		return nil, err
	}
	data := binary.BigEndian.AppendUint64([]byte{sessionForm}, uint64(s.now().Add(sessionTime).Unix()))
	data = append(data, account...)
	data = append(data, sum(s.key, credential[:], data)...)
	return cookie(base64.RawURLEncoding.EncodeToString(data), int(sessionTime/time.Second), secure), nil
}

// end is the cookie that takes the place of a session's.
func (s *sessions) end(secure bool) *http.Cookie { return cookie("", -1, secure) }

func cookie(value string, age int, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: root, MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// visitor reads the session of a request: errNoSession if there is none that is good.
func (s *sessions) visitor(r *http.Request) (visitor, error) {
	value := session(r)
	data, err := base64.RawURLEncoding.Strict().DecodeString(value)
	const head = 1 + 8
	if err != nil || len(data) < head+sha256.Size || data[0] != sessionForm {
		return visitor{}, errNoSession
	}
	signed, mac := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if s.now().Unix() >= int64(binary.BigEndian.Uint64(signed[1:])) {
		return visitor{}, errNoSession
	}
	account, credential, err := s.accounts.Credential(r.Context(), string(signed[head:]))
	if errors.Is(err, record.ErrNotFound) {
		return visitor{}, errNoSession
	}
	if err != nil {
		return visitor{}, err
	}
	if !hmac.Equal(mac, sum(s.key, credential[:], signed)) {
		return visitor{}, errNoSession
	}
	return visitor{account, s.form(value)}, nil
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
