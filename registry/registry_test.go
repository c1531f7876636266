package registry

import (
	"context"
	"testing"

	"go.uber.org/zap"

	"github.com/saumer/saumer/broker"
)

// openRegistry opens and runs a registry whose index is its own.
func openRegistry(t *testing.T, b *broker.Broker, s *Sealer) *Registry {
	t.Helper()
	r, err := Open(t.Context(), Options{Broker: b, Shared: true, Sealer: s, Cache: 10, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	<-r.Started()
	return r
}

func TestOpenChecksTheKey(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	var sealers [2]*Sealer
	for i := range sealers {
		var err error
		if sealers[i], err = NewSealer(NewKey()); err != nil {
			t.Fatal(err)
		}
	}
	openRegistry(t, b, sealers[0])
	word, err := b.Accounts.Get(t.Context(), sealCheck)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Broker: b, Sealer: sealers[1], Cache: 10, Log: zap.NewNop()}); err == nil {
		t.Error("a registry was opened with another key")
	}
	openRegistry(t, b, sealers[0])
	if again, err := b.Accounts.Get(t.Context(), sealCheck); err != nil || again.Revision != word.Revision {
		t.Errorf("the word that tells the key was written again: %v", err)
	}
}
