package bench

import (
	"bytes"
	"strconv"
	"time"
)

// bodySize is how large an event is.
const bodySize = 500

// The places in a body: the number of the event, and when it was published, in nanoseconds since 1970.
const (
	numberAt, numberLen = len(`{"n":"`), 10
	timeAt, timeLen     = numberAt + numberLen + len(`","at":"`), 19
)

// body makes the body of an event.
func body(number int, at time.Time) []byte { return sized(bodySize, number, at) }

// sized is body of another size.
func sized(size, number int, at time.Time) []byte {
	b := make([]byte, 0, size)
	b = append(b, `{"n":"`...)
	b = padded(b, uint64(number), numberLen)
	b = append(b, `","at":"`...)
	b = padded(b, uint64(at.UnixNano()), timeLen)
	b = append(b, `","text":"`...)
	b = append(b, bytes.Repeat([]byte("x"), size-len(b)-2)...)
	return append(b, `"}`...)
}

func padded(b []byte, n uint64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], n, 10)
	for range width - len(text) {
		b = append(b, '0')
	}
	return append(b, text...)
}

// read takes number and time out of a body; false if it is not one.
func read(b []byte) (number int, at int64, ok bool) {
	if len(b) < bodySize {
		return 0, 0, false
	}
	n, ok1 := digits(b[numberAt : numberAt+numberLen])
	t, ok2 := digits(b[timeAt : timeAt+timeLen])
	return int(n), t, ok1 && ok2
}

func digits(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
