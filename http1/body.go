package http1

import (
	"errors"
	"fmt"
	"io"
)

// ReadBody reads a response's body up to MaxResponse bytes, through scratch, and returns the first MaxKept bytes of it. It
// says whether that was all of it; only then can the connection be used again. With an error it returns what came before.
func ReadBody(from io.Reader, scratch []byte) (first []byte, all bool, err error) {
	total := 0
	for err == nil && total < MaxResponse {
		room := scratch[:min(len(scratch), MaxResponse-total)]
		n := 0
		n, err = from.Read(room)
		if missing := MaxKept - len(first); n > 0 && missing > 0 {
			first = append(first, room[:min(n, missing)]...)
		}
		total += n
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return first, false, fmt.Errorf("read the response: %w", err)
	}
	return first, err != nil, nil
}
