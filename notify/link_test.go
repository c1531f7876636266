package notify

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

var (
	linkKey = bytes.Repeat([]byte{7}, 32)
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	link    = Link{Account: "demo", ID: 7, Deactivated: noon, Expires: noon.Add(24 * time.Hour).Truncate(time.Second)}
)

// token is the last part of a link's URL.
func token(t testing.TB, l *Links, link Link) string {
	t.Helper()
	u := l.URL(link)
	_, token, ok := strings.Cut(u, "https://hooks.example.org/saumer/reactivate/")
	if !ok {
		t.Fatalf("the URL is %s", u)
	}
	return token
}

func TestLinkComesBack(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"https://hooks.example.org/saumer", "https://hooks.example.org/saumer/"} {
		l := NewLinks(linkKey, base)
		text := token(t, l, link)
		if url.PathEscape(text) != text || len(text) > 64 {
			t.Errorf("the token %q cannot stand in a URL as it is, or is long", text)
		}
		got, err := l.Parse(text, noon)
		if err != nil || got != link {
			t.Errorf("the link came back as %+v, %v", got, err)
		}
	}
}

func TestLinkExpires(t *testing.T) {
	t.Parallel()
	l := NewLinks(linkKey, "https://hooks.example.org/saumer")
	text := token(t, l, link)
	if _, err := l.Parse(text, link.Expires.Add(-time.Nanosecond)); err != nil {
		t.Errorf("right before its end: %v", err)
	}
	got, err := l.Parse(text, link.Expires)
	if !errors.Is(err, ErrLinkExpired) || got != link {
		t.Errorf("at its end: %+v, %v", got, err)
	}
}

func TestLinkOfAnotherKey(t *testing.T) {
	t.Parallel()
	text := token(t, NewLinks(bytes.Repeat([]byte{8}, 32), "https://hooks.example.org/saumer"), link)
	if _, err := NewLinks(linkKey, "https://hooks.example.org/saumer").Parse(text, noon); !errors.Is(err, ErrLink) {
		t.Errorf("a link signed with another key: %v", err)
	}
}

func TestEveryChangeOfALinkIsSeen(t *testing.T) {
	t.Parallel()
	l := NewLinks(linkKey, "https://hooks.example.org/saumer")
	text := token(t, l, link)
	for i := range text {
		for _, c := range "AZaz09-_=\n" {
			changed := text[:i] + string(c) + text[i+1:]
			if changed == text {
				continue
			}
			if got, err := l.Parse(changed, noon); !errors.Is(err, ErrLink) || got != (Link{}) {
				t.Errorf("%q in place %d: %+v, %v", c, i, got, err)
			}
		}
		if _, err := l.Parse(text[:i], noon); !errors.Is(err, ErrLink) {
			t.Errorf("cut after %d: %v", i, err)
		}
	}
	for _, more := range []string{text + "A", text + "AAAA", text + "\n", "\r" + text, text + "="} {
		if _, err := l.Parse(more, noon); !errors.Is(err, ErrLink) {
			t.Errorf("%q: %v", more, err)
		}
	}
}

// What can be read was signed, and is one token.
func FuzzLink(f *testing.F) {
	l := NewLinks(linkKey, "https://hooks.example.org/saumer")
	f.Add(token(f, l, link))
	f.Add(token(f, l, Link{}))
	f.Add("")
	f.Add(strings.Repeat("A", 60))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := l.Parse(text, noon)
		if errors.Is(err, ErrLink) {
			if got != (Link{}) {
				t.Errorf("%q is no link, and gives %+v", text, got)
			}
			return
		}
		if again := token(t, l, got); again != text {
			t.Errorf("%q is read as %+v, whose token is %q", text, got, again)
		}
	})
}
