package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// Result is what came of a notice by one channel.
type Result string

// The results.
const (
	Arrived Result = "arrived" // the channel took it: the mail server, or the URL
	Nobody  Result = "nobody"  // nobody is named for it
	Again   Result = "again"   // it did not arrive, and is tried again
	Dropped Result = "dropped" // it did not arrive, and is not tried again
)

// receiptForm is the newest form of a receipt that this version reads, and the one that it writes.
const receiptForm = 1

// Receipt says what came of a notice by one channel, at the last attempt.
type Receipt struct {
	Form   int    `json:"v"`
	Notice uint64 `json:"notice"`
	// Channel is mail or post.
	Channel string    `json:"channel"`
	Result  Result    `json:"result"`
	At      time.Time `json:"at"`
	// Attempts is how many there were, Error why the last one failed.
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"`
}

// receiptTime bounds the writing of a receipt. What it tells of is done by then.
const receiptTime = 5 * time.Second

// note keeps what came of a notice. A receipt that cannot be stored is said in the log: the next attempt has another.
func (o *Outlet) note(ctx context.Context, n Notice, result Result, attempts int, failed error) {
	r := Receipt{Form: receiptForm, Notice: n.Sequence, Channel: o.Name, Result: result, At: o.Now().UTC(), Attempts: attempts}
	if failed != nil {
		r.Error = failed.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiptTime)
	defer cancel()
	data, err := json.Marshal(r)
	if err == nil {
		err = o.Receipts.StoreReceipt(ctx, n.Account, n.Sequence, o.Name, data)
	}
	if err != nil {
		o.Log.Warn("what came of a notice was not stored", zap.Uint64("notice", n.Sequence), zap.Error(err))
	}
}

// Receipts keep what came of notices; *broker.Broker does.
type Receipts interface {
	StoreReceipt(ctx context.Context, account string, notice uint64, channel string, record []byte) error
	Receipts(ctx context.Context, account string, notices []uint64) ([]broker.Stored, error)
	// Mailed is when people were told of a cause last, zero if they were not; SetMailed keeps it.
	Mailed(ctx context.Context, account, cause string) (time.Time, error)
	SetMailed(ctx context.Context, account, cause string, at time.Time) error
}

var _ Receipts = (*broker.Broker)(nil)

// receipts adds to notices of an account what came of them. A receipt that is not readable is left out.
func (n *Notices) receipts(ctx context.Context, account string, listed []Notice) error {
	seqs, places := make([]uint64, len(listed)), map[uint64]*Notice{}
	for i := range listed {
		seqs[i], places[listed[i].Sequence] = listed[i].Sequence, &listed[i]
	}
	found, err := n.o.Broker.Receipts(ctx, account, seqs)
	if err != nil {
		return fmt.Errorf("list notices: %w", err)
	}
	for _, stored := range found {
		var r Receipt
		if err := record.Decode(stored.Record, receiptForm, &r); err != nil {
			n.o.Log.Warn("what came of a notice cannot be read", zap.Error(err))
			continue
		}
		if notice := places[r.Notice]; notice != nil {
			notice.Receipts = append(notice.Receipts, r)
		}
	}
	return nil
}
