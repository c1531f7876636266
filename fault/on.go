//go:build chaos

package fault

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	step   Step
	left   atomic.Int64
	kind   syscall.Signal
	signed = make(chan os.Signal, 1)
)

func init() {
	if text := os.Getenv(EnvStep); text != "" {
		name, rest, _ := strings.Cut(text, ":")
		n, sig, _ := strings.Cut(rest, ":")
		count, err := strconv.ParseInt(n, 10, 64)
		number, err2 := strconv.Atoi(sig)
		if err != nil || err2 != nil {
			panic("read " + EnvStep + ": " + text)
		}
		step, kind = Step(name), syscall.Signal(number)
		left.Store(count)
	}
	if server := os.Getenv(EnvDNS); server != "" {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", server)
		}}
	}
	jump, err := time.ParseDuration(os.Getenv(EnvJump))
	if err != nil {
		jump = 0
	}
	signal.Notify(signed, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signed {
			switch s {
			case syscall.SIGUSR1:
				time.Jump(jump) // of the overlay that package test/process builds with
				fmt.Fprintln(os.Stderr, "fault: the clock jumped by", jump)
			case syscall.SIGUSR2:
				fmt.Fprintln(os.Stderr, "fault: goroutines", runtime.NumGoroutine())
			}
		}
	}()
}

// Boot is the name of the start of this machine, or the one that the environment gives.
func Boot(name string) string {
	if given := os.Getenv(EnvBoot); given != "" {
		return given
	}
	return name
}

// At fails if it is the step's turn.
func At(s Step) {
	if s != step || left.Add(-1) != 0 {
		return
	}
	fmt.Fprintln(os.Stderr, "fault: at", s)
	_ = syscall.Kill(os.Getpid(), kind) // it is this process, which is there
	if kind == syscall.SIGKILL {
		select {} // until it arrives
	}
	time.Sleep(time.Millisecond) // the stop comes in here
}
