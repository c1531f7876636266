package e2e

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// copyHot copies a data directory that is written to meanwhile, as docs/OPERATIONS.md says.
func copyHot(t *testing.T, from, to string) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "saumer.tar")
	err := exec.Command("tar", "--sort=name", "-C", from, "-cf", archive, ".").Run()
	// 1 says that a file changed while it was read.
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Fatal(err)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-C", to, "-xf", archive).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A copy is made under load, of a process with a healthy webhook, one whose endpoint is down, and one that rejects some events.
// Whatever was published before the copy began arrives after it is restored, and so does what is published then.
func TestHotCopyIsRestored(t *testing.T) {
	t.Parallel()
	data, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	healthy, down, broken := receive(t), receive(t), receive(t)
	args := []string{"--allow-cidrs", "127.0.0.0/8", "--timeout", "2s", "--backoff-initial", "200ms", "--backoff-max", "1s"}
	s := serve(t, append(args, "--data", data)...)
	for _, r := range []*receiver{healthy, down, broken} {
		s.create(r.url())
	}
	down.down()
	broken.set(http.StatusInternalServerError, 0)
	var published atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Publish(strconv.Itoa(n), strconv.Itoa(n)); err != nil {
				t.Errorf("publish %d: %v", n, err)
				return
			}
			published.Store(int64(n) + 1)
		}
	}()
	enough := func(more int64) {
		t.Helper()
		for want, deadline := published.Load()+more, time.Now().Add(time.Minute); published.Load() < want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d events were published in a minute", published.Load())
			}
		}
	}
	enough(300)
	before := int(published.Load())
	copyHot(t, data, copied)
	enough(100)
	close(stop)
	<-done
	s.Kill()

	down.up()
	broken.set(http.StatusOK, 0)
	s = serve(t, append(args, "--data", copied)...)
	s.publish(100_000, 100_050)
	for _, r := range []*receiver{healthy, down, broken} {
		r.awaitAll(0, before)
		r.awaitAll(100_000, 100_050)
	}
}

// awaitAll waits until the events [from, to) were taken.
func (r *receiver) awaitAll(from, to int) {
	r.t.Helper()
	for deadline := time.After(2 * time.Minute); ; {
		r.mu.Lock()
		more, missing := r.more, 0
		for n := from; n < to; n++ {
			if r.got[strconv.Itoa(n)] == 0 {
				missing++
			}
		}
		r.mu.Unlock()
		if missing == 0 {
			return
		}
		select {
		case <-more:
		case <-deadline:
			r.t.Fatalf("%d of the events from %d to %d are missing after two minutes", missing, from, to)
		}
	}
}
