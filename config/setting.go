package config

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// Setting is one of the settings of `saumer serve`, with the value that it has and where that comes from.
type Setting struct {
	Name  string
	Value string // as a file has it
	// From is "default", the file of --config, a variable, or the flag.
	From string

	flag *kong.Flag
}

// Settings are all of them, in the order of `saumer serve --help`, as a command line that was parsed sets them.
func Settings(ctx *kong.Context) ([]Setting, error) {
	flags := ctx.Selected().Flags
	path := configPath(ctx, flags)
	from, err := load(path, flags)
	if err != nil {
		return nil, err
	}
	given := map[*kong.Flag]bool{}
	for _, p := range ctx.Path {
		given[p.Flag] = given[p.Flag] || !p.Resolved
	}
	var settings []Setting
	for _, flag := range flags {
		if notInFile[flag.Name] {
			continue
		}
		s := Setting{Name: flag.Name, From: "default", flag: flag}
		if s.Value, err = written(flag.Target.Interface()); err != nil {
			return nil, fmt.Errorf("write --%s: %w", flag.Name, err)
		}
		switch name := variable(flag); {
		case given[flag]:
			s.From = "--" + flag.Name
		case name != "":
			s.From = name
		case from[flag.Name] != nil:
			s.From = path
		}
		settings = append(settings, s)
	}
	return settings, nil
}

// variable is the environment variable that sets a flag, or that names the file which does; empty if none does.
func variable(flag *kong.Flag) string {
	for _, env := range flag.Envs {
		for _, name := range []string{env, env + "_FILE"} {
			if os.Getenv(name) != "" {
				return name
			}
		}
	}
	return ""
}

// written is a value as a file has it, on one line.
func written(value any) (string, error) {
	switch v := value.(type) {
	case time.Duration:
		value = duration(v)
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return "", err
		}
		value = string(text)
	}
	var node yaml.Node
	if err := node.Encode(value); err != nil {
		return "", err
	}
	node.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	return strings.TrimSpace(string(text)), err
}

// Shown is the value as it may be seen: what is secret in it is replaced.
func (s Setting) Shown() string {
	empty := s.Value == `""`
	switch s.flag.Tag.Get("secret") {
	case "value":
		if !empty {
			return hidden
		}
	case "url":
		if text, err := written(redacted(s.flag.Target.String())); err == nil && !empty {
			return text
		}
	case "urls":
		var parts []string
		for part := range strings.SplitSeq(s.flag.Target.String(), ",") {
			if parts = append(parts, redacted(part)); parts[len(parts)-1] == hidden {
				parts = []string{hidden} // a comma in a password looks like the end of a URL
				break
			}
		}
		if text, err := written(strings.Join(parts, ",")); err == nil && !empty {
			return text
		}
	}
	return s.Value
}

// hidden stands in place of what is secret.
const hidden = "xxxxx"

// redacted is a URL without its login, which NATS takes as a token too, and without its query.
func redacted(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" && u.Scheme != "unix" {
		return hidden
	}
	if _, password := u.User.Password(); password {
		u.User = url.UserPassword(u.User.Username(), hidden)
	} else if u.User != nil {
		u.User = url.User(hidden)
	}
	if u.RawQuery != "" {
		u.RawQuery = hidden
	}
	return u.String()
}

// Print writes the settings as a file for --config, with where each comes from and secrets hidden.
func Print(w io.Writer, settings []Setting) error {
	var out bytes.Buffer
	group := ""
	for _, s := range settings {
		section(&out, &group, s.flag)
		fmt.Fprintf(&out, "%s: %s # %s\n", s.Name, s.Shown(), s.From)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// Template writes a file for --config that sets nothing: each setting with what it does and its default, as comments.
func Template(w io.Writer, flags []*kong.Flag) error {
	var out bytes.Buffer
	out.WriteString("# Settings of `saumer serve --config FILE`. A flag beats its environment variable, which beats this file.\n" +
		"# Take the # away from what you want to set. `saumer serve --config FILE --print-config` shows what it runs with.\n")
	group := ""
	for _, flag := range flags {
		if notInFile[flag.Name] {
			continue
		}
		section(&out, &group, flag)
		value := flag.Default
		if flag.Target.Kind() == reflect.Slice {
			value = "[" + value + "]"
		} else if value == "" && flag.IsBool() {
			value = "false"
		} else if value == "" {
			value = `""`
		}
		fmt.Fprintf(&out, "\n%s#%s: %s\n", comment(flag.Help), flag.Name, value)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// section begins a section of a file where a flag is of another group than the one before.
func section(out *bytes.Buffer, group *string, flag *kong.Flag) {
	if flag.Group == nil || flag.Group.Title == *group {
		return
	}
	*group = flag.Group.Title
	fmt.Fprintf(out, "\n## %s\n", *group)
}

// comment is a text as lines of a comment, no longer than people read well.
func comment(text string) string {
	const width = 100
	var out strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			out.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return out.String() + line + "\n"
}

// printConfig is a flag that prints the settings and ends the program.
type printConfig bool

// AfterApply prints, once kong has read everything.
func (printConfig) AfterApply(app *kong.Kong, ctx *kong.Context) error {
	settings, err := Settings(ctx)
	if err != nil {
		return err
	}
	if err := Print(app.Stdout, settings); err != nil {
		return err
	}
	app.Exit(0)
	return nil
}
