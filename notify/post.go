package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/saumer/saumer/delivery"
)

// Post is the channel that POSTs each notice to the operator's URL, signed like a webhook.
type Post struct {
	client *delivery.Client
	target delivery.Target
}

var _ Channel = (*Post)(nil)

// NewPost makes the channel. The secrets are those of [delivery.Target].
func NewPost(c *delivery.Client, url string, secrets ...[]byte) *Post {
	return &Post{client: c, target: delivery.Target{Key: "notices", URL: url, Secrets: secrets}}
}

// Send POSTs the notice as the stream keeps it. Its webhook-id is the same for each attempt.
func (p *Post) Send(ctx context.Context, n Notice, attempt int) error {
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write the notice: %w", err)
	}
	target := p.target
	target.ID = strconv.FormatUint(n.Webhook, 10)
	a := p.client.Do(ctx, target, delivery.Request{
		Event: "notice." + string(n.Kind), ID: fmt.Sprintf("notice-%d", n.Sequence), Seq: n.Sequence, Data: data, Number: attempt,
	})
	if a.Outcome != delivery.Delivered {
		return errors.New(a.Error)
	}
	return nil
}
