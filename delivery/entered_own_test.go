package delivery

import (
	"net/url"
	"testing"
)

// The scheme's own port is not written to Host, and another one is; both are dialed.
func TestDefaultPortIsNotSent(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]string{
		"http://h:80/": {"h", "h:80"}, "https://h:443/": {"h", "h:443"}, "http://h:443": {"h:443", "h:443"}, "https://h": {"h", "h:443"},
		"https://[::1]:443/": {"[::1]", "[::1]:443"}, "http://[::1]:8080/": {"[::1]:8080", "[::1]:8080"},
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := asSent(u)
		if err != nil || sent.Host != want[0] || address(sent) != want[1] {
			t.Errorf("%s: Host is %q, %q is dialed, %v", raw, sent.Host, address(sent), err)
		}
	}
}

// FuzzAsSent shows that a URL that is sent means what was entered, and that sending it again changes nothing.
func FuzzAsSent(f *testing.F) {
	for _, seed := range []string{"http://h/a%2Fb/ü?%zz", "https://h:443//?", "http://h/[%5b]", "http://h?{}", "http://BÜCHER.test/%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := CheckURL(raw)
		if err != nil {
			return
		}
		sent, err := asSent(u)
		if err != nil {
			t.Fatal(err)
		}
		if sent.Path != u.Path || sent.RequestURI() == "" {
			t.Errorf("%q: the path is %q, was %q", raw, sent.Path, u.Path)
		}
		again, err := CheckURL(sent.String())
		if err != nil {
			t.Fatalf("%q is sent as %q: %v", raw, sent, err)
		}
		twice, err := asSent(again)
		if err != nil || twice.RequestURI() != sent.RequestURI() || twice.Host != sent.Host {
			t.Errorf("%q is sent as %q, and then as %q, %v", raw, sent, twice, err)
		}
	})
}
