package delivery

import (
	"net/http"
	"time"
)

// hidden stands for the value of a header that may hold a credential.
const hidden = "(hidden)"

// Shown is the header that an attempt of this request at a time has, for people to see: signed with the secrets of
// today, and without the values of the user's own headers.
func (c *Client) Shown(t Target, r Request, at time.Time) http.Header {
	own := make(map[string]string, len(t.Headers))
	for name := range t.Headers {
		own[name] = hidden
	}
	t.Headers = own
	return c.header(t, r, at)
}
