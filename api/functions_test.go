package api

import (
	"cmp"
	goflag "flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = goflag.Bool("update", false, "write docs/API.md anew")

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
		"Written from `api.Functions`; a test compares the two. REST takes Basic auth, and parameters where the table says: a\n" +
		"parameter in the body is a member of a JSON object. The web service takes `username` and `password` beside the\n" +
		"parameters, as a form or as JSON. Parameters with a ? are optional.\n\n## Codes of every function\n\n")
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
		if routes[route] || Lookup(f.Name) != f {
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
			if names[p.Name] || p.Doc == "" || p.Kind == "" || p.Type == nil || p.In == InBody && p.json == nil || (p.In == InWholeBody) != (p.body != nil) {
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
