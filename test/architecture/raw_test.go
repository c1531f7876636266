package architecture

import (
	"go/ast"
	"testing"
)

// Whoever holds a bucket decides how its records are read and written; so no exported field hands one out.
func TestNoBucketIsExported(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, f := range p.files {
			local := f.called("github.com/nats-io/nats.go/jetstream")
			if f.test || local == "" {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				s, ok := n.(*ast.StructType)
				if !ok {
					return true
				}
				for _, field := range s.Fields.List {
					of, ok := field.Type.(*ast.SelectorExpr)
					if !ok || of.Sel.Name != "KeyValue" {
						continue
					}
					if from, ok := of.X.(*ast.Ident); !ok || from.Name != local {
						continue
					}
					if len(field.Names) == 0 {
						t.Errorf("%s:%d embeds a jetstream.KeyValue: keep it to the package", f.name, f.line(field.Pos()))
					}
					for _, name := range field.Names {
						if name.IsExported() {
							t.Errorf("%s:%d: the field %s is a jetstream.KeyValue: keep it to the package", f.name, f.line(field.Pos()), name.Name)
						}
					}
				}
				return true
			})
		}
	}
}
