package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// KeySize is the size of the key that secrets are sealed with, in bytes.
const KeySize = 32

// Sealer encrypts secrets at rest with AES-256-GCM. It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes a sealer of a key of KeySize bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key that seals secrets has %d bytes; it needs %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// Seal encrypts a secret for the place named by context, and opens only there.
func (s *Sealer) Seal(secret, context string) string {
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(context)))
}

// Open decrypts what Seal made. Its error holds nothing of the secret.
func (s *Sealer) Open(sealed, context string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", errors.New("open a sealed secret: it is not base64")
	}
	secret, err := s.aead.Open(nil, nil, raw, []byte(context))
	if err != nil {
		return "", errors.New("open a sealed secret: it was sealed with another key (--secret-key)")
	}
	return string(secret), nil
}

// NewKey draws a random key for NewSealer.
func NewKey() []byte {
	key := make([]byte, KeySize)
	// crypto/rand.Read never fails (Go 1.24).
	_, _ = rand.Read(key)
	return key
}
