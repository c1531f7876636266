package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections is how many requests the baseline has under way.
const connections = 64

// Loop is the baseline: a bare loop of net/http that POSTs over connections that are kept.
type Loop struct{}

// Posts are a number of events to a URL.
type Posts struct {
	URL   string
	Count int
}

// Post sends them all, and says what that has used.
func (*Loop) Post(p Posts, used *Usage) error {
	before, err := usage()
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	now := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, connections)
	for i := range connections {
		wg.Go(func() {
			data := body(0, now)
			for n := next.Add(1) - 1; n < int64(p.Count) && errs[i] == nil; n = next.Add(1) - 1 {
				padded(data[:numberAt], uint64(n), numberLen)
				errs[i] = post(client, p.URL, data)
			}
		})
	}
	wg.Wait()
	after, err := usage()
	if err != nil {
		return err
	}
	*used = Usage{CPU: after.CPU - before.CPU, Memory: after.Memory}
	return errors.Join(errs...)
}

func post(client *http.Client, url string, data []byte) error {
	res, err := client.Post(url, "application/json", bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("read the response: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the receiver answered %s", res.Status)
	}
	return nil
}

func (*Loop) close() error { return nil }
