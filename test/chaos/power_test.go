package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/saumer/saumer/fault"
)

const (
	// deviceSize is what the file system holds that loses its power.
	deviceSize = 512 << 20
	// shutDown is FS_IOC_SHUTDOWN, and noFlush has it lose what is not synced, its journal too: FS_SHUTDOWN_FLAGS_NOLOGFLUSH.
	shutDown, noFlush = 0x8004587d, 2
	// powerSync is how often the embedded NATS has the disk write in this world.
	powerSync = 5 * time.Second
	// cuts is how often the power is lost.
	cuts = 3
)

// newPower is a process with everything embedded on a file system of its own, which can lose its power.
func newPower(t *testing.T, rng *rand.Rand) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), embedded: true, more: []string{"--nats-sync", powerSync.String()}}
	if err := w.makeDisk(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("make a file system on a loop device, which CI needs: %v", err)
		}
		t.Skipf("A LOSS OF POWER IS NOT TESTED: a file system on a loop device needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := command("umount", "--lazy", w.disk()); err != nil {
			t.Error(err)
		}
	})
	return w.begin(t, rng)
}

// disk is where the file system is mounted, which has all files of the process.
func (w *world) disk() string { return filepath.Join(w.dir, "worker0") }

func (w *world) image() string { return filepath.Join(w.dir, "disk.img") }

func (w *world) makeDisk() error {
	file, err := os.Create(w.image())
	if err != nil {
		return err
	}
	err = errors.Join(file.Truncate(deviceSize), file.Close(), os.Mkdir(w.disk(), 0o700))
	if err == nil {
		err = command("mkfs.ext4", "-q", "-F", w.image())
	}
	if err != nil {
		return err
	}
	return w.mount()
}

func (w *world) mount() error { return command("mount", "-o", "loop", w.image(), w.disk()) }

// command runs a program to its end; its error has what it printed.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// powerTroubles are losses of power of the embedded NATS.
func powerTroubles() []trouble {
	return []trouble{watched(either, trouble{"embedded: the power is lost", powerLost, func(w *world) {
		for i := range cuts {
			w.must(w.hooks[1].set(refuses))
			w.must(w.hooks[2].set(some500))
			w.pass(w.between(2*time.Second, powerSync))
			w.must(w.hooks[1].set(healthy)) // ranges open and end, and events are handed over, within one sync or two
			w.pass(w.between(0, 3*time.Second))
			added := w.hook(fmt.Sprintf("confirmed before cut %d", i), plain)
			w.must(w.hooks[2].set(healthy))
			w.cut(fmt.Sprintf("start %d", i+1))
			w.settle()
			w.remove(added)
		}
	}})}
}

// cut has the power fail, and starts the machine again under a name.
func (w *world) cut(boot string) {
	w.t.Helper()
	w.workers[0].Kill()
	w.pub.paused.Store(true)
	w.must(cutPower(w.disk()))
	w.must(command("umount", w.disk()))
	w.must(w.mount())
	w.start(0, fault.EnvBoot+"="+boot)
	w.missed()
}

// missed has the publisher go on, and takes in which of the accepted events NATS lost with the power: those that had the
// sequence of the first event that comes after them, or a higher one.
func (w *world) missed() {
	w.t.Helper()
	before := w.pub.count()
	w.pub.mu.Lock()
	places := slices.Clone(w.pub.sent[:before])
	w.pub.mu.Unlock()
	w.pub.paused.Store(false)
	w.retry("publish again", func() error {
		if w.pub.count() == before {
			return errors.New("nothing more was accepted")
		}
		return nil
	})
	w.pub.mu.Lock()
	first := w.pub.sent[before].seq
	w.pub.mu.Unlock()
	lost := 0
	for n, place := range places {
		if place.seq >= first && !w.gone[n] {
			w.gone[n] = true
			lost++
		}
	}
	w.t.Logf("NATS lost %d of the accepted events with the power", lost)
}

// cutPower has a file system lose all that is not on its disk.
func cutPower(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	flags := uint32(noFlush)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, file.Fd(), shutDown, uintptr(unsafe.Pointer(&flags)))
	if err := file.Close(); err != nil {
		return err
	}
	if errno != 0 {
		return fmt.Errorf("shut the file system down: %w", errno)
	}
	return nil
}
