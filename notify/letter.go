package notify

import (
	"embed"
	"fmt"
	html "html/template"
	"slices"
	"strings"
	text "text/template"
	"time"

	"github.com/saumer/saumer/registry"
)

//go:embed templates
var templates embed.FS

// clocks say how a time is written in each language.
var clocks = map[string]string{"en": "2 January 2006, 15:04 UTC", "de": "02.01.2006, 15:04 UTC"}

// words are the sentences of each language, layout and page what is around them.
var (
	words  = map[string]*text.Template{}
	layout = text.Must(text.ParseFS(templates, "templates/mail.txt"))
	page   = html.Must(html.ParseFS(templates, "templates/mail.html"))
)

func init() {
	for _, language := range registry.Languages {
		words[language] = text.Must(text.New(language).Funcs(text.FuncMap{
			"time": func(t time.Time) string { return t.UTC().Format(clocks[language]) },
			"list": list,
		}).ParseFS(templates, "templates/"+language+".txt"))
	}
}

// letter is a notice as a person reads it.
type letter struct{ Subject, Text, HTML string }

// content is what layout and page are filled with.
type content struct {
	Language, Subject string
	Paragraphs        []string
	// Facts are label and value.
	Facts        [][2]string
	Link, Button string
	Footer       string
}

// write writes the letter of a notice in a language; one that is not known is the first.
func write(n Notice, language string) (letter, error) {
	if !slices.Contains(registry.Languages, language) {
		language = registry.Languages[0]
	}
	say := func(name string) (string, error) {
		var b strings.Builder
		if err := words[language].ExecuteTemplate(&b, name, n); err != nil {
			return "", fmt.Errorf("write the notice in %s: %w", language, err)
		}
		return strings.TrimSpace(b.String()), nil
	}
	c := content{Language: language, Link: n.Link}
	said := map[string]string{}
	for _, name := range []string{"subject", "text", "facts", "button", "footer"} {
		part := name
		if name == "subject" || name == "text" {
			part = string(n.Kind) + "." + name
		}
		var err error
		if said[name], err = say(part); err != nil {
			return letter{}, err
		}
	}
	c.Subject = strings.Join(strings.Fields(said["subject"]), " ")
	for paragraph := range strings.SplitSeq(said["text"], "\n\n") {
		c.Paragraphs = append(c.Paragraphs, strings.Join(strings.Fields(paragraph), " "))
	}
	for line := range strings.Lines(said["facts"]) {
		if label, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			c.Facts = append(c.Facts, [2]string{label, value})
		}
	}
	c.Button, c.Footer = said["button"], said["footer"]
	var plain, rich strings.Builder
	if err := layout.Execute(&plain, c); err != nil {
		return letter{}, err
	}
	if err := page.Execute(&rich, c); err != nil {
		return letter{}, err
	}
	return letter{Subject: c.Subject, Text: plain.String(), HTML: rich.String()}, nil
}

// listed is how many sequences a letter names.
const listed = 20

// list names sequences, the first ones of many.
func list(seqs []uint64) string {
	parts := make([]string, 0, listed+1)
	for i, seq := range seqs {
		if i == listed {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprint(seq))
	}
	return strings.Join(parts, ", ")
}
