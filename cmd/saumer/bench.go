package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/saumer/saumer/bench"
)

type benchCommand struct {
	Only     []string `help:"Scenarios to run, such as t1,t4. Default: empty, all." placeholder:"T1,T2"`
	Rounds   int      `help:"How often each scenario is measured, in turn with what it is compared with." default:"5"`
	Quick    bool     `help:"Make everything a tenth as large: a first look within minutes."`
	NATSURL  string   `name:"nats-url" help:"External NATS to use; it must hold no streams, and those that are made are left in it. Default: empty, the embedded one." placeholder:"nats://HOST:4222"`
	RedisURL string   `name:"redis-url" help:"External Redis to use. Default: empty, the embedded one." placeholder:"redis://HOST:6379/0"`
	Profile  string   `help:"Directory for profiles of Saumer: CPU, allocations, locks, waits. They cost some of what is measured." type:"existingdir" placeholder:"DIR"`
	JSON     string   `name:"json" help:"File to write the report to, as JSON." placeholder:"FILE"`
	Plot     string   `help:"File to draw the report in, as SVG." placeholder:"FILE.svg"`
}

// Run measures and prints a table.
func (c *benchCommand) Run(ctx context.Context, std streams) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, to start the parts of the benchmark: %w", err)
	}
	report, err := bench.Run(ctx, bench.Options{
		Command: []string{program, "bench-part"}, Only: c.Only, Rounds: c.Rounds, Quick: c.Quick,
		NATSURL: c.NATSURL, RedisURL: c.RedisURL, Version: version(), Profile: c.Profile, Progress: std.err,
	})
	if err != nil {
		return err
	}
	return errors.Join(report.Table(std.out), c.write(report))
}

// write writes the files that were asked for.
func (c *benchCommand) write(report *bench.Report) error {
	return errors.Join(
		writeFile(c.JSON, func(out io.Writer) error {
			encoder := json.NewEncoder(out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(report)
		}),
		writeFile(c.Plot, report.Plot),
	)
}

// writeFile writes a file if it has a name.
func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(write(file), file.Close())
}

// benchPartCommand is what the benchmark starts.
type benchPartCommand struct {
	Part string `arg:""`
}

// Run plays a part until the benchmark ends it.
func (c *benchPartCommand) Run(std streams) error { return bench.Serve(c.Part, std.in, std.out) }
