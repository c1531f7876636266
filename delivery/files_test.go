package delivery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/saumer/saumer/http1/http1test"
)

// files are those of a process that may open only some.
type files struct{ open, most, refused atomic.Int32 }

// file is a connection that holds one.
type file struct {
	net.Conn
	close func()
}

func (f *file) Close() error {
	f.close()
	return f.Conn.Close()
}

// dial makes a connection to an endpoint that takes everything, a moment after it came; without a file it fails as the system
// does.
func (f *files) dial(context.Context, string, string) (net.Conn, error) {
	if n := f.open.Add(1); n > f.most.Load() {
		f.open.Add(-1)
		f.refused.Add(1)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	ours, theirs := net.Pipe()
	go func() {
		for r := bufio.NewReader(theirs); http1test.ReadRequest(r) > 0; {
			time.Sleep(100 * time.Millisecond)
			if _, err := io.WriteString(theirs, http1test.Accepting); err != nil {
				break
			}
		}
		_ = theirs.Close() // a pipe's never fails
	}()
	return &file{ours, sync.OnceFunc(func() { f.open.Add(-1) })}, nil
}

// Where files are short, idle connections give way to those that are needed, and attempts wait for one another; none fails.
func TestConnectionsGiveWayWhereFilesAreShort(t *testing.T) {
	t.Parallel()
	for way, size := range map[string]int{"direct": 500, "net/http": 61_000} {
		for name, atOnce := range map[string]int{"one at a time": 1, "more at once than files": 40} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := &files{}
					f.most.Store(10)
					c := NewClient(Options{Timeout: 15 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: 100, Version: "test", Dial: f.dial})
					hosts := make(chan int)
					var wg sync.WaitGroup
					for range atOnce {
						wg.Go(func() {
							for host := range hosts {
								a := c.Do(t.Context(), Target{ID: "7", URL: fmt.Sprintf("http://host%d.test/", host)}, Request{Event: "e", ID: "1", Data: make([]byte, size), Number: 1})
								if a.Outcome != Delivered {
									t.Errorf("host %d: %s, %q", host, a.Outcome, a.Error)
								}
							}
						})
					}
					for round := range 3 {
						for host := range 60 {
							hosts <- host + round
						}
					}
					close(hosts)
					wg.Wait()
					if f.refused.Load() == 0 {
						t.Error("files were not short")
					}
					c.Close()
					synctest.Wait()
					if n := f.open.Load(); n != 0 {
						t.Errorf("%d connections are left", n)
					}
				})
			})
		}
	}
}

// An attempt that gets no file in its time ends with it.
func TestWithoutAFileAnAttemptEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := NewClient(Options{Timeout: 3 * time.Second, ConnectTimeout: 5 * time.Second, IdleConns: 100, Version: "test", Dial: (&files{}).dial})
		a := c.Do(t.Context(), Target{ID: "7", URL: "http://host.test/"}, Request{Event: "e", ID: "1", Data: []byte("1"), Number: 1})
		if a.Outcome != Timeout || a.Duration != 3*time.Second {
			t.Errorf("%s, %q after %v", a.Outcome, a.Error, a.Duration)
		}
		c.Close()
	})
}

func TestFilesBoundAttempts(t *testing.T) {
	t.Parallel()
	for files, want := range map[uint64]int{1 << 20: 8192, 1024: 512, 256: 128, 1: 1, 0: 8192} {
		if got := InFlight(8192, files); got != want {
			t.Errorf("%d attempts with %d files, want %d", got, files, want)
		}
	}
}

func TestFilesBoundIdleConnections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		idle  int
		files uint64
		want  int
	}{{8192, 1 << 20, 8192}, {8192, 1024, 128}, {8192, 256, 32}, {8192, 2, 1}, {10, 256, 10}, {0, 256, 0}, {8192, 0, 8192}} {
		if got := fewer(c.idle, c.files); got != c.want {
			t.Errorf("of %d idle ones with %d files: %d, want %d", c.idle, c.files, got, c.want)
		}
	}
}

func TestWantOfAFileIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.ENFILE)}, true},
		{&net.DNSError{Err: "dial udp 127.0.0.1:53: socket: too many open files", Name: "h"}, true},
		{&net.DNSError{Err: "server misbehaving", Name: "h"}, false},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, false},
		{errors.New("any"), false},
	} {
		if got := noFile(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
