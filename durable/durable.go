// Package durable writes files that survive a loss of power: each is there whole or not at all, and so is its name.
package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Create writes a file that is not there yet, and returns when the disk has it and its name. Of several who create it at
// once, one succeeds; the others get fs.ErrExist.
func Create(path string, data []byte) error {
	return write(path, data, func(temporary string) error {
		err := os.Link(temporary, path)
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		if err != nil { // a file system without links
			if _, there := os.Lstat(path); there == nil {
				return fmt.Errorf("create %s: %w", path, fs.ErrExist)
			}
			return os.Rename(temporary, path)
		}
		return os.Remove(temporary)
	})
}

// Replace writes a file in the place of the one that may be there, and returns when the disk has it. Whatever happens
// meanwhile, the file is the former one or the new one.
func Replace(path string, data []byte) error {
	return write(path, data, func(temporary string) error { return os.Rename(temporary, path) })
}

// write writes a file under a name of its own, which place then gives it the right one of.
func write(path string, data []byte, place func(temporary string) error) (err error) {
	temporary := path + "." + rand.Text()
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary) // the error of before says more
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(temporary); err != nil {
		return err
	}
	return Sync(filepath.Dir(path))
}

// Remove removes a file, and returns when the disk knows. It is no error if the file is not there.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Sync(filepath.Dir(path))
}

// MakeDir makes a directory, and those above it that are not there, for this user only, and returns when the disk has them.
func MakeDir(path string) error {
	var made []string
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, dir := range made {
		if err := Sync(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// Sync returns when the disk has what was written to a file, or the names that were made in a directory.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if info, statErr := f.Stat(); statErr == nil && info.IsDir() && runtime.GOOS == "windows" {
		err = nil // it syncs no directories
	}
	return errors.Join(err, f.Close())
}

// SyncTree is Sync of a directory and of all that is in it. What is removed meanwhile needs none.
func SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.IsDir() || entry.Type().IsRegular()) {
			err = Sync(path)
		}
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil
		}
		return err
	})
}
