package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/words"
)

//go:embed templates static
var files embed.FS

// page is what the layout shows around a body.
type page struct {
	Title   string
	Visitor visitor
	// Status is the HTTP status, 200 if 0.
	Status int
	Body   any

	// The rest is filled in when the page is written: Here is the page's own address, Languages those that it can be shown in.
	Path, Here, Version string
	Languages           []choice
}

// pages are the templates by language and name, each with the layout and the parts that pages share.
var pages = parsePages()

func parsePages() map[string]map[string]*template.Template {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	all := map[string]map[string]*template.Template{}
	for _, language := range words.Languages {
		shared := template.New("").Funcs(functions).Funcs(spoken(words.In(language)))
		template.Must(shared.ParseFS(files, "templates/layout.html", "templates/parts.html"))
		all[language] = map[string]*template.Template{}
		for _, name := range names {
			short := strings.TrimSuffix(path.Base(name), ".html")
			if short == "layout" || short == "parts" {
				continue
			}
			all[language][short] = template.Must(template.Must(shared.Clone()).ParseFS(files, name))
		}
	}
	return all
}

// functions are what templates can call in every language, beside those of spoken.
var functions = template.FuncMap{
	"asset":  func(name string) string { return assets[name].url },
	"rfc":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"id":     plain,
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

// write writes a page, whole or not at all. That the client does not take it is the client's affair.
func (c *Console) write(w http.ResponseWriter, r *http.Request, name string, p page) {
	c.execute(w, r, name, "layout", p)
}

// writePart writes only a part of a page, for the script to put in place.
func (c *Console) writePart(w http.ResponseWriter, r *http.Request, v visitor, name, part string, body any) {
	c.execute(w, r, name, part, page{Visitor: v, Body: body})
}

func (c *Console) execute(w http.ResponseWriter, r *http.Request, name, part string, p page) {
	if p.Visitor.Speaker == nil {
		p.Visitor.Speaker = speaker(r, p.Visitor.Account)
	}
	language := p.Visitor.Language
	p.Path, p.Here, p.Version, p.Languages = r.URL.Path, here(r), c.o.Version, choices(language)
	var b bytes.Buffer
	if err := pages[language][name].ExecuteTemplate(&b, part, p); err != nil {
		c.o.Log.Error("a page cannot be written", zap.String("page", name), zap.Error(err))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", language)
	w.Header().Set("Vary", "Accept-Language, Cookie")
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
