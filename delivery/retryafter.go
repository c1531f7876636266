package delivery

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter bounds what is taken from a Retry-After header; the backoff's cap is far below.
const longestRetryAfter = 365 * 24 * time.Hour

// parseRetryAfter reads a Retry-After header: seconds or a date (RFC 9110, section 10.2.3). What is neither, or in the
// past, is 0.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		if seconds > uint64(longestRetryAfter/time.Second) {
			return longestRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), longestRetryAfter)
}
