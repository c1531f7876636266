package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/saumer/saumer/event"
)

func compile(t testing.TB, text string) (*Program, error) {
	t.Helper()
	var f Filter
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return Compile(&f)
}

const data = `{"id":48211,"name":"Änna","amount":12.50,"big":9007199254740993,"vip":true,"none":null,
	"lists":[{"id":4,"value":1},{"id":9}],"a/b":{"~":"x"},"twice":1,"twice":{"in":2}}`

func TestDecisions(t *testing.T) {
	t.Parallel()
	for text, leftOut := range map[string]string{
		`{"pointer":"/id","equals":48211}`:                                      "",
		`{"pointer":"/id","equals":4.8211e4}`:                                   "",
		`{"pointer":"/id","equals":48211.5}`:                                    "/id equals 48211.5",
		`{"pointer":"/id","equals":"48211"}`:                                    `/id equals "48211"`,
		`{"pointer":"/big","equals":9007199254740993}`:                          "",
		`{"pointer":"/big","equals":9007199254740992}`:                          "/big equals 9007199254740992",
		`{"pointer":"/name","equals":"\u00c4nna"}`:                              "",
		`{"pointer":"/vip","equals":true}`:                                      "",
		`{"pointer":"/vip","equals":false}`:                                     "/vip equals false",
		`{"pointer":"/none","equals":null}`:                                     "",
		`{"pointer":"/nothing","equals":null}`:                                  "/nothing equals null",
		`{"pointer":"/none","exists":true}`:                                     "",
		`{"pointer":"/nothing","exists":true}`:                                  "/nothing is there",
		`{"pointer":"/none","exists":false}`:                                    "/none is not there",
		`{"pointer":"/nothing","exists":false}`:                                 "",
		`{"pointer":"/lists/1/id","oneOf":[3,9]}`:                               "",
		`{"pointer":"/lists/1/id","oneOf":[3,"9",null]}`:                        `/lists/1/id is one of 3, "9", null`,
		`{"pointer":"/lists/2/id","exists":true}`:                               "/lists/2/id is there",
		`{"pointer":"/lists/01/id","exists":true}`:                              "/lists/01/id is there",
		`{"pointer":"/lists","exists":true}`:                                    "",
		`{"pointer":"/lists","equals":4}`:                                       "/lists equals 4",
		`{"pointer":"/amount","min":12.5,"max":12.5}`:                           "",
		`{"pointer":"/amount","min":12.51}`:                                     "/amount is 12.51 or more",
		`{"pointer":"/amount","max":-1e3}`:                                      "/amount is -1000 or less",
		`{"pointer":"/amount","min":1e999999999999999999999}`:                   "/amount is 0.1e2147483648 or more",
		`{"pointer":"/name","min":0}`:                                           "/name is 0 or more",
		`{"pointer":"/a~1b/~0","equals":"x"}`:                                   "",
		`{"pointer":"/twice","exists":true}`:                                    "",
		`{"pointer":"/twice/in","equals":2}`:                                    "",
		`{"pointer":"","exists":true}`:                                          "",
		`{"pointer":"","equals":1}`:                                             "the data equals 1",
		`{"all":[{"pointer":"/vip","equals":true},{"pointer":"/id","max":1}]}`:  "/id is 1 or less",
		`{"any":[{"pointer":"/vip","equals":false},{"pointer":"/id","max":1}]}`: "none of 2 conditions holds, and not that /vip equals false",
		`{"any":[{"pointer":"/vip","equals":false},{"all":[{"pointer":"/id","min":1},{"pointer":"/id","max":1e9}]}]}`: "",
		`{}`: "",
	} {
		p, err := compile(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if by, out := p.Why([]byte(data)), p.LeftOut([]byte(data)); by != leftOut || out != (leftOut != "") {
			t.Errorf("%s leaves it out by %q, %v; want %q", text, by, out, leftOut)
		}
	}
}

// A name that comes twice counts as its last value, as most readers of JSON have it.
func TestTheLastOfTwoNamesCounts(t *testing.T) {
	t.Parallel()
	p, err := compile(t, `{"pointer":"/a/b","exists":false}`)
	if err != nil {
		t.Fatal(err)
	}
	if by := p.Why([]byte(`{"a":{"b":1},"a":7}`)); by != "" {
		t.Errorf("left out: %s", by)
	}
}

func TestWhatNoFilterCanBe(t *testing.T) {
	t.Parallel()
	const one = `{"pointer":"/a","exists":true}`
	deep := one
	for range maxDepth {
		deep = `{"all":[` + deep + `]}`
	}
	for name, text := range map[string]string{
		"no condition":      `{"pointer":"/a"}`,
		"both":              `{"all":[` + one + `],"any":[` + one + `]}`,
		"a test beside all": `{"all":[` + one + `],"pointer":"/a","equals":1}`,
		"an empty one":      `{"all":[{}]}`,
		"no pointer":        `{"pointer":"a","equals":1}`,
		"an escape":         `{"pointer":"/~2","equals":1}`,
		"a long pointer":    `{"pointer":"/` + strings.Repeat("a", maxPointer) + `","equals":1}`,
		"many parts":        `{"pointer":"` + strings.Repeat("/a", maxTokens+1) + `","equals":1}`,
		"an object":         `{"pointer":"/a","equals":{}}`,
		"a list":            `{"pointer":"/a","oneOf":[[1]]}`,
		"a long value":      `{"pointer":"/a","equals":"` + strings.Repeat("a", maxValue) + `"}`,
		"many values":       `{"pointer":"/a","oneOf":[0` + strings.Repeat(",1", maxValues) + `]}`,
		"a text as an end":  `{"pointer":"/a","min":"1"}`,
		"many conditions":   `{"any":[` + one + strings.Repeat(","+one, MaxConditions) + `]}`,
		"deep ones":         deep,
	} {
		if _, err := compile(t, text); !errors.Is(err, Err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the data is, a decision ends, and is the same for the same data.
func FuzzLeftOut(f *testing.F) {
	for _, seed := range []string{data, `[]`, `1e1000000000`, `{"id":{"id":[0,{"id":-0.0}]}}`, `"\ud800"`, `{`, ``} {
		f.Add([]byte(seed))
	}
	p, err := compile(f, `{"any":[{"pointer":"/id","min":-1,"max":5},{"pointer":"/id/id/1/id","equals":0},{"pointer":"","oneOf":["x",1,null]}]}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		by := p.Why(data)
		if out := p.LeftOut(data); out != (by != "") {
			t.Errorf("%q: left out %v, by %q", data, out, by)
		}
		if event.Check(data) == nil && by == "the data is not JSON" {
			t.Errorf("%q is an event's data, and cannot be read", data)
		}
	})
}

// What a decision costs beside the check of the data that each event has: none at all without a filter.
func BenchmarkLeftOut(b *testing.B) {
	sample := event.Sample("optin_finalized")
	filters := map[string]string{"none": `{}`, "one": `{"pointer":"/subscriber_id","equals":90133}`}
	var many []string
	for i := range MaxConditions - 1 {
		many = append(many, fmt.Sprintf(`{"pointer":"/fields/%d/value","equals":"%d"}`, i%3, i))
	}
	filters["most"] = `{"any":[` + strings.Join(many, ",") + `]}`
	for _, name := range []string{"none", "one", "most"} {
		p, err := compile(b, filters[name])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.LeftOut(sample)
			}
		})
	}
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if err := event.Check(sample); err != nil {
				b.Fatal(err)
			}
		}
	})
}
