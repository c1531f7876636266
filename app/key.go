package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/saumer/saumer/durable"
	"github.com/saumer/saumer/registry"
)

// KeyName is the file in the data directory that holds the key which seals secrets.
const KeyName = "secret.key"

// keyFile reads the key in the data directory, and makes one where there is none. Of several processes that make one at
// once, all get the same.
func keyFile(dir string) ([]byte, error) {
	path := filepath.Join(dir, KeyName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(base64.StdEncoding.EncodeToString(registry.NewKey()) + "\n")
		if err = durable.Create(path, text); errors.Is(err, fs.ErrExist) {
			text, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("write the key that seals secrets: %w; choose another directory with --data", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the key that seals secrets: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("the key that seals secrets, %s, is empty: %s", path, keyAdvice)
	case err != nil || len(key) != registry.KeySize:
		return nil, fmt.Errorf("the key that seals secrets, %s, is not base64 of %d bytes: %s", path, registry.KeySize, keyAdvice)
	}
	return key, nil
}

// keyAdvice is what to do about a key that cannot be read.
const keyAdvice = "put the file back from a backup, or give the key with --secret-key; " +
	"without the key the secrets of the webhooks that were made cannot be opened; if none was made yet, remove the data directory"
