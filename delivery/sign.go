package delivery

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// secretPrefix begins every secret of Standard Webhooks (spec 1.0, "Signature scheme").
const secretPrefix = "whsec_"

// secretSize is the size of a new secret in bytes; the spec asks for 24 to 64.
const secretSize = 32

// NewSecret draws a secret: whsec_ and base64 of 32 random bytes.
func NewSecret() string {
	raw := make([]byte, secretSize)
	_, _ = rand.Read(raw) // never fails (Go 1.24)
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// DecodeSecret returns the bytes that a secret stands for. Its error holds nothing of the secret.
func DecodeSecret(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, errors.New("the secret does not begin with " + secretPrefix)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the secret is not base64 after " + secretPrefix)
	}
	return raw, nil
}

// sign makes the value of webhook-signature: for each secret "v1," and the base64 of HMAC-SHA256 over
// "<id>.<timestamp>.<body>", with spaces between.
func sign(secrets [][]byte, id string, at time.Time, body []byte) string {
	s := signers.Get().(*signer)
	defer signers.Put(s)
	s.head = append(append(s.head[:0], id...), '.')
	s.head = append(strconv.AppendInt(s.head, at.Unix(), 10), '.')
	s.text = s.text[:0]
	for i, secret := range secrets {
		if i > 0 {
			s.text = append(s.text, ' ')
		}
		s.text = append(s.text, "v1,"...)
		s.text = base64.StdEncoding.AppendEncode(s.text, s.mac(secret, s.head, body))
	}
	return string(s.text)
}

// signers are kept for later: crypto/hmac allocates two hashes a key, which took as long as the hashing itself.
var signers = sync.Pool{New: func() any { return &signer{hash: sha256.New()} }}

// signer is what signing needs again and again. It keeps no secret.
type signer struct {
	hash       hash.Hash
	head, text []byte
	pad        [sha256.BlockSize]byte
	sum        [sha256.Size]byte
}

// mac is HMAC-SHA256 (RFC 2104) of a text in two parts. It is good until the next call.
func (s *signer) mac(secret, head, body []byte) []byte {
	defer clear(s.pad[:])
	if len(secret) > len(s.pad) {
		sum := sha256.Sum256(secret)
		copy(s.pad[:], sum[:])
	} else {
		copy(s.pad[:], secret)
	}
	const inner, outer = 0x36, 0x5c
	for i := range s.pad {
		s.pad[i] ^= inner
	}
	s.hash.Reset()
	s.hash.Write(s.pad[:])
	s.hash.Write(head)
	s.hash.Write(body)
	sum := s.hash.Sum(s.sum[:0])
	for i := range s.pad {
		s.pad[i] ^= inner ^ outer
	}
	s.hash.Reset()
	s.hash.Write(s.pad[:])
	s.hash.Write(sum)
	return s.hash.Sum(s.sum[:0])
}
