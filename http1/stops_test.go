package http1

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// The end of a context ends what is under way with it, and nothing besides.
func TestStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStops()
		open := func() (c *conn, read chan error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() }) // a pipe's never fail
			c, read = &conn{Conn: ours, socket: &socket{Conn: ours}}, make(chan error, 1)
			go func() {
				_, err := io.ReadFull(c, make([]byte, 1))
				read <- err
			}()
			return c, read
		}
		ctx, cancel := context.WithCancel(t.Context())
		other, cancelOther := context.WithCancel(t.Context())
		defer cancelOther()
		first, firstRead := open()
		second, secondRead := open()
		third, thirdRead := open()
		fourth, fourthRead := open()
		s.begin(ctx, first)
		s.begin(ctx, second)
		s.begin(other, third)
		s.begin(context.Background(), fourth)
		if !s.end(ctx, first) {
			t.Error("a connection was ended before its context")
		}
		cancel()
		synctest.Wait()
		if err := <-secondRead; !isTimeout(err) {
			t.Errorf("what was under way ended with %v", err)
		}
		for name, read := range map[string]chan error{"that was untouched": firstRead, "of another context": thirdRead, "without an end": fourthRead} {
			select {
			case err := <-read:
				t.Errorf("a connection %s ended with %v", name, err)
			default:
			}
		}
		if s.end(ctx, second) {
			t.Error("a connection that was ended counts as untouched")
		}
		// What begins after the end of its context ends at once.
		s.begin(ctx, first)
		synctest.Wait()
		if err := <-firstRead; !isTimeout(err) {
			t.Errorf("what began after the end ended with %v", err)
		}
		if s.end(ctx, first) || !s.end(other, third) || !s.end(context.Background(), fourth) {
			t.Error("of the connections that are left, another one than the ended one counts as ended")
		}
		if len(s.of) != 0 {
			t.Errorf("%d contexts are kept without a connection", len(s.of))
		}
	})
}
