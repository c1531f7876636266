package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/registry"
)

// A connection to NATS that is closed for good ends the process: it could do nothing any more.
func TestConnectionThatIsClosedForGoodEndsRun(t *testing.T) {
	t.Parallel()
	o := app.Defaults()
	o.Data, o.Account, o.Log, o.Grace = t.TempDir(), "demo", zap.NewNop(), time.Second
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-a.Ready()
		a.Broker().JetStream.Conn().Close()
	}()
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "closed for good") {
		t.Errorf("Run returned %v", err)
	}
}

// All accounts are removed: the first one is made again, with its password.
func TestFirstAccountIsMadeAgain(t *testing.T) {
	t.Parallel()
	o := app.Defaults()
	o.Data, o.Account, o.Log, o.Grace = t.TempDir(), "demo", zap.NewNop(), time.Second
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	name, password, created := a.FirstAccount()
	if !created {
		t.Fatal("there is no first account")
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	<-a.Ready()
	if err := a.Broker().JetStream.DeleteStream(t.Context(), broker.RemadeAccounts); err != nil {
		t.Fatal(err)
	}
	if err := a.Broker().Ready(t.Context()); err == nil { // which has what is gone made again
		t.Error("the broker is ready without accounts")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err = a.Broker().Accounts.Get(t.Context(), name); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a minute later the first account has %v", err)
		}
	}
	if _, err := registry.NewAccounts(a.Broker()).Login(t.Context(), registry.Credentials{Account: name, Secret: password}); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

// What is wrong with the password of the first account names the flag.
func TestWrongPasswordNamesItsFlag(t *testing.T) {
	t.Parallel()
	o := app.Defaults()
	o.Data, o.Account, o.Password, o.Log = t.TempDir(), "demo", "short", zap.NewNop()
	if _, err := app.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--password: invalid password") {
		t.Errorf("New returned %v", err)
	}
}
