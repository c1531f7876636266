package api

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// schema is a JSON Schema (draft 2020-12), as OpenAPI 3.1 has it.
type schema map[string]any

// schemas makes the schemas of Go types as encoding/json writes them. What a struct is stands once, in named, and is referred to.
type schemas struct {
	named map[string]schema
	// types tells which type a name is of: no two may have one.
	types map[string]reflect.Type
}

func newSchemas() *schemas { return &schemas{map[string]schema{}, map[string]reflect.Type{}} }

// componentPath begins the reference to a schema with a name.
const componentPath = "#/components/schemas/"

// of is the schema of a type.
func (s *schemas) of(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[stamp]():
		return schema{"type": []string{"string", "null"}, "format": "date-time"}
	case reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer", "format": "int64"}
	case reflect.Uint64:
		return schema{"type": "integer", "format": "int64", "minimum": 0}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{} // JSON as it came
		}
		return schema{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.reference(t)
	}
	return schema{}
}

// reference is a reference to the schema of a struct, which has the name of its type.
func (s *schemas) reference(t reflect.Type) schema {
	name := componentName(t)
	if known, ok := s.types[name]; ok && known != t {
		panic("two types have the name " + name + " in the API")
	}
	if s.types[name] == nil {
		s.types[name] = t
		s.named[name] = s.object(t)
	}
	return schema{"$ref": componentPath + name}
}

// componentName is a type's name as the API has it.
func componentName(t reflect.Type) string {
	name := strings.TrimPrefix(t.Name(), "rest")
	return strings.ToUpper(name[:1]) + name[1:]
}

// object is the schema of a struct, with the members of those that are embedded.
func (s *schemas) object(t reflect.Type) schema {
	properties, required := map[string]any{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || name == "" && !tagged {
			continue
		}
		of := s.of(f.Type)
		optional := strings.Contains(options, "omitempty")
		if f.Type.Kind() == reflect.Pointer && !optional {
			of = orNull(of)
		}
		properties[name] = of
		if !optional {
			required = append(required, name)
		}
	}
	object := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		object["required"] = required
	}
	return object
}

// orNull is a schema that takes null, too.
func orNull(of schema) schema {
	if kind, ok := of["type"].(string); ok {
		of["type"] = []string{kind, "null"}
		return of
	}
	return schema{"anyOf": []schema{of, {"type": "null"}}}
}

// parameter is the schema of a parameter's value.
func (s *schemas) parameter(p Parameter) schema {
	of := s.of(p.Type)
	if p.Values != nil {
		of["enum"] = p.Values
	}
	if p.Default != "" {
		of["default"] = p.Default
	}
	if p.Kind == KindNumber {
		of["minimum"] = p.Min
		if p.Max != 0 {
			of["maximum"] = p.Max
		}
		if n, err := strconv.Atoi(p.Default); err == nil {
			of["default"] = n
		}
	}
	return of
}
