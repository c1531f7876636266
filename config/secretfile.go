package config

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// secretSize bounds a file that holds one setting.
const secretSize = 64 << 10

// Files resolves a setting from the file that its variable with _FILE names, such as SAUMER_PASSWORD_FILE: so a secret stands
// in no environment and no list of processes. White space at the end of the file does not count.
type Files struct{}

var _ kong.Resolver = Files{}

func (Files) Validate(*kong.Application) error { return nil }

func (Files) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		path := os.Getenv(name + "_FILE")
		if path == "" {
			continue
		}
		if os.Getenv(name) != "" {
			return nil, fmt.Errorf("%s and %s_FILE are both set: leave one of them out", name, name)
		}
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the file of %s_FILE: %w", name, err)
		}
		defer func() { _ = file.Close() }() // only read from
		text, err := io.ReadAll(io.LimitReader(file, secretSize+1))
		if err != nil {
			return nil, fmt.Errorf("read the file of %s_FILE: %w", name, err)
		}
		if len(text) > secretSize {
			return nil, fmt.Errorf("the file of %s_FILE has more than %d bytes: name the one that holds only the setting", name, secretSize)
		}
		return strings.TrimRight(string(text), " \t\r\n"), nil
	}
	return nil, nil
}
