package architecture

import (
	"go/ast"
	"strings"
	"testing"
)

const (
	// longestFunction bounds a function of production code, longestFile each file, in lines.
	longestFunction = 60
	longestFile     = 600
)

// Every package says in its first sentence what it is.
func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		var docs []string
		name := ""
		for _, f := range p.files {
			if f.ast.Doc != nil && f.ast.Doc.Text() != "" {
				docs = append(docs, f.ast.Doc.Text())
			}
			name = strings.TrimSuffix(f.ast.Name.Name, "_test")
		}
		begins := "Package " + name + " "
		if name == "main" {
			begins = "Command " + p.dir[strings.LastIndexByte(p.dir, '/')+1:] + " "
		}
		switch {
		case len(docs) != 1:
			t.Errorf("%s has %d package comments, want one", p.dir, len(docs))
		case !strings.HasPrefix(docs[0], begins):
			t.Errorf("the package comment of %s does not begin with %q", p.dir, begins)
		}
	}
}

func TestFunctionsAndFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, f := range p.files {
			if lines := f.line(f.ast.FileEnd); lines > longestFile {
				t.Errorf("%s has %d lines, at most %d: split it", f.name, lines, longestFile)
			}
			if f.test {
				continue
			}
			for _, d := range f.ast.Decls {
				function, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if lines := f.line(function.End()) - f.line(function.Pos()) + 1; lines > longestFunction {
					t.Errorf("%s:%d: %s has %d lines, at most %d: split it", f.name, f.line(function.Pos()), function.Name.Name, lines, longestFunction)
				}
			}
		}
	}
}
