package delivery

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxDirect is the largest body that is sent directly. A larger one may not fit the buffers between the endpoint and
// us, so that an answer that comes before it was read would have to be read meanwhile; net/http does that.
const maxDirect = 32 << 10

// errLong is the end of a response whose headers are too long.
var errLong = errors.New("the response's headers are too long")

// unbounded is a budget for what is bounded otherwise.
const unbounded = math.MaxInt

// exchange is what one request and its response need besides the connection. It is used again for others.
type exchange struct {
	request []byte
	reader  *bufio.Reader
	source  source
	limited io.LimitedReader
	scratch [4 << 10]byte
}

// source is the connection as the response is read from it. The first read sends the request.
type source struct {
	conn *conn
	// request is what is to be sent yet, and written how much was.
	request []byte
	written int
	reused  bool
	// budget is how many bytes may still be read.
	budget int
}

func (s *source) Read(p []byte) (n int, err error) {
	if s.budget <= 0 {
		return 0, errLong
	}
	p = p[:min(len(p), s.budget)]
	if s.request != nil {
		s.written, n, err = s.conn.exchange(s.request, p, s.reused)
		s.request = nil
	} else {
		n, err = s.conn.Read(p)
	}
	s.budget -= n
	return n, err
}

func newExchange() *exchange {
	x := &exchange{}
	x.reader = bufio.NewReaderSize(&x.source, 4<<10)
	return x
}

// direct makes an attempt by HTTP/1.1 over a connection of the client's own.
//
// No request is sent twice: an idle connection is looked at before it is used, and one that its endpoint has closed is
// left for another; so is one on which not a byte could be written. Once a byte was written, what happens is the
// attempt's outcome.
func (c *Client) direct(ctx context.Context, deadline time.Time, e *endpoint, t Target, r Request, a *Attempt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x := c.exchanges.Get().(*exchange)
	defer c.exchanges.Put(x)
	x.write(c, e, t, r, a.At)
	for {
		conn := c.idle.take(route{e.addr, e.secure})
		reused := conn != nil
		if !reused {
			var err error
			if conn, err = c.connect(ctx, deadline, e); err != nil {
				return err
			}
		}
		if err := conn.ready(deadline, reused); err != nil {
			_ = conn.Close() // nothing was sent
			if reused {
				continue
			}
			return err
		}
		// Our stop ends what is read or written at the moment, and all that comes after.
		c.stops.begin(ctx, conn)
		n, reusable, retryAfter, err := x.roundTrip(conn, reused, a)
		if c.stops.end(ctx, conn) && reusable && err == nil {
			c.idle.put(conn)
		} else {
			_ = conn.Close() // what was to be known is known
		}
		if err == nil {
			c.judge(a, retryAfter)
			return nil
		}
		if n > 0 || !reused || isTimeout(err) {
			return err
		}
	}
}

// write puts the request together.
func (x *exchange) write(c *Client, e *endpoint, t Target, r Request, at time.Time) {
	b := append(x.request[:0], e.head...)
	c.headers(t, r, at, func(name, value string) {
		b = append(b, name...)
		b = append(b, ": "...)
		b = append(b, value...)
		b = append(b, "\r\n"...)
	})
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Data)), 10)
	b = append(b, "\r\n\r\n"...)
	x.request = append(b, r.Data...)
}

// posted is what net/http has to know of the request to read its response.
var posted = &http.Request{Method: http.MethodPost}

// roundTrip sends the request and reads the response into the attempt. It says how many bytes were written, whether
// the connection can be used again, and what Retry-After says of a response that is no success.
func (x *exchange) roundTrip(conn *conn, reused bool, a *Attempt) (written int, reusable bool, retryAfter string, err error) {
	x.source = source{conn: conn, request: x.request, reused: reused, budget: maxResponse}
	x.reader.Reset(&x.source)
	defer x.release()
	reusable, retryAfter, err = x.read(a)
	// If the endpoint took a part alone, it may have answered all the same.
	return x.source.written, reusable && x.source.written == len(x.request), retryAfter, err
}

// read reads the response.
func (x *exchange) read(a *Attempt) (reusable bool, retryAfter string, err error) {
	if _, err = x.reader.Peek(1); err != nil {
		return false, "", err
	}
	there, _ := x.reader.Peek(x.reader.Buffered()) // no more than there is: it does not fail
	if status, head, length, ok := plain(there); ok {
		if _, err = x.reader.Discard(head); err != nil {
			return false, "", err
		}
		a.Status = status
		x.source.budget = unbounded
		return x.body(length, a)
	}
	var res *http.Response
	for res == nil || res.StatusCode >= 100 && res.StatusCode <= 199 && res.StatusCode != http.StatusSwitchingProtocols {
		// Informational responses count as headers of the final one.
		if res, err = http.ReadResponse(x.reader, posted); err != nil {
			return false, "", err
		}
	}
	a.Status = res.StatusCode
	// Of the body, readBody knows the bound; of what is around its chunks, net/http does.
	x.source.budget = unbounded
	all, err := readBody(res.Body, x.scratch[:], a)
	if err != nil {
		return false, "", err
	}
	reusable = all && !res.Close && res.StatusCode >= 200 && x.reader.Buffered() == 0
	return reusable, res.Header.Get("Retry-After"), nil
}

// body reads a body of a known length, as far as it is wanted.
func (x *exchange) body(length int, a *Attempt) (reusable bool, retryAfter string, err error) {
	x.limited = io.LimitedReader{R: x.reader, N: int64(length)}
	all, err := readBody(&x.limited, x.scratch[:], a)
	switch {
	case err != nil:
		return false, "", err
	case x.limited.N > 0 && all:
		return false, "", io.ErrUnexpectedEOF
	}
	return x.limited.N == 0 && x.reader.Buffered() == 0, "", nil
}

// release lets go of the connection: nothing can be read from it by this exchange any more.
func (x *exchange) release() { x.source, x.limited = source{}, io.LimitedReader{} }
