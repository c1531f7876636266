package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

// asJSON is whether a command prints what the API answers.
type asJSON struct {
	JSON bool `name:"json" help:"Print the API's answer as JSON, for scripts."`
}

// list prints the items of a list: a table, or an array. A column is TITLE=member of an item.
func (j asJSON) list(std streams, items []json.RawMessage, columns ...string) error {
	if j.JSON {
		return printJSON(std.out, items)
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	titles, members := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		titles[i], members[i], _ = strings.Cut(c, "=")
	}
	fmt.Fprintln(w, strings.Join(titles, "\t"))
	for _, item := range items {
		var of map[string]json.RawMessage
		if err := json.Unmarshal(item, &of); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		cells := make([]string, len(members))
		for i, m := range members {
			cells[i] = cell(of[m])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// one prints an object: a line a member, or the answer itself.
func (j asJSON) one(std streams, answer []byte) error {
	if j.JSON {
		return printJSON(std.out, json.RawMessage(answer))
	}
	var of map[string]json.RawMessage
	if err := json.Unmarshal(answer, &of); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, name := range membersOf(answer) {
		fmt.Fprintf(w, "%s\t%s\n", name, cell(of[name]))
	}
	return w.Flush()
}

// membersOf are the names of an object's members, in their order.
func membersOf(object []byte) (names []string) {
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return names
		}
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

// cell is a value for people to read. What others wrote must not steer a terminal.
func cell(value json.RawMessage) string {
	var text string
	switch {
	case len(value) == 0, string(value) == "null":
		return ""
	case string(value) == "true":
		return "yes"
	case string(value) == "false":
		return "no"
	case json.Unmarshal(value, &text) != nil:
		text = string(value)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
