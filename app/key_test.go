package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/saumer/saumer/registry"
)

func TestKeyFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = keyFile(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != registry.KeySize || !bytes.Equal(key, keys[0]) {
			t.Errorf("processes that began at once have the keys %x", keys)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, KeyName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
}

// Whoever finds a key that cannot be read is told what to do, and no other key is made in its place.
func TestKeyFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "zeros": strings.Repeat("\x00", 45), "cut": "AAAAAAAA", "blank": "\n", "no base64": "key!",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, KeyName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyFile(dir)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "put the file back from a backup, or give the key with --secret-key") {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s: the file was changed to %q, %v", name, got, err)
		}
	}
}
