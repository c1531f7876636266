package registry_test

import (
	"testing"

	"github.com/saumer/saumer/registry"
)

// A record of the first account that cannot be read is mended by a start with a password, and by none without.
func TestUnreadableFirstAccountIsMended(t *testing.T) {
	t.Parallel()
	b := openBroker(t)
	accounts := registry.NewAccounts(b)
	if _, _, err := accounts.Ensure(t.Context(), "demo", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream.Publish(t.Context(), b.Accounts.Subject("demo"), []byte("{")); err != nil {
		t.Fatal(err)
	}
	login := registry.Credentials{Account: "demo", Secret: "another horse"}
	if _, _, err := accounts.Ensure(t.Context(), "demo", ""); err != nil {
		t.Error(err)
	}
	if _, err := accounts.Login(t.Context(), login); err == nil {
		t.Error("a login without a record")
	}
	if _, _, err := accounts.Ensure(t.Context(), "demo", login.Secret); err != nil {
		t.Fatal(err)
	}
	if l, err := accounts.Login(t.Context(), login); err != nil || !l.Operator {
		t.Errorf("%+v, %v", l, err)
	}
}
