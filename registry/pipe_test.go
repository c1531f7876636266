package registry

import (
	"context"
	"strconv"
	"testing"
	"time"
)

// A look-up asks about all accounts of a batch at once: more than either side of a connection buffers.
func TestEmbeddedRedisTakesLongPipelines(t *testing.T) {
	t.Parallel()
	client, closeRedis := openEmbeddedRedis()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pipe := client.Pipeline()
	for i := range 5000 {
		pipe.HSet(ctx, "account"+strconv.Itoa(i), "rev", i)
		pipe.HMGet(ctx, "account"+strconv.Itoa(i), "rev", "v:optin_finalized")
	}
	answers, err := pipe.Exec(ctx)
	if err != nil || len(answers) != 10_000 {
		t.Errorf("%d answers, %v", len(answers), err)
	}
	if err := closeRedis(); err != nil {
		t.Error(err)
	}
}
