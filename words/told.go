package words

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pattern finds the arguments of a message in its English text.
type pattern struct {
	text string
	find *regexp.Regexp
	// verbs are those of the arguments: d of a number, anything else of a text.
	verbs string
}

// verb is the place of an argument in a message: its index, if it is said, and its verb.
var verb = regexp.MustCompile(`%(\[\d+\])?[.0-9]*[a-z]`)

// below are the messages that the packages below tell in English.
var below = merged(troubles, functions)

// patterns are those of the messages of below that have arguments, the most telling first.
var patterns = compile()

func compile() []pattern {
	var all []pattern
	for text, m := range below {
		if !strings.Contains(text, "%") {
			continue
		}
		forms := []string{text}
		if m.one != "" {
			forms = append(forms, m.one)
		}
		for _, form := range forms {
			if strings.Count(form, "%") == strings.Count(text, "%") { // a form that leaves its number out cannot be read
				all = append(all, patternOf(text, form))
			}
		}
	}
	slices.SortFunc(all, func(a, b pattern) int {
		return cmp.Or(literal(b)-literal(a), cmp.Compare(a.text, b.text))
	})
	return all
}

// literal is how many bytes of a pattern are no argument.
func literal(p pattern) int { return len(verb.ReplaceAllString(p.text, "")) }

func patternOf(text, form string) pattern {
	p := pattern{text: text}
	var b strings.Builder
	b.WriteString(`(?s)^`)
	rest := form
	for _, place := range verb.FindAllString(form, -1) {
		before, after, _ := strings.Cut(rest, place)
		b.WriteString(regexp.QuoteMeta(before))
		kind := place[len(place)-1:]
		p.verbs += kind
		switch kind {
		case "d":
			b.WriteString(`(\d+)`)
		case "q":
			b.WriteString(`("(?:[^"\\]|\\.)*")`)
		default:
			b.WriteString(`(.*?)`)
		}
		rest = after
	}
	b.WriteString(regexp.QuoteMeta(rest) + `$`)
	p.find = regexp.MustCompile(b.String())
	return p
}

// Told says what a package below told in English, such as a reason or an error: a message of the catalogue, of which the
// arguments are told in the same way. What is in no message is handed on as it is: a name, or the words of somebody else.
func (s *Speaker) Told(text string) string {
	if s.Language == Languages[0] {
		return text
	}
	if Knows(text) && !strings.Contains(text, "%") {
		return s.Say(text)
	}
	told, _ := s.told(text)
	return told
}

// Tells says whether the catalogue has what a package below told, whole.
func Tells(text string) bool {
	_, ok := In(Languages[1]).told(text)
	return ok || Knows(text)
}

func (s *Speaker) told(text string) (string, bool) {
	if _, ok := below[text]; ok && !strings.Contains(text, "%") {
		return s.Say(text), true
	}
	for _, p := range patterns {
		found := p.find.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		args := make([]any, len(p.verbs))
		for i := range p.verbs {
			args[i] = s.argument(p.verbs[i], found[i+1])
		}
		return s.Say(p.text, args...), true
	}
	return text, false
}

// argument reads an argument out of a text.
func (s *Speaker) argument(kind byte, text string) any {
	switch kind {
	case 'd':
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n
		}
	case 'q':
		if plain, err := strconv.Unquote(text); err == nil {
			return plain
		}
	}
	told, _ := s.told(text)
	return told
}
