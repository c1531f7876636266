package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/saumer/saumer/event"
)

const (
	// batchItems and batchBytes bound what is sent with one request.
	batchItems = 1000
	batchBytes = 8 << 20
)

type eventPublishCommand struct {
	Event    string `arg:"" help:"Name of the event, such as optin_finalized."`
	Source   string `arg:"" optional:"" help:"File with an event's data, a JSON value; a folder, of which each file *.json is an event; - reads the standard input. Default: a sample."`
	NDJSON   bool   `name:"ndjson" help:"Each line is the data of an event."`
	ID       string `name:"id" help:"Idempotency key of the one event: it is stored once in 10 minutes."`
	asJSON   `embed:""`
	apiLogin `embed:""`
}

// batchItem is an event of a request.
type batchItem struct {
	Event string          `json:"event"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
}

// Run publishes over the API, as many events as fit with one request, and says what came of each.
func (c *eventPublishCommand) Run(ctx context.Context, std streams) error {
	var batch []batchItem
	size, stored, refused := 0, 0, 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		ok, bad, err := c.publish(ctx, std, batch)
		stored, refused, batch, size = stored+ok, refused+bad, batch[:0], 0
		if err == nil && stored+refused > batchItems {
			fmt.Fprintf(std.err, "stored %d, refused %d\n", stored, refused)
		}
		return err
	}
	err := c.each(std.in, func(data []byte) error {
		if len(batch) == batchItems || size+len(data) > batchBytes {
			if err := send(); err != nil {
				return err
			}
		}
		batch, size = append(batch, batchItem{c.Event, c.ID, data}), size+len(data)
		return nil
	})
	if err == nil {
		err = send()
	}
	if err != nil && stored+refused > 0 {
		return fmt.Errorf("%d were stored and %d refused before: %w", stored, refused, err)
	}
	if err == nil && refused > 0 {
		return fmt.Errorf("%d of %d events were refused", refused, stored+refused)
	}
	return err
}

// publish sends a batch.
func (c *eventPublishCommand) publish(ctx context.Context, std streams, batch []batchItem) (stored, refused int, err error) {
	// By hand: package json would change the data, which is delivered byte for byte.
	body := []byte("[")
	for i, item := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		name, _ := json.Marshal(item.Event) // a text never fails
		id, _ := json.Marshal(item.ID)
		body = fmt.Appendf(body, `{"event":%s,"id":%s,"data":%s}`, name, id, item.Data)
	}
	text, err := c.sendData(ctx, std, http.MethodPost, "/v1/events", append(body, ']'), nil)
	if err != nil {
		return 0, 0, err
	}
	var answer struct {
		Stored, Refused int
		Results         []json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, 0, fmt.Errorf("read the answer: %w", err)
	}
	for _, result := range answer.Results {
		if err := c.say(std, result); err != nil {
			return answer.Stored, answer.Refused, err
		}
	}
	return answer.Stored, answer.Refused, nil
}

// say prints what came of an event: a line, or the answer.
func (c *eventPublishCommand) say(std streams, result json.RawMessage) error {
	if c.JSON {
		_, err := fmt.Fprintln(std.out, string(result))
		return err
	}
	var of struct {
		Code       int
		Detail, ID string
		Sequence   uint64
		Duplicate  bool
	}
	if err := json.Unmarshal(result, &of); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	line := fmt.Sprintf("published %s id %s sequence %d", c.Event, of.ID, of.Sequence)
	switch {
	case of.Code != 0:
		line = fmt.Sprintf("refused %s: %s (code %d)", c.Event, of.Detail, of.Code)
	case of.Duplicate:
		line += " (a duplicate: it was stored before)"
	}
	_, err := fmt.Fprintln(std.out, line)
	return err
}

// each calls a function with the data of each event.
func (c *eventPublishCommand) each(in io.Reader, use func(data []byte) error) error {
	info, err := os.Stat(c.Source)
	switch {
	case c.Source == "":
		return use(event.Sample(c.Event))
	case c.Source == "-":
		return c.read("the standard input", in, use)
	case err != nil:
		return usageError{fmt.Errorf("open the event's data: %w", err)}
	case !info.IsDir():
		return c.file(c.Source, use)
	case c.ID != "":
		return usageError{errors.New("--id is for one event: a folder has several")}
	}
	files, err := filepath.Glob(filepath.Join(c.Source, "*.json"))
	if err == nil && len(files) == 0 {
		err = usageError{fmt.Errorf("the folder %s has no file *.json", c.Source)}
	}
	for _, name := range files {
		if err == nil {
			err = c.file(name, use)
		}
	}
	return err
}

// file reads a file.
func (c *eventPublishCommand) file(name string, use func(data []byte) error) error {
	opened, err := os.Open(name)
	if err != nil {
		return usageError{fmt.Errorf("open the event's data: %w", err)}
	}
	defer func() { _ = opened.Close() }() // it was only read
	return c.read(name, opened, use)
}

// read reads one event, or one a line. Its errors say where it is no JSON.
func (c *eventPublishCommand) read(source string, in io.Reader, use func(data []byte) error) error {
	if !c.NDJSON {
		data, err := io.ReadAll(io.LimitReader(in, event.MaxSize+1))
		if err != nil {
			return fmt.Errorf("read %s: %w", source, err)
		}
		if err := usable(source, data); err != nil {
			return err
		}
		return use(data)
	}
	if c.ID != "" {
		return usageError{errors.New("--id is for one event: --ndjson has several")}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, event.MaxSize+2)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		data := bytes.Clone(lines.Bytes())
		if err := usable(fmt.Sprintf("line %d of %s", n, source), data); err != nil {
			return err
		}
		if err := use(data); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	return nil
}

// usable says whether data can be an event's.
func usable(source string, data []byte) error {
	switch err := event.Check(data); {
	case errors.Is(err, event.ErrBody):
		return usageError{fmt.Errorf("%s is not JSON: %w; an event's data is one JSON value", source, syntax(data))}
	case err != nil:
		return usageError{fmt.Errorf("%s cannot be an event's data: %w", source, err)}
	}
	return nil
}
