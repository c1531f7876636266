package console

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colours are the pairs of tokens that lie on one another, with the least contrast that WCAG 2.2 AA asks for: 4.5 for text,
// 3 for the edges of controls, the focus and what a chart draws.
var colours = []struct {
	least       float64
	front, back string
}{
	{4.5, "ink", "bg surface sunken accent-soft"},
	{4.5, "muted", "bg surface sunken accent-soft"},
	{4.5, "accent", "bg surface sunken accent-soft"},
	{4.5, "accent-ink", "accent"},
	{4.5, "bar-ink", "bar"},
	{4.5, "bar-muted", "bar"},
	{4.5, "good", "good-soft surface"},
	{4.5, "warn", "warn-soft surface"},
	{4.5, "bad", "bad-soft surface"},
	{3, "edge", "bg surface sunken"},
	{3, "focus", "bg surface sunken"},
	{3, "series", "surface"},
	{3, "series-bad", "surface"},
	{3, "series-warn", "surface"},
}

// decoration are the colours that nothing depends on.
const decoration = "line"

func TestColoursHaveContrast(t *testing.T) {
	t.Parallel()
	style := string(assets["style.css"].data)
	light, dark, found := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	day := tokens(t, light)
	night := tokens(t, strings.SplitN(dark, "\n}", 2)[0])
	for name := range night {
		if _, ok := day[name]; !ok {
			t.Errorf("--%s is only dark", name)
		}
	}
	for name, colour := range day {
		if _, ok := night[name]; !ok {
			night[name] = colour
		}
	}
	seen := map[string]bool{decoration: true}
	for scheme, tokens := range map[string]map[string]float64{"light": day, "dark": night} {
		for _, c := range colours {
			seen[c.front] = true
			for back := range strings.FieldsSeq(c.back) {
				seen[back] = true
				front, ok := tokens[c.front]
				behind, found := tokens[back]
				if !ok || !found {
					t.Fatalf("there is no --%s or no --%s", c.front, back)
				}
				if got := contrast(front, behind); got < c.least {
					t.Errorf("%s: --%s on --%s has %.2f, want %.1f", scheme, c.front, back, got, c.least)
				}
			}
		}
	}
	for name := range day {
		if !seen[name] {
			t.Errorf("the contrast of --%s is not looked at", name)
		}
	}
	for _, used := range regexp.MustCompile(`var\(--([\w-]+)\)`).FindAllStringSubmatch(style, -1) {
		if !strings.Contains(light, "--"+used[1]+":") {
			t.Errorf("--%s is used, and there is none", used[1])
		}
	}
}

func TestContrast(t *testing.T) {
	t.Parallel()
	tokens := tokens(t, "--white: #ffffff; --black: #000000; --grey: #767676;")
	if got := contrast(tokens["white"], tokens["black"]); math.Abs(got-21) > 0.001 {
		t.Errorf("white on black has %v", got)
	}
	if got := contrast(tokens["grey"], tokens["white"]); math.Abs(got-4.54) > 0.005 {
		t.Errorf("grey on white has %v", got)
	}
}

// tokens are the relative luminances of the colours that a style defines.
func tokens(t *testing.T, style string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, found := range regexp.MustCompile(`--([\w-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(style, -1) {
		rgb, err := strconv.ParseUint(found[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		all[found[1]] = 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
	}
	return all
}

// linear is the light of a channel, the lowest byte.
func linear(channel uint64) float64 {
	c := float64(channel&0xff) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
