package broker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Processes with different settings take the safe ones, and say so.
func TestProcessesAgree(t *testing.T) {
	t.Parallel()
	url := startServer(t, &server.Options{}).ClientURL()
	messages := make(chan string, 10)
	first := openAt(t, url)
	second, err := Open(t.Context(), Options{URL: url, Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: telling(messages)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	for len(messages) > 0 {
		<-messages
	}
	if _, err := first.Agree(t.Context(), Settings{[]string{"a", "c"}, Patience{2 * time.Hour, 24 * time.Hour, 5}}); err != nil {
		t.Fatal(err)
	}
	agreed, err := second.Agree(t.Context(), Settings{[]string{"b", "a"}, Patience{time.Hour, time.Hour, 10}})
	if err != nil || !slices.Equal(agreed.Events, []string{"a", "b", "c"}) || agreed.Patience != (Patience{2 * time.Hour, 24 * time.Hour, 10}) {
		t.Errorf("agreed is %+v, %v", agreed, err)
	}
	if len(messages) != 3 {
		t.Errorf("%d lines are said", len(messages))
	}
	want := []string{
		"--events: a,b here, a,b,c is kept", "--replay-window: 1h0m0s here, 2h0m0s is kept", "--deactivate-after: 1h0m0s here, 24h0m0s is kept",
	}
	if got := second.Differences(); !slices.Equal(got, want) {
		t.Errorf("differences are %q", got)
	}
	// The first learns of what it did not take, and says so once.
	for range 2 {
		if err := first.keepSettings(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := first.Differences(); !slices.Equal(got, []string{"--deactivate-attempts: 5 here, 10 is kept"}) {
		t.Errorf("differences are %q", got)
	}
	// The first knows the other's events at once where it matters, and lists them after a look.
	if knows, err := first.KnowsEvent(t.Context(), "b"); !knows || err != nil {
		t.Error(knows, err)
	}
	if knows, err := first.KnowsEvent(t.Context(), "x"); knows || err != nil {
		t.Error(knows, err)
	}
	// What a newer version wrote is heeded and left as it is.
	entry, err := first.positions.Get(t.Context(), settingsKey)
	if err != nil {
		t.Fatal(err)
	}
	newer := []byte(`{"v":99,"events":["z"]}`)
	if _, err := first.positions.Put(t.Context(), settingsKey, newer, entry.Revision); err != nil {
		t.Fatal(err)
	}
	if agreed, err := second.Agree(t.Context(), Settings{[]string{"b"}, Patience{ReplayWindow: time.Hour}}); err != nil || !slices.Equal(agreed.Events, []string{"b", "z"}) {
		t.Errorf("beside a newer version agreed is %+v, %v", agreed, err)
	}
	if knows, err := first.KnowsEvent(t.Context(), "z"); !knows || err != nil {
		t.Error(knows, err)
	}
	if entry, err = first.positions.Get(t.Context(), settingsKey); err != nil || string(entry.Value) != string(newer) {
		t.Errorf("the settings are %s, %v", entry.Value, err)
	}
	if err := first.positions.remove(t.Context(), settingsKey); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Broker{second, first, second} {
		if err := b.heal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := first.KnownEvents(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the first knows %v after the settings were gone", got)
	}
}

// remove removes a key, whatever its revision.
func (b *Bucket) remove(ctx context.Context, key string) error {
	entry, err := b.Get(ctx, key)
	if err != nil {
		return err
	}
	_, err = b.Remove(ctx, key, entry.Revision)
	return err
}

// Who has the server to itself decides, and takes back what it had decided before.
func TestTheOnlyProcessDecides(t *testing.T) {
	t.Parallel()
	b := open(t)
	for _, own := range []Settings{{[]string{"a", "b"}, Patience{ReplayWindow: 2 * time.Hour}}, {[]string{"a"}, Patience{ReplayWindow: time.Hour}}} {
		if agreed, err := b.Agree(t.Context(), own); err != nil || !agreed.equal(own) {
			t.Errorf("agreed is %+v, %v; want %+v", agreed, err, own)
		}
	}
	if knows, err := b.KnowsEvent(t.Context(), "b"); knows || err != nil {
		t.Error(knows, err)
	}
}
