package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/registry"
)

// A password and a key that may publish let publishers in, and no other key does.
func TestPublishersLogIn(t *testing.T) {
	t.Parallel()
	o := app.Defaults()
	o.Data, o.Account, o.Password, o.NATSListen, o.Log = t.TempDir(), "demo", "correct horse", "127.0.0.1:0", zap.NewNop()
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	secrets := map[string]bool{"correct horse": true, "wrong": false, "": false}
	accounts := registry.NewAccounts(a.Broker())
	for right, may := range map[registry.Right]bool{registry.All: true, registry.PublishOnly: true, registry.ReadOnly: false} {
		_, key, err := accounts.CreateKey(t.Context(), "demo", string(right), right, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		secrets[key] = may
	}
	for secret, may := range secrets {
		var err error
		// On a busy machine a password may take longer than a client waits: then it asks again, as it would anywhere.
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			var nc *nats.Conn
			nc, err = nats.Connect(a.NATS(), nats.UserInfo("demo", secret), nats.Timeout(10*time.Second))
			nc.Close()
			if err == nil || errors.Is(err, nats.ErrAuthorization) {
				break
			}
		}
		if may && err != nil || !may && !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("the secret %.15q…: %v, want it let in: %v", secret, err, may)
		}
	}
}
