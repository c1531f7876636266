package filter

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// condition is a test of a value, or one of others.
type condition struct {
	test  *test
	any   bool
	inner []condition
}

// test is a condition about one value, the one at a place.
type test struct {
	pointer  string
	at       int
	equals   *scalar
	oneOf    []scalar
	exists   *bool
	min, max *decimal
}

// path is a part of the tree of pointers: value is the place of what it leads to, none if no condition is about that.
type path struct {
	value int
	inner map[string]*path
}

// none is the place of no value.
const none = -1

// place is the place of the value that a pointer leads to.
func (p *Program) place(pointer jsontext.Pointer) int {
	at := p.paths
	for token := range pointer.Tokens() {
		next := at.inner[token]
		if next == nil {
			if at.inner == nil {
				at.inner = map[string]*path{}
			}
			next = &path{value: none}
			at.inner[token] = next
		}
		at = next
	}
	if at.value == none {
		at.value = p.values
		p.values++
	}
	return at.value
}

// LeftOut says whether the filter leaves out an event with this data, a JSON value. It reads the data once, however many
// conditions there are.
func (p *Program) LeftOut(data []byte) bool {
	if p == nil {
		return false
	}
	found, err := p.find(data)
	return err != nil || !p.root.holds(found)
}

// Why says by which of its conditions the filter leaves out an event with this data; empty if it does not.
func (p *Program) Why(data []byte) string {
	if !p.LeftOut(data) {
		return ""
	}
	found, err := p.find(data)
	if err != nil {
		return "the data is not JSON"
	}
	return p.root.why(found)
}

// find reads the values that the conditions are about.
func (p *Program) find(data []byte) ([]value, error) {
	found := make([]value, p.values)
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return found, p.paths.read(d, found)
}

// value is what a pointer leads to in an event's data; the kind of nothing is 0.
type value struct {
	scalar
	there bool
}

// read takes the values of a part of the tree from a decoder that is in front of what the part leads to. Of a name that comes
// twice the last one counts.
func (p *path) read(d *jsontext.Decoder, found []value) error {
	kind := d.PeekKind()
	if p.value != none {
		found[p.value] = value{there: true}
		if kind != '{' && kind != '[' {
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			found[p.value].scalar, err = scalarOf(raw)
			p.clear(found)
			return err
		}
	}
	p.clear(found)
	if len(p.inner) == 0 || kind != '{' && kind != '[' {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for i := 0; d.PeekKind() != '}' && d.PeekKind() != ']'; i++ {
		name := strconv.Itoa(i)
		if kind == '{' {
			token, err := d.ReadToken()
			if err != nil {
				return err
			}
			name = token.String()
		}
		read := d.SkipValue
		if next, wanted := p.inner[name]; wanted {
			read = func() error { return next.read(d, found) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// clear forgets what was found below: a name comes again.
func (p *path) clear(found []value) {
	for _, next := range p.inner {
		if next.value != none {
			found[next.value] = value{}
		}
		next.clear(found)
	}
}

// holds says whether the condition does.
func (c condition) holds(found []value) bool {
	if c.test != nil {
		return c.test.fails(found[c.test.at]) == ""
	}
	for _, inner := range c.inner {
		if inner.holds(found) == c.any {
			return c.any
		}
	}
	return !c.any
}

// why says what it is that does not hold, of a condition that does not.
func (c condition) why(found []value) string {
	if c.test != nil {
		return c.test.why(c.test.fails(found[c.test.at]))
	}
	for _, inner := range c.inner {
		switch {
		case inner.holds(found):
		case c.any && len(c.inner) > 1:
			return fmt.Sprintf("none of %d conditions holds, and not that %s", len(c.inner), inner.why(found))
		default:
			return inner.why(found)
		}
	}
	return ""
}

// fails is the name of what a test says that is not so of a value; empty if all is.
func (t *test) fails(v value) string {
	number := v.there && v.kind == '0'
	switch {
	case t.exists != nil && *t.exists != v.there:
		return "exists"
	case t.equals != nil && !(v.there && v.is(*t.equals)):
		return "equals"
	case t.oneOf != nil && !(v.there && slices.ContainsFunc(t.oneOf, v.is)):
		return "oneOf"
	case t.min != nil && !(number && v.number.compare(*t.min) >= 0):
		return "min"
	case t.max != nil && !(number && v.number.compare(*t.max) <= 0):
		return "max"
	}
	return ""
}

// why says how a value should be that fails.
func (t *test) why(fails string) string {
	switch fails {
	case "exists":
		if *t.exists {
			return t.name() + " is there"
		}
		return t.name() + " is not there"
	case "equals":
		return t.name() + " equals " + t.equals.String()
	case "oneOf":
		return t.name() + " is one of " + list(t.oneOf)
	case "min":
		return t.name() + " is " + t.min.String() + " or more"
	default:
		return t.name() + " is " + t.max.String() + " or less"
	}
}

func (t *test) name() string {
	if t.pointer == "" {
		return "the data"
	}
	return t.pointer
}

// String is the value as people read it.
func (s scalar) String() string {
	switch s.kind {
	case '"':
		return strconv.Quote(s.text)
	case '0':
		return s.number.String()
	case 't':
		return "true"
	case 'f':
		return "false"
	default:
		return "null"
	}
}

// String is the number as people write it, where it has not too many digits for that.
func (d decimal) String() string {
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch n := int64(len(d.digits)); {
	case n == 0:
		return "0"
	case d.exponent >= n && d.exponent < 20:
		return sign + d.digits + strings.Repeat("0", int(d.exponent-n))
	case d.exponent > 0 && d.exponent < n:
		return sign + d.digits[:d.exponent] + "." + d.digits[d.exponent:]
	case d.exponent <= 0 && d.exponent > -20:
		return sign + "0." + strings.Repeat("0", int(-d.exponent)) + d.digits
	default:
		return fmt.Sprintf("%s0.%se%d", sign, d.digits, d.exponent)
	}
}

// list has the first few values for a sentence.
func list(values []scalar) string {
	const few = 5
	var parts []string
	for i, s := range values {
		if i == few {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, s.String())
	}
	return strings.Join(parts, ", ")
}
