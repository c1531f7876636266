// Package words says in a person's language what Saumer has to say: one catalogue of messages in English and German, with
// the plural forms, numbers, durations and times of each.
//
// A message is named by its English text. So a page reads as what it says, and what the packages below say in English
// (why an attempt failed, what is wrong with a form) is found in the same catalogue: see [Speaker.Told].
package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Languages are those that are spoken; the first is the default.
var Languages = []string{"en", "de"}

var tags = []language.Tag{language.English, language.German}

// said is a message in German, and what it is of one where that differs. By is the argument that is counted, from 1 on; the
// first if it is 0.
type said struct {
	de string
	// one is the English and eins the German text if one is counted; empty if the message counts nothing.
	one, eins string
	by        int
}

// messages by their English text, from all parts of the catalogue.
var messages = merged(pages, forms, troubles, mails, functions)

func merged(parts ...map[string]said) map[string]said {
	all := map[string]said{}
	for _, part := range parts {
		for text := range part {
			if _, twice := all[text]; twice {
				panic(fmt.Sprintf("the catalogue has %q twice", text))
			}
		}
		maps.Copy(all, part)
	}
	return all
}

// Said are the messages that pages, forms and mails say, by their English text.
func Said() []string { return slices.Sorted(maps.Keys(merged(pages, forms, mails))) }

// spoken is the catalogue as x/text has it.
var spoken = build()

func build() catalog.Catalog {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	set := func(tag language.Tag, text, one, many string, by int) {
		var err error
		if one == "" {
			err = b.SetString(tag, text, many)
		} else {
			err = b.Set(tag, text, plural.Selectf(max(by, 1), "%d", plural.One, one, plural.Other, many))
		}
		if err != nil {
			panic(fmt.Sprintf("the catalogue's %q: %v", text, err))
		}
	}
	for text, m := range messages {
		set(language.English, text, m.one, text, m.by)
		set(language.German, text, m.eins, m.de, m.by)
	}
	return b
}

// Speaker says things in one language. It is safe for concurrent use.
type Speaker struct {
	// Language is one of Languages.
	Language string
	printer  *message.Printer
	zone     *time.Location
}

var speakers = map[string]*Speaker{}

func init() {
	for i, name := range Languages {
		speakers[name] = &Speaker{name, message.NewPrinter(tags[i], message.Catalog(spoken)), time.UTC}
	}
}

// In is a speaker of a language; of the first, if the language is none of Languages.
func In(name string) *Speaker {
	if s, ok := speakers[name]; ok {
		return s
	}
	return speakers[Languages[0]]
}

var matcher = language.NewMatcher(tags)

// Preferred is the one of Languages that the value of Accept-Language prefers.
func Preferred(accept string) string {
	_, i := language.MatchStrings(matcher, accept)
	return Languages[i]
}

// At is the same speaker with times in a zone.
func (s *Speaker) At(zone *time.Location) *Speaker {
	return &Speaker{s.Language, s.printer, zone}
}

// Say says a message, which is named by its English text. Numbers are written as the language writes them: what is a name,
// such as an id, is given as a string.
func (s *Speaker) Say(text string, args ...any) string { return s.printer.Sprintf(text, args...) }

// Knows says whether the catalogue has a message.
func Knows(text string) bool {
	_, ok := messages[text]
	return ok
}

// Number is a whole number with the language's separator of thousands.
func (s *Speaker) Number(n any) string { return s.printer.Sprintf("%d", n) }

// Decimal is a number with at most one digit after the point.
func (s *Speaker) Decimal(v float64) string {
	return strings.TrimSuffix(s.printer.Sprintf("%.1f", v), s.point()+"0")
}

func (s *Speaker) point() string {
	if s.Language == "de" {
		return ","
	}
	return "."
}

// Brief is a duration as a person says it, to two units at the most.
func (s *Speaker) Brief(d time.Duration) string {
	days := "d"
	if s.Language == "de" {
		days = "T"
	}
	switch {
	case d < time.Millisecond:
		return s.printer.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return s.printer.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return s.printer.Sprintf("%d %s %d h", int(d.Hours())/24, days, int(d.Hours())%24)
	}
}

// clocks are how each language writes a moment, besides the zone.
var clocks = map[string]struct{ minute, second string }{
	"en": {"2 January 2006, 15:04", "2 January 2006, 15:04:05"},
	"de": {"02.01.2006, 15:04", "02.01.2006, 15:04:05"},
}

// zones are what the German call zones.
var zones = map[string]string{"CET": "MEZ", "CEST": "MESZ", "WET": "WEZ", "WEST": "WESZ", "EET": "OEZ", "EEST": "OESZ"}

// Minute is a time to the minute, in the speaker's zone, which it names.
func (s *Speaker) Minute(t time.Time) string { return s.clock(t, clocks[s.Language].minute) }

// Second is a time to the second, in the speaker's zone, which it names.
func (s *Speaker) Second(t time.Time) string { return s.clock(t, clocks[s.Language].second) }

func (s *Speaker) clock(t time.Time, layout string) string {
	t = t.In(s.zone)
	zone, _ := t.Zone()
	if strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-") {
		zone = "UTC" + zone
	}
	if german, ok := zones[zone]; ok && s.Language == "de" {
		zone = german
	}
	return t.Format(layout) + " " + zone
}

// Sentence is what was told, as a sentence; empty for nothing.
func (s *Speaker) Sentence(text string) string {
	text = s.Told(text)
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	if last := text[len(text)-1]; last != '.' && last != '?' && last != '!' {
		text += "."
	}
	if begin, _, _ := strings.Cut(text, " "); strings.ContainsAny(begin, ".:") {
		return text // a host is written as it is
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
