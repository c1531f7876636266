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

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// BeforeReset reads the file of --config and lets kong take from it what neither a flag nor the environment sets.
// Kong calls it, before it looks at the environment, so that a variable it cannot read may still be overridden.
// Its errors name the file, and the key that no setting has.
func (s *Serve) BeforeReset(ctx *kong.Context) error {
	from := source{app: &kong.Path{App: ctx.Model}}
	flags := ctx.Selected().Flags
	if path := configPath(ctx, flags); path != "" {
		var err error
		if from.file, err = load(path, flags); err != nil {
			return err
		}
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

// load reads a file, YAML or JSON, whose keys are among the names of flags.
func load(path string, flags []*kong.Flag) (kong.Resolver, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the file of --config: %w", err)
	}
	keys := map[string]any{}
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&keys); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file %s of --config is not YAML or JSON with one setting a line: %w", path, err)
	}
	known := map[string]bool{}
	for _, flag := range flags {
		known[flag.Name] = flag.Name != "config"
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if known[key] {
			continue
		}
		if meant := strings.ToLower(strings.ReplaceAll(key, "_", "-")); known[meant] {
			return nil, fmt.Errorf("the file %s of --config has the unknown key %q: write %q", path, key, meant)
		}
		return nil, fmt.Errorf("the file %s of --config has the unknown key %q: the keys are the names of the flags that `saumer serve --help` lists", path, key)
	}
	return kongyaml.Loader(bytes.NewReader(data))
}

// source resolves a flag from the file unless its environment variable is set. Without this, kong would let the file win.
type source struct {
	file kong.Resolver // nil: no file
	app  *kong.Path    // where kong-yaml looks keys up without the command's name before them
}

var _ kong.Resolver = source{}

func (s source) Validate(*kong.Application) error { return nil }

func (s source) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
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
	if s.file != nil {
		if value, err := s.file.Resolve(ctx, s.app, flag); value != nil || err != nil {
			return value, err
		}
	}
	if empty && flag.HasDefault {
		return flag.Default, nil
	}
	return nil, nil
}
