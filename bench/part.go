package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// role is what a process of its own does, so that its CPU can be told from that of others.
type role string

const (
	receiving role = "receiver" // the endpoints
	looping   role = "loop"     // the baseline
	working   role = "node"     // Saumer
	storing   role = "nats"     // an external NATS
)

// Serve plays a role for a benchmark: it does what is asked of it over in and out until in ends. What it has started
// ends with it.
func Serve(name string, in io.Reader, out io.Writer) error {
	server := rpc.NewServer()
	var part interface{ close() error }
	switch role(name) {
	case receiving:
		part = &Receiver{}
	case looping:
		part = &Loop{}
	case working:
		part = &Node{}
	case storing:
		part = &Store{}
	default:
		return fmt.Errorf("a benchmark has no part %q", name)
	}
	if err := server.RegisterName("Part", part); err != nil {
		return fmt.Errorf("play the part %s: %w", name, err)
	}
	server.ServeConn(pipe{in, out})
	return part.close()
}

// pipe makes one of two directions.
type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

// process is a part in a process of its own.
type process struct {
	role   role
	cmd    *exec.Cmd
	in     io.Closer
	client *rpc.Client
}

// ending bounds how long a part may take to end.
const ending = 30 * time.Second

// begin starts a part; it is killed when the context ends. End it in any case.
func (b *Bench) begin(ctx context.Context, r role) (*process, error) {
	p := &process{role: r}
	command := append(append([]string{}, b.Command...), string(r))
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(b.dir, certificateFile))
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", r, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", r, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", r, err)
	}
	p.in, p.client = in, rpc.NewClient(pipe{out, in})
	return p, nil
}

// ask calls a method of the part.
func ask[R any](ctx context.Context, p *process, method string, argument any) (R, error) {
	var reply R
	call := p.client.Go("Part."+method, argument, &reply, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		return reply, fmt.Errorf("wait for the %s to %s: %w", p.role, method, context.Cause(ctx))
	case done := <-call.Done:
		if done.Error != nil {
			return reply, fmt.Errorf("%s: %s: %w", p.role, method, done.Error)
		}
		return reply, nil
	}
}

// end ends the process, and kills it if it does not.
func (p *process) end() error {
	if p == nil {
		return nil
	}
	// What it reads ends, and so does it.
	err := p.in.Close()
	timer := time.AfterFunc(ending, func() { _ = p.cmd.Process.Kill() }) // it may have ended
	defer timer.Stop()
	return errors.Join(err, p.cmd.Wait())
}

// None is the argument or the answer of a method that has none.
type None struct{}
