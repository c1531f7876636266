package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// closeTo is how many letters a key may differ from a setting's name for the error to ask whether that was meant.
const closeTo = 3

// BeforeReset reads the file of --config and lets kong take from it what neither a flag nor the environment sets.
// Kong calls it, before it looks at the environment, so that a variable it cannot read may still be overridden.
// Its errors name the file, and the key that no setting has.
func (s *Serve) BeforeReset(ctx *kong.Context) error {
	flags := ctx.Selected().Flags
	from, err := load(configPath(ctx, flags), flags)
	if err != nil {
		return err
	}
	ctx.AddResolver(from)
	return nil
}

// configPath is the file that the flag --config names, else its environment variable, else empty.
func configPath(ctx *kong.Context, flags []*kong.Flag) string {
	for _, flag := range flags {
		if flag.Name != "config" {
			continue
		}
		if path, _ := ctx.FlagValue(flag).(string); path != "" {
			return path
		}
		return os.Getenv(flag.Envs[0])
	}
	return ""
}

// load reads a file, YAML or JSON, whose keys are among the names of flags. An empty path is a file without settings.
func load(path string, flags []*kong.Flag) (fromFile, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the file of --config: %w", err)
	}
	nodes := map[string]yaml.Node{}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file %s of --config is not YAML or JSON with one setting a line: %w", path, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file %s of --config is not one document: leave out what begins with ---", path)
	}
	settings := fromFile{}
	for _, key := range slices.Sorted(maps.Keys(nodes)) {
		if err := known(key, flags); err != nil {
			return nil, fmt.Errorf("the file %s of --config has the unknown key %q: %w", path, key, err)
		}
		node := nodes[key]
		if settings[key], err = value(&node); err != nil {
			return nil, fmt.Errorf("the file %s of --config, line %d: %s %w", path, node.Line, key, err)
		}
	}
	return settings, nil
}

// known says nil if a flag has the name, else what to write instead.
func known(key string, flags []*kong.Flag) error {
	best, distance := "", closeTo+1
	for _, flag := range flags {
		switch {
		case notInFile[flag.Name]:
			continue
		case flag.Name == key:
			return nil
		}
		meant := strings.ToLower(strings.ReplaceAll(key, "_", "-"))
		if d := levenshtein.ComputeDistance(meant, flag.Name); d < distance {
			best, distance = flag.Name, d
		}
	}
	if best != "" {
		return fmt.Errorf("write %q if that is meant", best)
	}
	return errors.New("the keys are the names of the flags that `saumer serve --help` lists")
}

// notInFile are the flags that are no settings.
var notInFile = map[string]bool{"config": true, "print-config": true, "help": true}

// value is a text, a list of texts, or nil for a key without a value: the texts as they stand in the file, for kong to read
// as it reads those of flags.
func value(node *yaml.Node) (any, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return nil, nil
		}
		return node.Value, nil
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return nil, errors.New("has a list in a list: write one value, or a list of values")
			}
			list[i] = item.Value
		}
		return list, nil
	default:
		return nil, errors.New("has settings below it: write one value, or a list of values")
	}
}

// fromFile resolves a flag from what a file sets, unless the flag's environment variable is set. Without this, kong would let the
// file win.
type fromFile map[string]any

var _ kong.Resolver = fromFile{}

func (f fromFile) Validate(*kong.Application) error { return nil }

func (f fromFile) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, err := (Files{}).Resolve(ctx, nil, flag); value != nil || err != nil {
		return value, err
	}
	empty := false
	for _, name := range flag.Envs {
		value, set := os.LookupEnv(name)
		if value != "" {
			return nil, nil
		}
		empty = empty || set
	}
	if value := f[flag.Name]; value != nil {
		return value, nil
	}
	if empty && flag.HasDefault {
		return flag.Default, nil
	}
	return nil, nil
}
