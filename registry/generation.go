package registry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/record"
)

// errAnew says that the index begins anew, under another name.
var errAnew = errors.New("the index is ahead of the journal, which was restored from an older copy; it is made anew")

// generationKey is the key in the bucket WEBHOOKS that holds the index's generation; a webhook's key always has a dot.
const generationKey = "index"

// generationForm is the newest form of a generation's record that this version reads, and the one that it writes.
const generationForm = 1

// generation tells the indexes of one journal apart. A journal that was restored from a copy gives revisions again that
// the index has had, for other changes. Whoever finds that draws another generation, and the index begins anew under
// its name. All processes learn of it by their watch.
type generation struct {
	Form int    `json:"v"`
	Name string `json:"name"`
}

func decodeGeneration(e broker.Entry) (generation, error) {
	var g generation
	if err := record.Decode(e.Value, generationForm, &g); err != nil {
		return generation{}, err
	}
	return g, nil
}

func encodeGeneration(g *generation) ([]byte, error) {
	g.Form = generationForm
	return json.Marshal(g)
}

// names are the index's keys in Redis. They are named after the birth of the journal and the index's generation, so that
// what Redis holds of another journal, or of this one before it was restored, does no harm. The 2 is the form of the index.
type names struct{ journal, index string }

func namesOf(made time.Time, generation string) names {
	journal := "saumer:2:" + strings.ToLower(strconv.FormatInt(made.UnixMilli(), 36)) + ":"
	return names{journal, journal + generation + ":"}
}

// of says whether the names are of the journal with this birth.
func (n names) of(made time.Time) bool { return n.journal == namesOf(made, "").journal }

// state is the account's state, webhooks the hash of one event. All keys of an account carry its name as hash tag.
func (n names) state(account string) string        { return n.index + "{" + account + "}" }
func (n names) webhooks(account, ev string) string { return n.state(account) + ":" + ev }

// trial is a key that is written to see whether Redis takes what is written for an account.
func (n names) trial(account string) string { return n.state(account) + "!" }

// mark is how far the index has come, ids the highest id of a webhook that any index of this journal has seen.
func (n names) mark() string { return "{" + n.journal + "}" + n.index + "mark" }
func (n names) ids() string  { return "{" + n.journal + "}ids" }

// mark is how far an index has come: the revision, and the latest time of all changes up to it. Servers' clocks differ,
// so that the change of that revision may have an earlier one.
type mark struct {
	revision uint64
	latest   time.Time
}

// ahead says whether this mark cannot be one of a journal with this last revision and these entries. The journal was
// restored if it ends before the mark, or if it has another change at or before the revision, one that came later.
func (m mark) ahead(last uint64, entries map[string]jetstream.KeyValueEntry) bool {
	if m.revision > last {
		return true
	}
	for _, entry := range entries {
		if entry.Revision() <= m.revision && entry.Created().After(m.latest) {
			return true
		}
	}
	return false
}

// mark reads the mark of an index and the highest id. There is none in an index that has lost it, or is new.
func (x *index) mark(ctx context.Context, n names) (m mark, ids uint64, found bool, err error) {
	pipe := x.redis.Pipeline()
	fields, highest := pipe.HMGet(ctx, n.mark(), "rev", "at"), pipe.Get(ctx, n.ids())
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return mark{}, 0, false, fmt.Errorf("read how far the index is: %w", err)
	}
	if values := fields.Val(); len(values) == 2 && values[0] != nil {
		nanoseconds := revision(values[1])
		m, found = mark{revision(values[0]), time.Unix(0, int64(nanoseconds))}, true //nolint:gosec // it was written as an int64
	}
	return m, revision(highest.Val()), found, nil
}

// touch notes how far the index has come, once it has.
func (x *index) touch(ctx context.Context, n names, m mark, id uint64) error {
	err := touchScript.Run(ctx, x.redis, []string{n.mark(), n.ids()}, m.revision, max(m.latest.UnixNano(), 0), id).Err()
	if err != nil {
		return fmt.Errorf("note how far the index is: %w", err)
	}
	return nil
}

// anew draws another generation in place of that of the given revision, and returns errAnew, also if another process has
// drawn one meanwhile. It first raises the counter of ids over those which the index has seen.
//
// What cannot be known: the ids of webhooks which the copy does not have, if Redis has lost the key that holds the highest
// id and no process has lived on. An index in the process forgets it with each start.
func (x *index) anew(ctx context.Context, replaced, highest uint64) error {
	x.log.Warn("the journal of webhooks was restored from an older copy; the index is made anew")
	_, _, err := x.ids.Upsert(ctx, counter, func() uint64 { return 0 }, func(id *uint64) error {
		if *id >= highest {
			return record.ErrUnchanged
		}
		*id = highest
		return nil
	})
	if err != nil {
		return fmt.Errorf("raise the counter of ids: %w", err)
	}
	drawn := generation{Name: strings.ToLower(rand.Text()[:8])}
	if _, err := x.generations.Write(ctx, generationKey, &drawn, replaced); err != nil && !errors.Is(err, record.ErrConflict) {
		return fmt.Errorf("draw another generation of the index: %w", err)
	}
	x.log.Info("a generation of the index was drawn", zap.String("generation", drawn.Name))
	return errAnew
}
