package console

import (
	"html/template"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/saumer/saumer/registry"
	"github.com/saumer/saumer/words"
)

const (
	// languageName is the cookie of a language that somebody chose.
	languageName = "saumer-language"
	// languageTime is how long a browser keeps the choice.
	languageTime = 365 * 24 * time.Hour
)

// ownNames are what the languages call themselves.
var ownNames = map[string]string{"en": "English", "de": "Deutsch"}

// choice is a language that the foot of each page offers.
type choice struct {
	Name, Own string
	Chosen    bool
}

func choices(chosen string) []choice {
	var all []choice
	for _, name := range words.Languages {
		all = append(all, choice{name, ownNames[name], name == chosen})
	}
	return all
}

// speaker speaks the language of a request: what was chosen in the browser, else the account's, else what the browser prefers.
func speaker(r *http.Request, account registry.Account) *words.Speaker {
	if c, err := r.Cookie(languageName); err == nil && slices.Contains(words.Languages, c.Value) {
		return words.In(c.Value)
	}
	if account.Contact.Language != "" {
		return words.In(account.Contact.Language)
	}
	return words.In(words.Preferred(r.Header.Get("Accept-Language")))
}

// choose keeps the language that somebody chose, and leads back to the page. It changes nothing but what the browser shows, so
// that it needs no login.
func (c *Console) choose(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	name := r.PostForm.Get("language")
	if !slices.Contains(words.Languages, name) {
		return errNoPage
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageName, Value: name, Path: "/", MaxAge: int(languageTime / time.Second), HttpOnly: true, Secure: c.encrypted(r), SameSite: http.SameSiteLaxMode,
	})
	next := r.PostForm.Get("next")
	if u, err := url.Parse(next); err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, reactivatePath) || strings.ContainsAny(next, "\\\r\n") {
		next = local(next)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// here is the page of a request, to come back to; that of a form has no page of its own.
func here(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return root
	}
	return r.URL.RequestURI()
}

// spoken are the functions of templates that speak a language.
func spoken(s *words.Speaker) template.FuncMap {
	return template.FuncMap{
		"language": func() string { return s.Language },
		"say":      s.Say,
		"rich":     func(text string, args ...any) template.HTML { return rich(s, text, args...) },
		"told":     func(text any) template.HTML { return timed(s, s.Told(reflect.ValueOf(text).String())) },
		"sentence": func(text string) template.HTML { return timed(s, s.Sentence(text)) },
		"number":   s.Number,
		"brief":    s.Brief,
		"clock":    s.Second,
		"hour":     func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"time":     func(t time.Time) template.HTML { return clock(s, t) },
	}
}

// rich says a message that holds marks of HTML. Its arguments are escaped unless they are HTML themselves.
func rich(s *words.Speaker, text string, args ...any) template.HTML {
	given := make([]any, len(args))
	for i, arg := range args {
		switch v := reflect.ValueOf(arg); {
		case v.Type() == reflect.TypeFor[template.HTML]():
			given[i] = v.String()
		case v.Kind() == reflect.String:
			given[i] = template.HTMLEscapeString(v.String())
		default:
			given[i] = arg
		}
	}
	return template.HTML(s.Say(text, given...))
}

// clock is a time, which the script says in the visitor's own zone.
func clock(s *words.Speaker, t time.Time) template.HTML {
	if t.IsZero() {
		return template.HTML(`<span class="muted">` + template.HTMLEscapeString(s.Say("never")) + `</span>`)
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + template.HTMLEscapeString(s.Second(t)) + `</time>`)
}

// stamps are the times in what the packages below tell, in each language.
var stamps = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

// timed is a text with its times as clock has them.
func timed(s *words.Speaker, text string) template.HTML {
	var b strings.Builder
	rest := text
	for _, place := range stamps.FindAllStringIndex(text, -1) {
		at, err := time.Parse("2006-01-02 15:04:05 UTC", text[place[0]:place[1]])
		if err != nil {
			continue // it only looks like one
		}
		done := len(text) - len(rest)
		b.WriteString(template.HTMLEscapeString(text[done:place[0]]))
		b.WriteString(string(clock(s, at)))
		rest = text[place[1]:]
	}
	b.WriteString(template.HTMLEscapeString(rest))
	return template.HTML(b.String())
}

// plain is a number as a program writes it, for what is a name and no amount.
func plain(n any) string {
	switch v := reflect.ValueOf(n); {
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	default:
		return strconv.FormatInt(v.Int(), 10)
	}
}
