package broker

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/saumer/saumer/lifetime"
)

// betweenStarts is how long to wait before a NATS that cannot answer yet is asked again.
var betweenStarts = lifetime.Waits{First: 200 * time.Millisecond, Longest: 5 * time.Second}

// awaitDefined defines streams, buckets and consumers, and looks at NATS' clock. What a leader that is still to be elected
// would mend is waited for until the context ends; every other error is returned at once.
func (b *Broker) awaitDefined(ctx context.Context) error {
	var final error
	err := lifetime.Retry(ctx, betweenStarts, func() error {
		err := b.define(ctx)
		if err == nil {
			_, err = b.Bounds(ctx)
		}
		if denied := b.denied.Load(); err != nil && denied != nil {
			err = errors.Join(err, *denied)
		}
		if err != nil && !passing(err) {
			final = err
			return nil
		}
		return err
	}, func(err error) {
		b.options.Log.Warn("NATS is waited for: no leader answers", zap.Error(err))
	})
	return errors.Join(err, final)
}

// passing says whether an error of NATS may end by itself, as when a cluster has elected a leader.
func passing(err error) bool {
	if errors.Is(err, nats.ErrPermissionViolation) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return false
	}
	var refusal jetstream.JetStreamError
	if errors.As(err, &refusal) && refusal.APIError() != nil {
		return later(refusal.APIError())
	}
	var answer *jetstream.APIError
	if errors.As(err, &answer) {
		return later(answer)
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrConnectionReconnecting)
}

// noPeers is JSClusterNoPeersErrF of nats-server (server/errors.json): there are too few servers for the replicas, at the moment
// if its description says that some are offline.
const noPeers = jetstream.ErrorCode(10005)

// later says whether a refusal may end by itself.
func later(refusal *jetstream.APIError) bool {
	return refusal.Code == http.StatusServiceUnavailable || refusal.ErrorCode == noPeers && strings.Contains(refusal.Description, "offline")
}
