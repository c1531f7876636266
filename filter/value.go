package filter

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// errScalar is returned for what is neither text nor a number, true, false or null.
var errScalar = errors.New("it is no single value")

// scalar is a JSON value that has no others in it.
type scalar struct {
	kind   jsontext.Kind // '"', '0', 't', 'f' or 'n'
	text   string
	number decimal
}

// scalarOf reads one.
func scalarOf(data []byte) (scalar, error) {
	value := jsontext.Value(bytes.TrimSpace(data))
	s := scalar{kind: value.Kind()}
	if !value.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return s, errScalar
	}
	switch s.kind {
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil && !bytes.Contains(text, []byte("\uFFFD")) {
			return s, err
		}
		s.text = string(text)
	case '0':
		s.number = decimalOf(string(value))
	case 't', 'f', 'n':
	default:
		return s, errScalar
	}
	return s, nil
}

// is says whether both are the same value.
func (s scalar) is(other scalar) bool {
	return s.kind == other.kind && s.text == other.text && s.number == other.number
}

// decimal is a number as it was written, exactly: 0.digits times ten to the exponent. There are no zeros at either end of the
// digits, so that one number is one decimal; zero has none.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

// decimalOf reads a JSON number. An exponent beyond all reason is as large as can be.
func decimalOf(text string) decimal {
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], strings.TrimPrefix(text[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return decimal{}
	}
	if exponent != "" {
		n, _ := strconv.ParseInt(exponent, 10, 64) // what is out of range is the nearest that is in it
		d.exponent = max(min(n, math.MaxInt32), math.MinInt32)
	}
	d.exponent += int64(len(digits) - len(fraction))
	d.digits = strings.TrimRight(digits, "0")
	return d
}

// compare is below zero if d is less than other, above if it is more.
func (d decimal) compare(other decimal) int {
	if d == other {
		return 0
	}
	if d.sign() != other.sign() {
		return cmp.Compare(d.sign(), other.sign())
	}
	size := cmp.Or(cmp.Compare(d.exponent, other.exponent), strings.Compare(d.digits, other.digits))
	if d.negative {
		return -size
	}
	return size
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}
