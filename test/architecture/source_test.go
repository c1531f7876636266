package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is where the module's source is.
const root = "../.."

// pkg is the source of one folder.
type pkg struct {
	dir   string // from the root
	files []file
}

// file is one file of Go, parsed.
type file struct {
	name string // from the root
	test bool
	ast  *ast.File
	set  *token.FileSet
}

// load reads all Go of the module, once. The packages are in the order of their folders.
func load(t *testing.T) []pkg {
	t.Helper()
	packages, err := source()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

var source = sync.OnceValues(func() ([]pkg, error) {
	var packages []pkg
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		parsed, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		dir := "."
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			dir = name[:i]
		}
		i := slices.IndexFunc(packages, func(p pkg) bool { return p.dir == dir })
		if i < 0 {
			i = len(packages)
			packages = append(packages, pkg{dir: dir})
		}
		packages[i].files = append(packages[i].files, file{name, strings.HasSuffix(name, "_test.go"), parsed, set})
		return nil
	})
	return packages, err
})

// production says whether the folder has more than tests.
func (p pkg) production() bool {
	return slices.ContainsFunc(p.files, func(f file) bool { return !f.test })
}

// imports are the paths that the folder imports, besides its tests, each once.
func (p pkg) imports() []string {
	var paths []string
	for _, f := range p.files {
		if !f.test {
			paths = append(paths, f.imports()...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (f file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// line is the line of a position.
func (f file) line(p token.Pos) int { return f.set.Position(p).Line }

// called is what the file calls a package that it imports, empty if it does not.
func (f file) called(path string) string {
	for _, spec := range f.ast.Imports {
		if spec.Path.Value != strconv.Quote(path) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

// uses are the lines on which the file names something of a package that it imports, by that name.
func (f file) uses(path string) map[int]string {
	lines := map[int]string{}
	local := f.called(path)
	if local == "" {
		return lines
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == local {
				lines[f.line(s.Pos())] = s.Sel.Name
			}
		}
		return true
	})
	return lines
}
