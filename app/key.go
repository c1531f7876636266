package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/saumer/saumer/registry"
)

// keyName is the file in the data directory that holds the key which seals secrets.
const keyName = "secret.key"

// keyFile reads the key in the data directory, and makes one where there is none.
func keyFile(dir string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data directory: %w; choose another with --data", err)
	}
	defer func() { _ = root.Close() }() // only read from, or written and closed by WriteFile
	text, err := root.ReadFile(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		key := registry.NewKey()
		if err := root.WriteFile(keyName, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("write the key that seals secrets: %w; choose another directory with --data", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the key that seals secrets: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the key that seals secrets from %s in the data directory: %w", keyName, err)
	}
	return key, nil
}
