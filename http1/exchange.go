package http1

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
)

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
	// budget is how many bytes may still be read, answered whether any was.
	budget   int
	answered bool
}

// ending is what became of a connection by an exchange: how much of the request was written, whether a byte of an answer
// came, and whether the connection can be used again.
type ending struct {
	written            int
	answered, reusable bool
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
	s.answered = s.answered || n > 0
	return n, err
}

func newExchange() *exchange {
	x := &exchange{}
	x.reader = bufio.NewReaderSize(&x.source, 4<<10)
	return x
}

// write puts the request together.
func (x *exchange) write(e *Endpoint, header []Field, body []byte) {
	b := append(x.request[:0], e.head...)
	for i := range header {
		b = append(b, header[i].Name...)
		b = append(b, ": "...)
		b = append(b, header[i].Value...)
		b = append(b, "\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	x.request = append(b, body...)
}

// posted is what net/http has to know of the request to read its response.
var posted = &http.Request{Method: http.MethodPost}

// roundTrip sends the request and reads the response.
func (x *exchange) roundTrip(conn *conn, reused bool) (end ending, res Response, err error) {
	x.source = source{conn: conn, request: x.request, reused: reused, budget: MaxResponse}
	x.reader.Reset(&x.source)
	defer x.release()
	end.reusable, err = x.read(&res)
	// If the endpoint took only a part, it may have answered all the same.
	end.reusable = end.reusable && x.source.written == len(x.request)
	end.written, end.answered = x.source.written, x.source.answered
	return end, res, err
}

// read reads the response. It says whether the connection can be used again.
func (x *exchange) read(res *Response) (reusable bool, err error) {
	if _, err = x.reader.Peek(1); err != nil {
		return false, err
	}
	there, _ := x.reader.Peek(x.reader.Buffered()) // no more than there is: it does not fail
	if h, ok := plain(there); ok {
		if _, err = x.reader.Discard(h.size); err != nil {
			return false, err
		}
		res.Status = h.status
		x.source.conn.limit = h.keepAlive
		x.source.budget = unbounded
		return x.body(h.length, res)
	}
	var read *http.Response
	for read == nil || read.StatusCode >= 100 && read.StatusCode <= 199 && read.StatusCode != http.StatusSwitchingProtocols {
		// Informational responses count as headers of the final one.
		if read, err = http.ReadResponse(x.reader, posted); err != nil {
			return false, err
		}
	}
	if res.Status = read.StatusCode; res.Status < 200 || res.Status > 299 {
		res.Header = read.Header
	}
	x.source.conn.limit = KeepAlive(read.Header)
	// Of the body, ReadBody knows the bound; of what is around its chunks, net/http does.
	x.source.budget = unbounded
	var all bool
	if res.Body, all, err = ReadBody(read.Body, x.scratch[:]); err != nil {
		return false, err
	}
	return all && !read.Close && res.Status >= 200 && x.reader.Buffered() == 0, nil
}

// body reads a body of a known length, as far as the caller asks for it.
func (x *exchange) body(length int, res *Response) (reusable bool, err error) {
	x.limited = io.LimitedReader{R: x.reader, N: int64(length)}
	var all bool
	res.Body, all, err = ReadBody(&x.limited, x.scratch[:])
	switch {
	case err != nil:
		return false, err
	case x.limited.N > 0 && all:
		return false, io.ErrUnexpectedEOF
	}
	return x.limited.N == 0 && x.reader.Buffered() == 0, nil
}

// release lets go of the connection: nothing can be read from it by this exchange any more.
func (x *exchange) release() { x.source, x.limited = source{}, io.LimitedReader{} }
