package event

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// JudgePrefix begins the subjects on which a publisher asks whether an event would reach anybody: account and event follow.
// Saumer's processes may listen below _SAUMER in every setup.
const JudgePrefix = "_SAUMER.judge."

// judging bounds the question.
const judging = 2 * time.Second

// Judge asks Saumer why an event of this account and name would reach nobody: empty if nothing is wrong with it, or if nobody
// answers, as while no process runs or where the publisher may not ask.
func Judge(ctx context.Context, nc *nats.Conn, account, name string) (wrong string, err error) {
	ctx, cancel := context.WithTimeout(ctx, judging)
	defer cancel()
	answer, err := nc.RequestWithContext(ctx, JudgePrefix+account+"."+name, nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders), ctx.Err() != nil:
		return "", nil
	case err != nil:
		return "", err
	}
	return string(answer.Data), nil
}
