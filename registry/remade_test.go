package registry_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/saumer/saumer/registry"
)

// The bucket of webhooks is removed while two nodes are at work, and made again. A webhook that is made then is found by both,
// at once or after an error, and never passed over.
func journalRemoved(t *testing.T, b backend) {
	br := openBroker(t)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- br.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	n, other := newNode(t, br, b), newNode(t, br, b)
	for i := range 5 {
		n.create(t, fmt.Sprintf("http://before%d.example/", i))
	}
	if got := other.urls(t); len(got) != 5 {
		t.Fatalf("look-up finds %v", got)
	}
	if err := br.JetStream.DeleteStream(t.Context(), "KV_WEBHOOKS"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); br.Ready(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the bucket is not made again")
		}
	}
	var made string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		w, _, err := n.Create(t.Context(), registry.Webhook{Account: demo, App: "try", Event: optin, URL: "http://after.example/"})
		if err == nil {
			made = w.URL
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for name, node := range map[string]node{"the one that made it": n, "another": other} {
		if got := node.eventually(t); !slices.Equal(got, []string{made}) {
			t.Errorf("%s finds %v, want %s", name, got, made)
		}
	}
}
