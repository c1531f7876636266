package event

import (
	"crypto/rand"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// An event's id is what receivers know it by, whatever happens to the stream: it is a publisher's key, or drawn when the event
// is published through Saumer, or made of the event's position. None of the three meets another, and none has a dot, which
// would let the signature of a delivery be read in two ways (Standard Webhooks, "message id").

const (
	// idHeader bears the id that was drawn, or, beside a message id, the id that was made of the key.
	idHeader = "Saumer-Event-Id"
	// ownID begins every id that no publisher gave.
	ownID = "saumer-"
	// drawnLength is the length of a drawn id's random part, in base32.
	drawnLength = 26
)

// NewID draws the id of an event that is published without a key.
func NewID() string { return ownID + rand.Text() }

// KeyID is the id of an event that was published with a key: the key with its dots, and the few characters that would make two
// keys' ids alike, percent-encoded.
func KeyID(key string) string {
	id := strings.NewReplacer("%", "%25", ".", "%2E").Replace(key)
	if strings.HasPrefix(id, ownID) {
		id = "%73" + id[1:] // its s
	}
	return id
}

// MessageID is the message id that NATS is to know an event with a key by. It has one space of them for all accounts and events,
// so both are in it.
func MessageID(account, name, key string) string { return account + ":" + name + ":" + key }

// KeyOf is the key that an id was made of; false if it was made of none.
func KeyOf(id string) (string, bool) {
	if strings.HasPrefix(id, ownID) {
		return "", false
	}
	key, err := url.PathUnescape(id)
	return key, err == nil && KeyID(key) == id
}

// PositionID is the id of an event that has neither a key nor a drawn id.
func PositionID(p Position) string {
	return ownID + strconv.FormatInt(p.Time.UnixNano(), 36) + "-" + strconv.FormatUint(p.Seq, 10)
}

// PositionOf is the position that an id was made of; false if it was made of none.
func PositionOf(id string) (Position, bool) {
	stamp, number, ok := strings.Cut(strings.TrimPrefix(id, ownID), "-")
	nanos, err := strconv.ParseInt(stamp, 36, 64)
	if !ok || err != nil {
		return Position{}, false
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	p := Position{Seq: seq, Time: time.Unix(0, nanos).UTC()}
	return p, err == nil && PositionID(p) == id
}

// idOf is the id of a stored message of an account.
func idOf(account string, header nats.Header, p Position) string {
	message, id := header.Get(nats.MsgIdHdr), header.Get(idHeader)
	if _, made := KeyOf(id); made && id != "" && message != "" {
		return id
	}
	if key := strings.TrimPrefix(message, account+":"); key != "" {
		return KeyID(key)
	}
	if isDrawn(id) {
		return id
	}
	return PositionID(p)
}

// isDrawn says whether an id has the form of those that NewID draws.
func isDrawn(id string) bool {
	random, own := strings.CutPrefix(id, ownID)
	return own && len(random) == drawnLength && !strings.ContainsFunc(random, func(c rune) bool {
		return (c < 'A' || c > 'Z') && (c < '2' || c > '7')
	})
}

// HasID says whether a stored message's headers say that it is the event with this id. An id that is made of a position is in
// no header; see PositionOf.
func HasID(header nats.Header, account, id string) bool {
	return idOf(account, header, Position{}) == id
}
