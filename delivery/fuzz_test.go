package delivery

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A URL that is accepted can be sent to, and reads the same when it is written again.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.org/hook?a=1&b=%zz", "http://[::1]:80/", "http://[fe80::1%25eth0]/", "https://user@host/", "https://ho st/",
		"https://münchen.example/", "https://h/\xff", "https://h:0/", "https://h:/", "http:opaque", "https://h/#", "HTTPS://H", "http://h\\@x/",
		"http://a%2eb/", "http://%00/", "http://0x7f.1/", "//h",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := CheckURL(raw)
		if err != nil {
			return
		}
		again, err := CheckURL(u.String())
		if err != nil || again.Host != u.Host || again.Path != u.Path || again.RawQuery != u.RawQuery {
			t.Errorf("%q is written %q and then read as %v, %v", raw, u, again, err)
		}
		r := http.Request{
			Method: http.MethodPost, URL: u, Host: u.Host, Header: header(fields(nil, "test", Target{ID: "1"}, Request{ID: "1"}, time.Now())), Body: http.NoBody,
		}
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			t.Fatalf("%q cannot be sent to: %v", raw, err)
		}
		got, err := http.ReadRequest(bufio.NewReader(&wire))
		if err != nil {
			t.Fatalf("what is sent to %q cannot be read: %v", raw, err)
		}
		if got.Header.Get("Webhook-Id") != "1" || got.URL.RawQuery != u.RawQuery {
			t.Errorf("%q arrives as %v %v", raw, got.URL, got.Header)
		}
	})
}

// Headers that are accepted arrive as they are, beside Saumer's own; and so does whatever id a publisher chose.
func FuzzHeaders(f *testing.F) {
	f.Add("X-Token", "secret", "id")
	f.Add("webhook-id", "x", "a\r\nb")
	f.Add("Authorization", "Basic \xff", "\x00")
	f.Add("x y", "\t", "%41")
	f.Add("Idempotency-key", "x", "ä")
	f.Add("X-A", "a\r\nHost: evil", "")
	f.Fuzz(func(t *testing.T, name, value, id string) {
		target := Target{ID: "7", Headers: map[string]string{name: value}, Secrets: [][]byte{[]byte("key")}}
		accepted := CheckHeaders(target.Headers) == nil
		h := header(fields(nil, "test", target, Request{Event: "e", ID: id, Number: 1}, time.Unix(1, 0)))
		r, err := http.NewRequest(http.MethodPost, "http://h/", strings.NewReader("1"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = h
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			t.Fatalf("%q: %q and the id %q cannot be sent: %v", name, value, id, err)
		}
		got, err := http.ReadRequest(bufio.NewReader(&wire))
		if err != nil {
			t.Fatalf("%q: %q and the id %q cannot be read: %v", name, value, id, err)
		}
		if body, err := io.ReadAll(got.Body); err != nil || string(body) != "1" || got.Host != "h" {
			t.Errorf("%q: %q and the id %q: the body is %q, the host %q, %v", name, value, id, body, got.Host, err)
		}
		if accepted && got.Header.Get(name) != strings.Trim(value, " \t") {
			t.Errorf("%q: %q arrives as %q", name, value, got.Header.Get(name))
		}
		if got.Header.Get("Webhook-Id") != printable(id) || got.Header.Get("Saumer-Webhook") != "7" || len(got.Header["Webhook-Signature"]) != 1 {
			t.Errorf("%q: %q and the id %q arrive as %v", name, value, id, got.Header)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"0", "120", " 7 ", "-1", "18446744073709551615", "18446744073709551616", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "", "soon",
	} {
		f.Add(seed, 1, 0.5)
	}
	policy := Backoff{Initial: time.Second, Max: 15 * time.Minute}
	f.Fuzz(func(t *testing.T, value string, number int, random float64) {
		after := parseRetryAfter(value, time.Unix(1_700_000_000, 0))
		if after < 0 || after > longestRetryAfter {
			t.Errorf("%q is %v", value, after)
		}
		if wait := policy.Wait(number, after, 0.5); wait <= 0 || wait > policy.Max {
			t.Errorf("after attempt %d and %q the wait is %v", number, value, wait)
		}
		if random >= 0 && random < 1 {
			if wait := policy.Delay(number, random); wait <= 0 || wait > policy.Max {
				t.Errorf("after attempt %d with %v the wait is %v", number, random, wait)
			}
		}
	})
}

// An entry of the attempt log that can be read is written and read as the same again.
func FuzzAttemptRecord(f *testing.F) {
	f.Add([]byte(`{"seq":1,"id":"a","attempt":1,"at":"2026-03-01T12:00:00Z","duration":5,"outcome":"delivered","status":200,"response":"b2s="}`))
	f.Add([]byte(`{"v":2,"seq":-1}`))
	f.Add([]byte(`{"id":"\ud800","at":"9999-12-31T23:59:59.999999999-23:59"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a, again Attempt
		if json.Unmarshal(data, &a) != nil {
			return
		}
		_ = a.Outcome.Class()
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%q was written as %q: %v", data, written, err)
		}
		if !a.At.Equal(again.At) {
			t.Errorf("%v came back as %v", a.At, again.At)
		}
		a.At, again.At = time.Time{}, time.Time{}
		if len(a.Response) == 0 {
			a.Response = nil // an empty one is left out
		}
		if !reflect.DeepEqual(a, again) {
			t.Errorf("%q: %+v came back as %+v", data, a, again)
		}
	})
}
