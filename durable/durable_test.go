package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/saumer/saumer/durable"
)

// names are the files of a directory.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestCreateWritesOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	var wg sync.WaitGroup
	var made atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			switch err := durable.Create(path, fmt.Append(nil, i)); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d of 16 made the file", made.Load())
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the directory has %v", got)
	}
}

func TestReplaceLeavesNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"first", "second"} {
		if err := durable.Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("the file has %q, %v", got, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the directory has %v", got)
	}
	if err := durable.Replace(filepath.Join(dir, "no", "file"), nil); err == nil {
		t.Error("a file was written into a directory that is not there")
	}
	for range 2 { // whether it is there or not
		if err := durable.Remove(path); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, dir); got != nil {
		t.Errorf("the directory has %v", got)
	}
}

func TestMakeDirAndSyncTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	for range 2 {
		if err := durable.MakeDir(deep); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Create(filepath.Join(deep, "file"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncTree(dir); err != nil {
		t.Error(err)
	}
	if err := durable.SyncTree(filepath.Join(dir, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there was synced: %v", err)
	}
}
