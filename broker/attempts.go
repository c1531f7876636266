package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const attemptsPrefix = "attempts."

const (
	// pageRecords and pageBytes bound the records that are kept together as one message.
	pageRecords = 32
	pageBytes   = 64 << 10
	// pageTime is how long a record may wait for others.
	pageTime = 50 * time.Millisecond
)

// pages are the records of attempts that are to be stored, by webhook. Storing a message costs as much as half a
// delivery; what comes at about the same time is one.
type pages struct {
	mu      sync.Mutex
	open    map[string]*page
	waiting *time.Timer
	// failed is what went wrong with an earlier page.
	failed error
}

// page are records with a line feed after each. It is used again for others.
type page struct {
	text    []byte
	records int
}

var unused = sync.Pool{New: func() any { return &page{} }}

// LogAttempt appends a record, without line feeds, to the attempt log of a webhook. It does not wait for the stream:
// the log costs the live path no round trip, and a crash may lose its last lines. Its error may be that of an earlier
// record.
func (b *Broker) LogAttempt(key string, record []byte) error {
	p := &b.pages
	p.mu.Lock()
	err := p.failed
	p.failed = nil
	if p.open == nil {
		p.open = map[string]*page{}
	}
	if p.waiting == nil {
		p.waiting = time.AfterFunc(pageTime, b.turnPages)
	}
	at := p.open[key]
	if at == nil {
		at = unused.Get().(*page)
		p.open[key] = at
	}
	at.text = append(append(at.text, record...), '\n')
	at.records++
	full := at.records >= pageRecords || len(at.text) >= pageBytes
	if full {
		delete(p.open, key)
	}
	p.mu.Unlock()
	if full {
		err = errors.Join(err, b.storePage(key, at))
	}
	return err
}

// turnPages stores what waits.
func (b *Broker) turnPages() {
	p := &b.pages
	p.mu.Lock()
	open := p.open
	p.open, p.waiting = nil, nil
	p.mu.Unlock()
	var errs []error
	for key, at := range open {
		errs = append(errs, b.storePage(key, at))
	}
	if err := errors.Join(errs...); err != nil {
		p.mu.Lock()
		p.failed = err
		p.mu.Unlock()
	}
}

// storePage sends a page, and lets it be used again.
func (b *Broker) storePage(key string, at *page) error {
	err := b.nc.Publish(attemptsPrefix+key, at.text)
	at.text, at.records = at.text[:0], 0
	unused.Put(at)
	if err != nil {
		return fmt.Errorf("log attempts of %s: %w", key, err)
	}
	return nil
}

// closePages stores what waits, and lets nothing wait any more.
func (b *Broker) closePages() {
	b.pages.mu.Lock()
	if b.pages.waiting != nil {
		b.pages.waiting.Stop()
	}
	b.pages.mu.Unlock()
	b.turnPages()
}

// LoggedAttempt is one record of the attempt log, with its position in it: later ones have a higher one.
type LoggedAttempt struct {
	Seq    uint64
	Record []byte
}

// attemptsAtOnce is how many messages of the log are read with one request: more than are kept of a webhook.
const attemptsAtOnce = 256

// Attempts returns the log of a webhook, oldest first, with all that this process has appended: what is kept, a few
// hundred records, or a few thousand of a webhook that has many events.
func (b *Broker) Attempts(ctx context.Context, key string) ([]LoggedAttempt, error) {
	b.pages.mu.Lock()
	at := b.pages.open[key]
	delete(b.pages.open, key)
	b.pages.mu.Unlock()
	if at != nil {
		if _, err := b.JetStream.Publish(ctx, attemptsPrefix+key, at.text); err != nil {
			return nil, fmt.Errorf("log attempts of %s: %w", key, err)
		}
	}
	var records []LoggedAttempt
	for from := uint64(1); ; {
		messages, err := b.direct(ctx, streamAttempts, get{Seq: from, Next: attemptsPrefix + key, Batch: attemptsAtOnce, Bytes: 4 << 20})
		if err != nil {
			return nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
		}
		if len(messages) == 0 {
			return records, nil
		}
		for _, m := range messages {
			seq, err := sequence(m)
			if err != nil {
				return nil, fmt.Errorf("read the attempt log of %s: %w", key, err)
			}
			for i, record := range bytes.Split(bytes.TrimSuffix(m.Data, []byte("\n")), []byte("\n")) {
				records = append(records, LoggedAttempt{Seq: seq*pageRecords + uint64(i), Record: record})
			}
			from = seq + 1
		}
	}
}
