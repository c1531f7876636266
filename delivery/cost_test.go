package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"testing/quick"
	"time"

	"github.com/saumer/saumer/http1"
)

var (
	costTarget  = Target{Key: "demo.7", ID: "7", URL: "http://endpoint.test/hook", Secrets: [][]byte{bytes.Repeat([]byte("k"), 32)}}
	costRequest = Request{Event: "optin_finalized", ID: "4711", Seq: 4711, Data: bytes.Repeat([]byte("0"), 500), Number: 1}
	costAttempt = Attempt{
		Seq: 4711, ID: "4711", Number: 1, At: time.Unix(1_762_853_249, 123_456_789).UTC(), Duration: 312 * time.Microsecond,
		Outcome: Delivered, Status: 200, Response: []byte(`{"ok":true}`),
	}
)

// What signs is what crypto/hmac makes, whatever the secret's length, and keeps nothing of the one before.
func TestSignIsHMAC(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_762_853_249, 0)
	for size := range 200 {
		secret, body := bytes.Repeat([]byte{byte(size)}, size), bytes.Repeat([]byte("b"), size*7)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("id.1762853249."))
		mac.Write(body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if got := sign([][]byte{secret, secret}, "id", at, body); got != want+" "+want {
			t.Fatalf("a secret of %d bytes signs %q, want twice %q", size, got, want)
		}
	}
}

// The record of an attempt is byte for byte what encoding/json makes of it.
func TestRecordIsJSON(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -(3*60*60 + 30*60))
	check := func(a Attempt) bool {
		want, wantErr := json.Marshal(a)
		got, err := a.appendRecord(nil)
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("got  %s, %v\nwant %s, %v", got, err, want, wantErr)
			return false
		}
		return true
	}
	for _, text := range []string{"", "a b", `"\/`, "<&>", "\x00\t\n\r\b\f\x1f\x7f", "ü\u2028\u2029\U0001f600", "\xff\xc3", "end\\"} {
		check(Attempt{ID: text, Outcome: Outcome(text), Error: text, Response: []byte(text)})
	}
	for _, at := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(1, 500).In(zone), time.Now(), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		check(Attempt{At: at})
		check(Attempt{Published: at})
	}
	if err := quick.Check(func(seq uint64, id, outcome, text string, number, status int, replay, test bool, sec uint32, nsec uint32, duration, after int64, response []byte) bool {
		return check(Attempt{
			Seq: seq, ID: id, Number: number, Replay: replay, Test: test, At: time.Unix(int64(sec), int64(nsec)).In(zone), Duration: time.Duration(duration),
			Outcome: Outcome(outcome), Status: status, Error: text, Response: response, RetryAfter: time.Duration(after),
		})
	}, nil); err != nil {
		t.Error(err)
	}
}

func BenchmarkSign(b *testing.B) {
	at := time.Unix(1_762_853_249, 0)
	b.ReportAllocs()
	for b.Loop() {
		sign(costTarget.Secrets, costRequest.ID, at, costRequest.Data)
	}
}

// BenchmarkFields is what it costs to put a request's header together, with its signature.
func BenchmarkFields(b *testing.B) {
	at := time.Unix(1_762_853_249, 0)
	b.ReportAllocs()
	for b.Loop() {
		var room [16]http1.Field
		fields(room[:0], "Saumer/test", costTarget, costRequest, at)
	}
}

// BenchmarkRecord is what it costs to encode an attempt for the log.
func BenchmarkRecord(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := costAttempt.appendRecord(make([]byte, 0, 256)); err != nil {
			b.Fatal(err)
		}
	}
}
