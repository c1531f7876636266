// Package filter decides by an event's data whether an event is for a webhook: conditions on JSON pointers (RFC 6901), of which
// all hold or any does. It is pure, and what one decision costs is bounded.
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a filter: what it may cost to keep, and to decide by.
const (
	// MaxConditions bounds the conditions, with those that hold others.
	MaxConditions = 50
	// maxDepth bounds how deep they are in one another, maxPointer the bytes of a pointer and maxTokens its parts.
	maxDepth, maxPointer, maxTokens = 4, 256, 16
	// maxValues bounds the values of oneOf, maxValue the bytes of a value, and MaxBytes those of all pointers and values together.
	maxValues, maxValue, MaxBytes = 50, 256, 8 << 10
)

// Err is returned for a filter that cannot be.
var Err = errors.New("invalid filter")

// Filter is a condition on an event's data. It holds others, of which all have to hold or any, or it is about the value that a
// pointer leads to: then all that it says of that has to hold. A value that is not there is equal to nothing and in no range.
type Filter struct {
	All []Filter `json:"all,omitempty"`
	Any []Filter `json:"any,omitempty"`
	// Pointer is a JSON pointer, such as /subscriber/id or /lists/0; empty: the data as a whole.
	Pointer string `json:"pointer,omitempty"`
	// Equals is a text, a number, true, false or null, and OneOf are several, of which the value is one. Numbers are compared as
	// numbers, however they are written.
	Equals json.RawMessage   `json:"equals,omitempty"`
	OneOf  []json.RawMessage `json:"oneOf,omitempty"`
	// Exists says whether there has to be a value, or must be none.
	Exists *bool `json:"exists,omitempty"`
	// Min and Max are the ends of a range of numbers, which are in it.
	Min json.RawMessage `json:"min,omitempty"`
	Max json.RawMessage `json:"max,omitempty"`
}

// IsZero says whether the filter says nothing, and leaves out nothing.
func (f *Filter) IsZero() bool {
	return len(f.All) == 0 && len(f.Any) == 0 && f.Pointer == "" && !f.tests()
}

// tests says whether it is about a value.
func (f *Filter) tests() bool {
	return len(f.Equals) > 0 || len(f.OneOf) > 0 || f.Exists != nil || len(f.Min) > 0 || len(f.Max) > 0
}

// Program is a filter that decides. It is safe for concurrent use. The nil program leaves out nothing.
type Program struct {
	root condition
	// paths are the pointers of all conditions, as a tree, and values counts them.
	paths  *path
	values int
}

// Compile makes a filter decide: nil for a filter that says nothing, and Err for one that cannot be.
func Compile(f *Filter) (*Program, error) {
	if f == nil || f.IsZero() {
		return nil, nil
	}
	p := &Program{paths: &path{value: none}}
	c := compiler{program: p}
	var err error
	if p.root, err = c.compile(f, 1); err != nil {
		return nil, err
	}
	return p, nil
}

// compiler makes conditions, and counts them.
type compiler struct {
	program    *Program
	conditions int
	// bytes are those of pointers and values.
	bytes int
}

func (c *compiler) compile(f *Filter, depth int) (condition, error) {
	if c.conditions++; c.conditions > MaxConditions {
		return condition{}, fmt.Errorf("%w: it has more than %d conditions", Err, MaxConditions)
	}
	kinds := 0
	for _, is := range []bool{len(f.All) > 0, len(f.Any) > 0, f.tests()} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1 || !f.tests() && f.Pointer != "":
		return condition{}, fmt.Errorf("%w: a condition has either all, or any, or a pointer with equals, oneOf, exists, min or max", Err)
	case depth > maxDepth:
		return condition{}, fmt.Errorf("%w: conditions are more than %d deep in one another", Err, maxDepth)
	case f.tests():
		return c.test(f)
	}
	made := condition{any: len(f.Any) > 0}
	for _, inner := range append(f.All, f.Any...) {
		one, err := c.compile(&inner, depth+1)
		if err != nil {
			return condition{}, err
		}
		made.inner = append(made.inner, one)
	}
	return made, nil
}

// test makes a condition about a value.
func (c *compiler) test(f *Filter) (condition, error) {
	wrong := func(format string, args ...any) (condition, error) {
		return condition{}, fmt.Errorf("%w: "+format, append([]any{Err}, args...)...)
	}
	pointer := jsontext.Pointer(f.Pointer)
	if !pointer.IsValid() || len(f.Pointer) > maxPointer || strings.Count(f.Pointer, "/") > maxTokens || !utf8.ValidString(f.Pointer) {
		return wrong("pointer %.60q is not a JSON pointer such as /subscriber/id, of at most %d bytes and %d parts", f.Pointer, maxPointer, maxTokens)
	}
	c.bytes += len(f.Pointer) + len(f.Min) + len(f.Max)
	t := &test{pointer: f.Pointer, at: c.program.place(pointer), exists: f.Exists}
	if len(f.OneOf) > maxValues {
		return wrong("oneOf has more than %d values", maxValues)
	}
	for i, text := range append([]json.RawMessage{f.Equals}, f.OneOf...) {
		if i == 0 && len(text) == 0 {
			continue
		}
		c.bytes += len(text)
		s, err := scalarOf(text)
		if err != nil || len(text) > maxValue {
			return wrong("equals and oneOf of %s are texts, numbers, true, false or null, of at most %d bytes each", t.name(), maxValue)
		}
		if i == 0 {
			t.equals = &s
		} else {
			t.oneOf = append(t.oneOf, s)
		}
	}
	for _, end := range []struct {
		text json.RawMessage
		into **decimal
	}{{f.Min, &t.min}, {f.Max, &t.max}} {
		if len(end.text) == 0 {
			continue
		}
		s, err := scalarOf(end.text)
		if err != nil || s.kind != '0' || len(end.text) > maxValue {
			return wrong("min and max of %s are numbers of at most %d bytes", t.name(), maxValue)
		}
		*end.into = &s.number
	}
	if c.bytes > MaxBytes {
		return wrong("its pointers and values have more than %d bytes", MaxBytes)
	}
	return condition{test: t}, nil
}

// Parse reads a filter that a person wrote: nil for an empty text or object, and Err.
func Parse(text string) (*Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var f Filter
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %s", Err, strings.TrimPrefix(err.Error(), "json: "))
	}
	if decoder.More() {
		return nil, fmt.Errorf("%w: it is one JSON object", Err)
	}
	program, err := Compile(&f)
	if program == nil {
		return nil, err
	}
	return &f, nil
}
