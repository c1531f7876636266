package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stored is a message of a stream.
type stored struct {
	subject string
	header  nats.Header
	data    []byte
	seq     uint64
	at      time.Time
}

// ask reads a message from a stream's leader, and so never an old state of it: ErrNotFound if there is none.
func (b *Broker) ask(ctx context.Context, stream string, request get) (stored, error) {
	if err := b.reachable(); err != nil {
		return stored{}, err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return stored{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return stored{}, fmt.Errorf("ask the leader of %s: %w", stream, err)
	}
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return stored{}, fmt.Errorf("read the answer of the leader of %s: %w", stream, err)
	}
	if response.Error != nil {
		if response.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return stored{}, ErrNotFound
		}
		return stored{}, fmt.Errorf("ask the leader of %s: %w", stream, response.Error)
	}
	m := stored{subject: response.Message.Subject, data: response.Message.Data, seq: response.Message.Seq, at: response.Message.Time}
	if len(response.Message.Header) > 0 {
		// Publishers write headers, and NATS takes what it is given. The client hands out a message whose headers cannot
		// be read without any, and so does this.
		m.header, _ = nats.DecodeHeadersMsg(response.Message.Header)
	}
	return m, nil
}
