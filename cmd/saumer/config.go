package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/alecthomas/kong"

	"github.com/saumer/saumer/config"
)

type configInitCommand struct {
	File string `arg:"" optional:"" default:"saumer.yaml" help:"The file, which must not be there; - prints it."`
}

// Run writes the file.
func (c *configInitCommand) Run(std streams, parser *kong.Kong) (err error) {
	var flags []*kong.Flag
	for _, command := range parser.Model.Children {
		if command.Name == "serve" {
			flags = command.Flags
		}
	}
	if c.File == "-" {
		return config.Template(std.out, flags)
	}
	// It may come to hold passwords.
	file, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: name another file, or - to print the settings", c.File)
	}
	if err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := config.Template(file, flags); err != nil {
		return fmt.Errorf("write the settings to %s: %w", c.File, err)
	}
	_, err = fmt.Fprintf(std.out, "%s holds every setting as a comment. Run Saumer with it: saumer serve --config %s\n", c.File, c.File)
	return err
}
