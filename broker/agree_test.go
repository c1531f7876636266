package broker

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

func TestAgreed(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	type settings struct {
		age      time.Duration
		bytes    int64
		replicas int
	}
	for name, c := range map[string]struct {
		have, want, agreed settings
		sole               bool
		differences        int
	}{
		"the same":                  {settings{day, -1, 1}, settings{day, 0, 1}, settings{day, -1, 1}, false, 0},
		"longer here":               {settings{day, -1, 1}, settings{2 * day, 0, 1}, settings{2 * day, -1, 1}, false, 0},
		"longer there":              {settings{2 * day, -1, 1}, settings{day, 0, 1}, settings{2 * day, -1, 1}, false, 1},
		"without end there":         {settings{0, -1, 1}, settings{day, 0, 1}, settings{0, -1, 1}, false, 1},
		"the operator's bytes":      {settings{day, 1000, 1}, settings{day, 0, 1}, settings{day, 1000, 1}, false, 1},
		"bytes here":                {settings{day, 1000, 1}, settings{day, 2000, 1}, settings{day, 2000, 1}, false, 0},
		"more replicas here":        {settings{day, -1, 1}, settings{day, 0, 3}, settings{day, -1, 3}, false, 0},
		"more replicas there":       {settings{day, -1, 3}, settings{day, 0, 1}, settings{day, -1, 3}, false, 1},
		"shorter, and nobody else":  {settings{2 * day, -1, 1}, settings{day, 0, 1}, settings{day, -1, 1}, true, 0},
		"no bound, and nobody else": {settings{day, 1000, 1}, settings{day, 0, 1}, settings{day, -1, 1}, true, 0},
	} {
		config := func(s settings) jetstream.StreamConfig {
			return jetstream.StreamConfig{Name: streamEvents, MaxAge: s.age, MaxBytes: s.bytes, Replicas: s.replicas}
		}
		got, differences := agreed(config(c.have), config(c.want), c.sole)
		if is := (settings{got.MaxAge, got.MaxBytes, got.Replicas}); is != c.agreed || len(differences) != c.differences {
			t.Errorf("%s: %+v and %v, want %+v", name, is, differences, c.agreed)
		}
	}
}

// What an operator set on a stream stays, and a process with other settings takes the safe ones.
func TestOperatorsSettingsAreKept(t *testing.T) {
	t.Parallel()
	own := open(t)
	config := own.events.CachedInfo().Config
	config.Compression, config.MaxBytes, config.Metadata = jetstream.S2Compression, 1<<30, map[string]string{"team": "mail"}
	if _, err := own.JetStream.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	// As another process, which does not have the server to itself.
	b := &Broker{options: Options{Replicas: 1, Retention: time.Minute * 30, AckWait: time.Second, Log: zap.NewNop()}, JetStream: own.JetStream}
	for _, want := range b.streams() {
		if want.Name != streamEvents {
			continue
		}
		stream, err := b.defineStream(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		got := stream.CachedInfo().Config
		if got.Compression != jetstream.S2Compression || got.MaxBytes != 1<<30 || got.Metadata["team"] != "mail" || got.MaxAge != time.Hour {
			t.Errorf("the stream became %+v", got)
		}
	}
}

func TestOlderThan(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"2.12.0": true, "2.13.9": true, "2.14.0-RC.1": false, "2.14.0": false, "2.15.2": false, "": false} {
		if got := OlderThan(version, Minimum); got != want {
			t.Errorf("%s is too old: %t", version, got)
		}
	}
}
