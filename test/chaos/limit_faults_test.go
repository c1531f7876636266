package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// diskSize is what the disk of the embedded world holds.
const diskSize = "96m"

// files is how many files a process may have open where there is no lack of them.
const files = 1024

// newEmbeddedGround is a process with everything embedded on a small disk of its own.
func newEmbeddedGround(t *testing.T, rng *rand.Rand) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), embedded: true, more: []string{"--nats-sync", diskSync.String()}}
	disk := filepath.Join(w.dir, "worker0")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=700,size="+diskSize, "tmpfs", disk).CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("mount a small disk, which CI needs: %v: %s", err, out)
		}
		t.Skipf("A FULL DISK IS NOT TESTED: mounting one needs root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", disk).CombinedOutput(); err != nil {
			t.Errorf("unmount the small disk: %v: %s", err, out)
		}
	})
	return w.begin(t, rng)
}

// limitTroubles are a disk and a limit of files that are reached, and then are not any more.
func limitTroubles() []trouble {
	return []trouble{
		watched(unready, trouble{"embedded: the disk is full, and free again", unwritten, func(w *world) {
			filler := filepath.Join(w.dir, "worker0", "filler")
			w.must(fill(filler))
			w.pass(hold)
			w.must(os.Remove(filler))
			w.revive()
		}}),
		watched(either, trouble{"embedded: the limit of files is reached, and raised again", unwritten, func(w *world) {
			pid := w.workers[0].PID()
			open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			w.must(err)
			w.must(limitFiles(pid, len(open)))
			for _, h := range w.hooks[1:4] { // so that new connections are needed
				w.must(h.set(refuses))
				w.must(h.set(healthy))
			}
			w.pass(hold)
			select {
			case <-w.workers[0].Exited():
			default:
				w.must(limitFiles(pid, files))
			}
			w.revive()
		}}),
	}
}

// limitFiles sets how many files a process may have open; it may raise that again.
func limitFiles(pid, most int) error {
	out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pid), fmt.Sprintf("--nofile=%d:", most)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("limit the files of a process: %w: %s", err, out)
	}
	return nil
}

// fill writes a file until the disk has no room.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	for chunk := make([]byte, 64<<10); err == nil; {
		_, err = file.Write(chunk)
	}
	if closed := file.Close(); !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, closed)
	}
	return nil
}

// revive is a supervisor: it waits until the process goes on by itself, or starts one again that could not go on and has
// ended with a sentence and a code.
func (w *world) revive() {
	w.t.Helper()
	began := time.Now()
	accepted := w.pub.count()
	w.retry("see the process go on or end", func() error {
		select {
		case <-w.workers[0].Exited():
			return nil
		default:
		}
		if ready, err := w.workers[0].Readiness(); err != nil || !ready || w.pub.count() == accepted {
			return errors.New("it does neither")
		}
		return nil
	})
	select {
	case <-w.workers[0].Exited():
		if code := w.workers[0].ExitCode(); code <= 0 {
			w.t.Errorf("the process ended with the code %d", code)
		}
		lines := strings.Split(strings.TrimSpace(w.workers[0].Output()), "\n")
		w.t.Logf("the process ended %v after the fault, and is started again: %s", time.Since(began).Round(time.Second), lines[len(lines)-1])
		w.start(0)
	default:
		w.t.Logf("the process went on %v after the fault", time.Since(began).Round(time.Second))
	}
}
