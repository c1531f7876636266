package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/saumer/saumer/config"
	"github.com/saumer/saumer/doctor"
)

type doctorCommand struct {
	config.Serve `embed:""`
	asJSON
}

// Run fails if there is a problem; a warning is none.
func (c *doctorCommand) Run(ctx context.Context, std streams) error {
	o, err := c.Options()
	if err != nil {
		return usageError{err}
	}
	found := doctor.Examine(ctx, o, "http://"+reachable(o.HTTP))
	if c.JSON {
		err = printJSON(std.out, found)
	} else {
		err = printFindings(std, found)
	}
	if err == nil && slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Level == doctor.Problem }) {
		return errors.New("there are problems: see above")
	}
	return err
}

func printFindings(std streams, found []doctor.Finding) error {
	for _, f := range found {
		if _, err := fmt.Fprintf(std.out, "%-8s %-8s %s\n", f.Level, f.About, f.Says); err != nil {
			return err
		}
		if f.Do == "" {
			continue
		}
		if _, err := fmt.Fprintf(std.out, "%18s%s\n", "", f.Do); err != nil {
			return err
		}
	}
	return nil
}
