package bench

import (
	"bytes"
	"cmp"
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
	// Login is the account that posts; empty for none. Status is what is answered; 0: 200.
	Login  string
	Status int
}

// Post sends them all, and says what that has used.
func (*Loop) Post(p Posts, used *Usage) error {
	before, err := usage()
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections, ForceAttemptHTTP2: true}
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
				errs[i] = p.post(client, data)
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

// post sends one of them.
func (p Posts) post(client *http.Client, data []byte) error {
	request, err := http.NewRequest(http.MethodPost, p.URL, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if p.Login != "" {
		request.SetBasicAuth(p.Login, password)
	}
	res, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("read the response: %w", err)
	}
	if res.StatusCode != cmp.Or(p.Status, http.StatusOK) {
		return fmt.Errorf("the receiver answered %s", res.Status)
	}
	return nil
}

func (*Loop) close() error { return nil }
