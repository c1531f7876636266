package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.uber.org/zap"
)

//go:embed templates static
var files embed.FS

// page is what the layout shows around a body.
type page struct {
	Title   string
	Visitor visitor
	// Status is the HTTP status, 200 if 0.
	Status int
	// Lang is the language of the page, English if empty.
	Lang string
	Body any

	// The rest is filled in when the page is written.
	Path, Version string
}

// pages are the templates by name, each with the layout and the parts that pages share.
var pages = parsePages()

func parsePages() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	all := map[string]*template.Template{}
	for _, name := range names {
		short := strings.TrimSuffix(path.Base(name), ".html")
		if short == "layout" || short == "parts" {
			continue
		}
		all[short] = template.Must(template.Must(shared.Clone()).ParseFS(files, name))
	}
	return all
}

// functions are what templates can call.
var functions = template.FuncMap{
	"asset":  func(name string) string { return assets[name].url },
	"number": func(n any) (string, error) { return number(n) },
	"rfc":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"clock":  utc,
	"brief":  brief,
	"cursor": cursor,
	"host":   hostOf,
	"nav": func(current, prefix string) bool {
		if prefix == root {
			return current == root
		}
		return strings.HasPrefix(current, prefix)
	},
}

// hostOf is the host of a URL. Its path and query may hold a credential, and not every page needs a login.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// number is a count with a separator of thousands.
func number(n any) (string, error) {
	switch v := n.(type) {
	case uint64:
		return humanize.Comma(int64(v)), nil
	case int:
		return humanize.Comma(int64(v)), nil
	case int64:
		return humanize.Comma(v), nil
	}
	return "", fmt.Errorf("%T is no count", n)
}

// utc is a time as pages say it without a script, which says it in the visitor's zone.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// count is a number of events with a separator of thousands.
func count(n uint64) string { return humanize.Comma(int64(n)) }

// events is a number of events in words.
func events(n uint64) string {
	if n == 1 {
		return "1 event"
	}
	return count(n) + " events"
}

// brief is a duration as a person says it, to two units at the most.
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// write writes a page, whole or not at all. That the client does not take it is the client's affair.
func (c *Console) write(w http.ResponseWriter, r *http.Request, name string, p page) {
	c.execute(w, r, name, "layout", p)
}

// writePart writes only a part of a page, for the script to put in place.
func (c *Console) writePart(w http.ResponseWriter, r *http.Request, name, part string, body any) {
	c.execute(w, r, name, part, page{Body: body})
}

func (c *Console) execute(w http.ResponseWriter, r *http.Request, name, part string, p page) {
	p.Path, p.Version = r.URL.Path, c.o.Version
	if p.Lang == "" {
		p.Lang = "en"
	}
	var b bytes.Buffer
	if err := pages[name].ExecuteTemplate(&b, part, p); err != nil {
		c.o.Log.Error("a page cannot be written", zap.String("page", name), zap.Error(err))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(cmp.Or(p.Status, http.StatusOK))
	_, _ = w.Write(b.Bytes())
}

// asset is a static file. Its URL changes with what is in it, so that it may be kept for ever.
type asset struct {
	url, kind string
	data      []byte
}

var assets = readAssets()

func readAssets() map[string]asset {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	entries, err := files.ReadDir("static")
	if err != nil {
		panic(err) // it is in the binary
	}
	all := map[string]asset{}
	for _, e := range entries {
		data, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err) // it is in the binary
		}
		hash := sha256.Sum256(data)
		all[e.Name()] = asset{
			url:  root + "static/" + e.Name() + "?" + hex.EncodeToString(hash[:6]),
			kind: kinds[path.Ext(e.Name())], data: data,
		}
	}
	return all
}

func serveStatic(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.data) // that the client does not take it is the client's affair
}
