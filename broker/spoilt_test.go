package broker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

// A loss of power may leave what the server kept of a consumer unreadable. The consumer is made again, and what was not
// acknowledged comes.
func TestConsumersWhoseStateIsSpoilt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, garbage string }{
		"state cut off":           {"o.dat", "\x16\x02"},
		"state empty":             {"o.dat", ""},
		"state in another format": {"o.dat", "\xff\xff\xff\xff and more of it"},
		"definition empty":        {"meta.inf", ""},
		"definition cut off":      {"meta.inf", `{"name":"x","du`},
		"checksum empty":          {"meta.sum", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir(), Sync: 10 * time.Second, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop()}
			b, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := b.JetStream.Publish(t.Context(), "events.demo.x", []byte("1")); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.NoticeConsumer(t.Context(), "mail"); err != nil {
				t.Fatal(err)
			}
			b.Close()
			states, err := filepath.Glob(filepath.Join(o.Dir, "nats", "jetstream", "*", "streams", "*", "obs", "*", c.file))
			if err != nil || len(states) < 3 {
				t.Fatalf("%d consumers, %v", len(states), err)
			}
			for _, state := range states {
				if err := os.WriteFile(state, []byte(c.garbage), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if b, err = Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if _, err := b.NoticeConsumer(t.Context(), "mail"); err != nil {
				t.Error(err)
			}
			p, err := b.Pull(10, 1<<20, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if got := numbers(t, p); len(got) != 3 {
				t.Errorf("it hands out %v", got)
			}
		})
	}
}
