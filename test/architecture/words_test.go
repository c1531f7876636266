package architecture

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/saumer/saumer/words"
)

// sayers are the calls that name a message of the catalogue, by the place of the argument that does.
var sayers = map[string]int{"Say": 0, "rich": 1}

// saysInTemplates finds what templates say. A message is named by a literal, so that this finds it.
var saysInTemplates = regexp.MustCompile(`\b(?:say|rich) ("(?:[^"\\]|\\.)*")?`)

// What is said anywhere is in the catalogue, and what is in the catalogue for pages, forms and mails is said.
func TestCatalogueHasWhatIsSaid(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	say := func(where, text string) {
		used[text] = true
		if !words.Knows(text) {
			t.Errorf("%s says %q, which the catalogue does not have", where, text)
		}
	}
	for _, p := range load(t) {
		for _, f := range p.files {
			if f.test || p.dir == "words" {
				continue
			}
			saidIn(t, f, say)
		}
	}
	templates, err := filepath.Glob(root + "/*/templates/*")
	if err != nil || len(templates) < 10 {
		t.Fatalf("%d templates were found, %v", len(templates), err)
	}
	for _, name := range templates {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range saysInTemplates.FindAllStringSubmatch(string(data), -1) {
			text, err := strconv.Unquote(found[1])
			if err != nil {
				t.Errorf("%s says what is no literal: %s", name, found[0])
				continue
			}
			say(name, text)
		}
	}
	if len(used) < 300 {
		t.Errorf("%d messages are said: the test does not see them", len(used))
	}
	for _, text := range words.Said() {
		if !used[text] {
			t.Errorf("nobody says %q: take it out of the catalogue", text)
		}
	}
}

// saidIn hands on what a file says.
func saidIn(t *testing.T, f file, say func(where, text string)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch fun := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		case *ast.Ident:
			name = fun.Name
		}
		place, ok := sayers[name]
		if !ok || len(call.Args) <= place {
			return true
		}
		literal, ok := call.Args[place].(*ast.BasicLit)
		if !ok {
			// The functions of templates hand on what these name.
			if !strings.HasSuffix(f.name, "console/language.go") {
				t.Errorf("%s:%d: %s is given no literal", f.name, f.line(call.Pos()), name)
			}
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Errorf("%s:%d: %v", f.name, f.line(call.Pos()), err)
			return true
		}
		say(f.name, text)
		return true
	})
}

// told are the files whose sentences people read.
var told = []string{
	"api/budget.go", "delivery/tlsfault.go", "delivery/verdict.go", "filter/filter.go", "registry/interest.go", "replay/why.go",
}

// untold says whether a node tells people nothing: it compares a text, or looks for it in another; or it is the description of a
// function, which is in the reference.
func untold(node ast.Node) bool {
	if pair, ok := node.(*ast.KeyValueExpr); ok {
		key, ok := pair.Key.(*ast.Ident)
		return ok && key.Name == "Doc"
	}
	if call, ok := node.(*ast.CallExpr); ok {
		fun, ok := call.Fun.(*ast.SelectorExpr)
		return ok && fun.Sel.Name == "Contains"
	}
	binary, ok := node.(*ast.BinaryExpr)
	return ok && binary.Op == token.EQL
}

// What the packages below tell people in English, the catalogue has too.
func TestCatalogueHasWhatIsTold(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[.0-9]*[a-z]`)
	sentence := regexp.MustCompile(`^(?:; )?[A-Za-z%]\S* .*[a-z]{2}.*$`)
	n := 0
	for _, p := range load(t) {
		for _, f := range p.files {
			if !slices.Contains(told, f.name) {
				continue
			}
			ast.Inspect(f.ast, func(node ast.Node) bool {
				if untold(node) {
					return false
				}
				literal, ok := node.(*ast.BasicLit)
				if !ok {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil || !sentence.MatchString(text) {
					return true
				}
				n++
				// As it is told with arguments, to the end of its sentence, or with the host.
				said := verbs.ReplaceAllStringFunc(strings.TrimPrefix(text, "%w: "), func(verb string) string {
					if strings.HasSuffix(verb, "q") {
						return `"7"`
					}
					return "7"
				})
				if !words.Tells(said) && !words.Tells(said+".") && !words.Tells("example.org: "+said) {
					t.Errorf("%s:%d: the catalogue does not have %q", f.name, f.line(literal.Pos()), text)
				}
				return true
			})
		}
	}
	if n < 30 {
		t.Errorf("%d sentences were found: the test does not see them", n)
	}
}
