package notify

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of links; match them with errors.Is.
var (
	// ErrLink is returned for a token that is none of ours, or not whole.
	ErrLink = errors.New("the link is not valid: it was changed, or did not arrive whole")
	// ErrLinkExpired is returned for a token of ours whose time is over.
	ErrLinkExpired = errors.New("the link has expired")
)

// Link is the right to activate one webhook after one deactivation, whoever has it.
type Link struct {
	Account string
	ID      uint64
	// Deactivated names the deactivation; after another one the link is for nothing.
	Deactivated time.Time
	// Expires is when the right ends, to the second.
	Expires time.Time
}

const (
	// linkPath is the path of links below the public URL.
	linkPath = "/reactivate/"
	// consolePath is the path of the console there.
	consolePath = "/console/"
	// linkForm is the first byte of a token.
	linkForm = 1
	// macSize is how much of the HMAC a token has: 128 bits cannot be guessed, and fit into a line of a mail.
	macSize = 16
	// fixed is the size of what comes before the account's name: form, id, deactivation, end.
	fixed = 1 + 8 + 8 + 8
)

// encoding of a token; strict, so that each link has one token.
var encoding = base64.RawURLEncoding.Strict()

// Links makes and reads signed links. It is safe for concurrent use.
type Links struct {
	key []byte
	// public is where people reach Saumer, without a slash at its end.
	public string
}

// NewLinks makes a Links. The key is the secret key of the installation, from which one for links is derived; the
// public URL is where people reach Saumer.
func NewLinks(key []byte, publicURL string) *Links {
	// It fails only for a size beyond 255 hashes (RFC 5869, section 2.3).
	derived, _ := hkdf.Key(sha256.New, key, nil, "saumer reactivation link", sha256.Size)
	return &Links{key: derived, public: strings.TrimRight(publicURL, "/")}
}

// URL is the address of the page behind the link.
func (l *Links) URL(link Link) string {
	data := make([]byte, 0, fixed+len(link.Account)+macSize)
	data = append(data, linkForm)
	data = binary.BigEndian.AppendUint64(data, link.ID)
	data = binary.BigEndian.AppendUint64(data, uint64(link.Deactivated.UnixNano()))
	data = binary.BigEndian.AppendUint64(data, uint64(link.Expires.Unix()))
	data = append(data, link.Account...)
	return l.public + linkPath + encoding.EncodeToString(append(data, l.mac(data)...))
}

// linked is a notice with its link, if it has one, and its page.
func (l *Links) linked(n Notice) Notice {
	n.Page = l.public + consolePath + "notices"
	if n.Webhook != 0 {
		n.Page = fmt.Sprintf("%s%swebhooks/%d", l.public, consolePath, n.Webhook)
	}
	if n.Link == "" && !n.Deactivated.IsZero() {
		n.Link = l.URL(Link{Account: n.Account, ID: n.Webhook, Deactivated: n.Deactivated, Expires: n.Expires})
	}
	return n
}

// Parse reads the token of a link, the last part of its URL: ErrLink if it is not one of ours, ErrLinkExpired, beside
// the link, if its time is over.
func (l *Links) Parse(token string, now time.Time) (Link, error) {
	data, err := encoding.DecodeString(token)
	// The decoder passes over line breaks, which would give one link several tokens.
	if err != nil || len(data) < fixed+macSize || data[0] != linkForm || strings.ContainsAny(token, "\r\n") {
		return Link{}, ErrLink
	}
	signed, mac := data[:len(data)-macSize], data[len(data)-macSize:]
	if !hmac.Equal(mac, l.mac(signed)) {
		return Link{}, ErrLink
	}
	link := Link{
		ID:          binary.BigEndian.Uint64(signed[1:]),
		Deactivated: time.Unix(0, int64(binary.BigEndian.Uint64(signed[9:]))).UTC(),
		Expires:     time.Unix(int64(binary.BigEndian.Uint64(signed[17:])), 0).UTC(),
		Account:     string(signed[fixed:]),
	}
	if !now.Before(link.Expires) {
		return link, ErrLinkExpired
	}
	return link, nil
}

func (l *Links) mac(data []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write(data)
	return mac.Sum(nil)[:macSize]
}
