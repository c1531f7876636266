package api

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/API.md anew")

// The documentation of functions, parameters and codes is what the table says.
func TestDocumentationIsTheTable(t *testing.T) {
	t.Parallel()
	const file = "../docs/API.md"
	want := documentation()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("docs/API.md is not what the table of functions says: run go test ./api -run %s -update (%v)", t.Name(), err)
	}
}

func documentation() string {
	var b strings.Builder
	b.WriteString("# The functions of the API\n\n" +
		"Written from `api.Functions`; a test compares the two. REST takes Basic auth, with a password or an API key, or\n" +
		"`Authorization: Bearer` with an API key, and parameters where the table says: a parameter in the body is a member of a\n" +
		"JSON object. A read-only key covers every GET, a publish-only key PublishEvent and PublishEvents. The web service takes `username` and `password` beside the\n" +
		"parameters, as a form or as JSON. Parameters with a ? are optional. A parameter of the query that\n" +
		"is unknown, also in another letter case, or given twice, and a flag without a value, are refused.\n\n" +
		"A running Saumer serves the same as OpenAPI 3.1 at `/openapi.json`, and as a page at `/reference`. REST answers an error as\n" +
		"`application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and the `code` of the tables. A list that has\n" +
		"more says in `next` what to give as `after` or `before` for the next page.\n\n## Codes of every function\n\n")
	codeTable(&b, shared)
	for _, f := range Functions() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n- REST: `%s %s`, answered %d\n", f.Name, f.Doc, f.Method, f.Path, f.Status)
		if f.InWebService() {
			fmt.Fprintf(&b, "- Web service: `POST %s`\n", f.WebPath())
		}
		if len(f.Parameters) > 0 {
			b.WriteString("\n| parameter | kind | REST | web service | |\n|---|---|---|---|---|\n")
		}
		for _, p := range f.Parameters {
			web := "–"
			if f.InWebService() && p.inWebService() {
				web = "`" + p.webName() + "`"
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s | %s |\n", p.Name, map[bool]string{false: "?"}[p.Required], p.Kind, cmp.Or(string(p.In), "–"), web, about(p))
		}
		if len(f.codes) > 0 {
			b.WriteString("\n")
			codeTable(&b, f.codes)
		}
	}
	return b.String()
}

// about is what a parameter is for, with its values.
func about(p Parameter) string {
	said := []string{p.Doc}
	switch {
	case p.Max != 0:
		said = append(said, fmt.Sprintf("From %d to %d.", p.Min, p.Max))
	case p.Values != nil:
		said = append(said, "One of "+strings.Join(p.Values, ", ")+".")
	}
	if p.Default != "" {
		said = append(said, "The default is "+p.Default+".")
	}
	return strings.Join(said, " ")
}

func codeTable(b *strings.Builder, codes []Code) {
	b.WriteString("| code | status in REST | what it means |\n|---|---|---|\n")
	for _, c := range codes {
		fmt.Fprintf(b, "| %d | %d | %s |\n", c.Code, c.Status, c.Text)
	}
}

func TestFunctionsAreATable(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{}
	for _, f := range Functions() {
		route := f.Method + " " + f.Path
		if routes[route] || lookup(f.Name) != f {
			t.Errorf("%s: its name or its route %s is another function's", f.Name, route)
		}
		routes[route] = true
		if f.Doc == "" || f.Result == nil || (f.Effect == "") != (f.Method == http.MethodGet) {
			t.Errorf("%s: it does not say what it does (%q), what it changes (%q) or what it answers with (%v)", f.Name, f.Doc, f.Effect, f.Result)
		}
		var inPath []string
		names := map[string]bool{}
		for _, p := range f.Parameters {
			if p.In == InPath {
				inPath = append(inPath, "{"+p.Name+"}")
			}
			if names[p.Name] || p.Doc == "" || p.Kind == "" || p.Type == nil || p.In == InBody && p.json == nil || p.In == InHeader && p.wrong == nil || (p.In == InWholeBody) != (p.body != nil) {
				t.Errorf("%s: the parameter %+v", f.Name, p)
			}
			names[p.Name] = true
		}
		if inside := regexp.MustCompile(`\{\w+\}`).FindAllString(f.Path, -1); !slices.Equal(inside, inPath) {
			t.Errorf("%s: the path has the parameters %v, and declared are %v", f.Name, inside, inPath)
		}
		for _, p := range f.WebParameters() {
			if f.InWebService() && p.Label == "" {
				t.Errorf("%s: the demo page has no label for %s", f.Name, p.Name)
			}
		}
	}
}

func TestMembersOfABody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                              "app must be there",
		`null`:                          "app must be there",
		`{"replay":true}`:               "app must be there",
		`{"APP":"a"}`:                   "",
		`{"app":"a","Replay":null}`:     "",
		`{"app":"a","nested":{"a":1}}`:  "",
		`[]`:                            "the body is not a JSON object",
		`7`:                             "the body is not a JSON object",
		`{"app":"a"`:                    "the body ends before its JSON object does",
		`{"app":`:                       "the body ends before its JSON object does",
		`{"app":"a"} {}`:                "the body is more than one JSON object",
		`{"application":"a"}`:           `the body has an unknown field "application"`,
		`{"app":7}`:                     `"app" in the body is not a string`,
		`{"app":"a","replay":1}`:        `"replay" in the body is not true or false`,
		`{"app":"a","nested":[]}`:       `"nested" in the body is not an object`,
		`{"app":"a","nested":{"a":.}}`:  "read the body: invalid character",
		`{"app":"a","nested":{"a":""}}`: `"nested.a" in the body is not a whole number`,
		`{"app":"a","nested":{"b":1}}`:  `read the body: unknown field "b"`,
	} {
		var app string
		var replay bool
		var nested struct {
			A int `json:"a"`
		}
		required := text(Parameter{Name: "app", In: InBody, Required: true}, &app)
		required.text = func(text string) error { return fmt.Errorf("app must be there%s", text) }
		err := readMembers([]byte(body), []Parameter{
			required, boolean(Parameter{Name: "replay", In: InBody}, &replay), object(Parameter{Name: "nested", In: InBody}, &nested),
		})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err == nil && app != "a" {
			t.Errorf("%s: %q, %v, want %q", body, app, err, want)
		}
	}
}
