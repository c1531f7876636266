package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// HandshakeError is the end of a TLS handshake that failed.
type HandshakeError struct{ Err error }

func (e *HandshakeError) Error() string { return "shake hands by TLS: " + e.Err.Error() }
func (e *HandshakeError) Unwrap() error { return e.Err }

// Handshake makes a connection a TLS one as its client. It blocks until that is done, until ctx ends, or until the timeout,
// where 0 is none. Its error is ErrHandshake after the timeout, ctx's if that ended, and else a [HandshakeError]. The
// connection is closed by none of them.
func Handshake(ctx context.Context, conn net.Conn, config *tls.Config, timeout time.Duration) (*tls.Conn, error) {
	shaking := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		shaking, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	secured := tls.Client(conn, config)
	err := secured.HandshakeContext(shaking)
	switch {
	case err == nil:
		return secured, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case shaking.Err() != nil:
		return nil, ErrHandshake
	}
	return nil, &HandshakeError{Err: err}
}

// NoApplicationProtocol is the alert of an endpoint that chooses none of the protocols that it was offered (RFC 7301).
const NoApplicationProtocol = tls.AlertError(120)

// Alerted says whether an error is this alert of the endpoint. crypto/tls has a type of its own for those.
func Alerted(err error, alert tls.AlertError) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && op.Err.Error() == alert.Error()
}
