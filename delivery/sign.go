package delivery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
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
	var signatures []byte
	for i, secret := range secrets {
		if i > 0 {
			signatures = append(signatures, ' ')
		}
		mac := hmac.New(sha256.New, secret)
		head := make([]byte, 0, len(id)+22)
		head = append(head, id...)
		head = append(head, '.')
		head = strconv.AppendInt(head, at.Unix(), 10)
		head = append(head, '.')
		mac.Write(head)
		mac.Write(body)
		var sum [sha256.Size]byte
		signatures = append(signatures, "v1,"...)
		signatures = base64.StdEncoding.AppendEncode(signatures, mac.Sum(sum[:0]))
	}
	return string(signatures)
}
