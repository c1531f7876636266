package delivery_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/http1/http1test"
)

// A URL is sent as it was entered; only what a request cannot have, or what servers refuse, is escaped.
func TestURLIsSentAsEntered(t *testing.T) {
	t.Parallel()
	for entered, want := range map[string]string{
		"":                              "/",
		"?":                             "/?",
		"?a=b":                          "/?a=b",
		"/a%2Fb/ü":                      "/a%2Fb/%C3%BC",
		"/a%2fb/%7E~":                   "/a%2fb/%7E~",
		"/ü/%c3%bc":                     "/%C3%BC/%c3%bc",
		"//x/../y;z=1":                  "//x/../y;z=1",
		"/a+b&c=d,e:f@g!$'()*":          "/a+b&c=d,e:f@g!$'()*",
		`/{a}[b]|"<c>^` + "`\\":         "/%7Ba%7D%5Bb%5D%7C%22%3Cc%3E%5E%60%5C",
		`/?{a}[b]|"<c>^` + "`\\ü=%zz&+": "/?%7Ba%7D%5Bb%5D%7C%22%3Cc%3E%5E%60%5C%C3%BC=%zz&+",
		"/?a=/b?c":                      "/?a=/b?c",
		"/%3F?%23":                      "/%3F?%23",
	} {
		for way, data := range ways {
			raw := wire(t, delivery.Target{ID: "7", URL: entered}, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
			if got := parse(t, raw).RequestURI; got != want {
				t.Errorf("%q by %s is sent as %q, want %q", entered, way, got, want)
			}
		}
	}
}

// A host has one mapping to ASCII, for its name, its certificate and Host, by both ways and for a probe; Host has no default
// port, and what people are shown is what they entered.
func TestHostIsMappedOnce(t *testing.T) {
	t.Parallel()
	const name = "xn--bcher-kva.test"
	resolver.set(name, [4]byte{127, 0, 0, 1})
	ca := http1test.NewAuthority(t)
	config := &tls.Config{NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{ca.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{name} })}}
	hosts := make(chan string, 10)
	addr := http1test.Listen(t, http1test.Secured(config, func(c *tls.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return // a probe
		}
		hosts <- c.ConnectionState().ServerName + " " + req.Host
		if _, err := io.Copy(io.Discard, req.Body); err == nil {
			_, _ = io.WriteString(c, http1test.Accepting) // the client says what came
		}
	}))
	port := addr[len("127.0.0.1"):]
	target := delivery.Target{ID: "7", URL: "https://BÜCHER.test" + port + "/"}
	for way, data := range ways {
		client := newTrusting(t, ca)
		for range 2 { // by net/http, and for a small body directly from then on
			a := client.Do(t.Context(), target, delivery.Request{Event: "e", ID: "1", Data: data, Number: 1})
			if a.Outcome != delivery.Delivered {
				t.Fatalf("%s: %s, %q", way, a.Outcome, a.Error)
			}
			if got := <-hosts; got != name+" "+name+port {
				t.Errorf("%s: TLS and Host name %q", way, got)
			}
		}
		if a := client.Probe(t.Context(), target); a.Outcome != delivery.Delivered {
			t.Errorf("a probe: %s, %q", a.Outcome, a.Error)
		}
	}
	unknown := newClient(t).Do(t.Context(), delivery.Target{ID: "7", URL: "http://Ünknown.test:80/"}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
	if unknown.Error != "Ünknown.test:80: there is no such name" {
		t.Errorf("of an unknown host is said %q", unknown.Error)
	}
	if _, err := delivery.CheckURL("http://a\u2488.test/"); !errors.Is(err, delivery.ErrURL) {
		t.Errorf("a host that is no domain name: %v", err)
	}
	u, err := url.Parse("http://１６９.254.169.254/")
	if err != nil {
		t.Fatal(err)
	}
	if err := newClient(t).CheckAddress(t.Context(), u); !errors.Is(err, delivery.ErrForbidden) {
		t.Errorf("an address in other digits: %v", err)
	}
}

// Statuses that are about the endpoint as a whole are told from those about the event.
func TestStatusClasses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]delivery.Outcome{
		"400": delivery.Status, "404": delivery.Status, "408": delivery.Unavailable, "413": delivery.Status, "420": delivery.Status, "425": delivery.Unavailable,
		"429": delivery.Unavailable, "500": delivery.Status, "501": delivery.Status, "502": delivery.Unavailable, "503": delivery.Unavailable, "504": delivery.Unavailable,
		"505": delivery.Status, "507": delivery.Unavailable, "508": delivery.Status, "509": delivery.Unavailable, "511": delivery.Status, "519": delivery.Status, "520": delivery.Unavailable,
		"522": delivery.Unavailable, "530": delivery.Unavailable, "531": delivery.Status,
	} {
		addr := http1test.Listen(t, answering("HTTP/1.1 "+status+" x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"))
		a := newClient(t).Do(t.Context(), delivery.Target{ID: "7", URL: "http://" + addr}, delivery.Request{Event: "e", ID: "1", Data: event, Number: 1})
		if a.Outcome != want {
			t.Errorf("%s is %s, want %s", status, a.Outcome, want)
		}
	}
}
