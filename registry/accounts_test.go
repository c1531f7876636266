package registry

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/record"
)

// newTestAccounts are accounts on a broker of their own, with the cheapest bcrypt.
func newTestAccounts(t *testing.T) (*Accounts, *broker.Broker) {
	t.Helper()
	b, err := broker.Open(t.Context(), broker.Options{
		Dir: t.TempDir(), Replicas: 1, Retention: 24 * time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return cheap(b), b
}

func cheap(b *broker.Broker) *Accounts {
	s := NewAccounts(b)
	s.hashes.cost = bcrypt.MinCost
	hash, err := bcrypt.GenerateFromPassword([]byte("nobody's"), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	s.hashes.decoy = hash
	return s
}

func TestAccountLogin(t *testing.T) {
	t.Parallel()
	s, _ := newTestAccounts(t)
	longest := strings.Repeat("äöüßéñ", 6)
	for name, password := range map[string]string{"anna": "password of anna", "bert": longest} {
		if err := s.Create(t.Context(), name, password, name == "anna", Contact{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time without bcrypt
		a, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "password of anna", From: t.Name()})
		if err != nil || a.Name != "anna" || !a.Operator || time.Since(a.Created) > time.Minute {
			t.Fatalf("anna's login: %+v, %v", a, err)
		}
	}
	if a, err := s.Login(t.Context(), Credentials{Account: "bert", Secret: longest, From: t.Name()}); err != nil || a.Operator {
		t.Fatalf("bert's login: %+v, %v", a, err)
	}
	for _, wrong := range [][2]string{
		{"anna", ""}, {"anna", "password of Anna"}, {"anna", longest}, {"bert", longest + "x"}, {"bert", longest[:70]},
		{"carla", "password of anna"}, {"", ""}, {"Anna", "password of anna"}, {"*", "password of anna"},
		{"anna.x", "nobody's"}, {"carla", "nobody's"}, {strings.Repeat("x", 1000), "password of anna"},
	} {
		for range 2 {
			if a, err := s.Login(t.Context(), Credentials{Account: wrong[0], Secret: wrong[1], From: t.Name()}); !errors.Is(err, ErrLogin) || a != (Login{}) {
				t.Errorf("the login %q: %+v, %v; want ErrLogin", wrong, a, err)
			}
		}
	}
	if err := s.Create(t.Context(), "anna", "another password", false, Contact{}); !errors.Is(err, record.ErrExists) {
		t.Errorf("the name anna again: %v, want record.ErrExists", err)
	}
	for _, password := range []string{"", "7 bytes", longest + "x"} {
		if err := s.Create(t.Context(), "carla", password, false, Contact{}); !errors.Is(err, ErrPassword) {
			t.Errorf("a password of %d bytes: %v, want ErrPassword", len(password), err)
		}
	}
	for _, name := range []string{"", "Anna", "a.b", "a*", ">", "-a", strings.Repeat("a", 65)} {
		if err := s.Create(t.Context(), name, "password", false, Contact{}); !errors.Is(err, event.ErrAccount) {
			t.Errorf("the name %q: %v, want ErrAccount", name, err)
		}
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	s, b := newTestAccounts(t)
	if err := s.SetPassword(t.Context(), "anna", "new password"); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("the password of nobody: %v, want record.ErrNotFound", err)
	}
	if err := s.Create(t.Context(), "anna", "old password", true, Contact{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "old password", From: t.Name()}); err != nil {
		t.Fatal(err)
	}
	// Another node sets it, and this one must not go by what it remembers.
	if err := cheap(b).SetPassword(t.Context(), "anna", "new password"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "old password", From: t.Name()}); !errors.Is(err, ErrLogin) {
		t.Errorf("the old password: %v, want ErrLogin", err)
	}
	if a, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "new password", From: t.Name()}); err != nil || !a.Operator {
		t.Errorf("the new password: %+v, %v", a, err)
	}
	if err := s.SetPassword(t.Context(), "anna", "short"); !errors.Is(err, ErrPassword) {
		t.Errorf("a short password: %v, want ErrPassword", err)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	s, _ := newTestAccounts(t)
	ctx := t.Context()
	created, drawn, err := s.Ensure(ctx, "demo", "")
	if err != nil || !created || len(drawn) < 20 {
		t.Fatalf("the first start: %v, %q, %v", created, drawn, err)
	}
	if a, err := s.Login(ctx, Credentials{Account: "demo", Secret: drawn, From: t.Name()}); err != nil || !a.Operator {
		t.Errorf("login with the drawn password: %+v, %v", a, err)
	}
	if created, password, err := s.Ensure(ctx, "demo", ""); err != nil || created || password != "" {
		t.Errorf("the second start: %v, %q, %v", created, password, err)
	}
	if created, password, err := s.Ensure(ctx, "demo", drawn); err != nil || created || password != drawn {
		t.Errorf("a start with the same password: %v, %q, %v", created, password, err)
	}
	if created, password, err := s.Ensure(ctx, "demo", "stated password"); err != nil || created || password != "stated password" {
		t.Errorf("a start with another password: %v, %q, %v", created, password, err)
	}
	if _, err := s.Login(ctx, Credentials{Account: "demo", Secret: drawn, From: t.Name()}); !errors.Is(err, ErrLogin) {
		t.Errorf("the drawn password afterwards: %v, want ErrLogin", err)
	}
	if _, err := s.Login(ctx, Credentials{Account: "demo", Secret: "stated password", From: t.Name()}); err != nil {
		t.Error(err)
	}
	// An account that only happens to have the name gets no rights by a start that does not name its password.
	if err := s.Create(ctx, "plain", "plain password", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Ensure(ctx, "plain", ""); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Login(ctx, Credentials{Account: "plain", Secret: "plain password", From: t.Name()}); err != nil || a.Operator {
		t.Errorf("after a start without a password: %+v, %v", a, err)
	}
	if _, _, err := s.Ensure(ctx, "plain", "plain password"); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Login(ctx, Credentials{Account: "plain", Secret: "plain password", From: t.Name()}); err != nil || !a.Operator {
		t.Errorf("after a start with its password: %+v, %v", a, err)
	}
	if _, _, err := s.Ensure(ctx, "demo", "short"); !errors.Is(err, ErrPassword) {
		t.Errorf("a short password: %v, want ErrPassword", err)
	}
	if _, _, err := s.Ensure(ctx, "De Mo", ""); !errors.Is(err, event.ErrAccount) {
		t.Errorf("an impossible name: %v, want ErrAccount", err)
	}
}

// Several nodes start at once: with no password one of them makes the account, with one all of them agree on it.
func TestEnsureByManyNodes(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	for _, stated := range []string{"", "stated password"} {
		name := "node" + stated[:min(len(stated), 6)]
		var mu sync.Mutex
		var made int
		var password string
		var wg sync.WaitGroup
		for range 8 {
			node := cheap(b)
			wg.Go(func() {
				created, p, err := node.Ensure(t.Context(), name, stated)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if created {
					made++
					password = p
				} else if p != stated {
					t.Errorf("a node that did not make the account got the password %q", p)
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Errorf("%d nodes made the account, want 1", made)
		}
		if a, err := cheap(b).Login(t.Context(), Credentials{Account: name, Secret: password, From: t.Name()}); err != nil || !a.Operator {
			t.Errorf("login afterwards: %+v, %v", a, err)
		}
	}
}

func TestAccountRecord(t *testing.T) {
	t.Parallel()
	s, b := newTestAccounts(t)
	if err := s.Create(t.Context(), "anna", "password of anna", true, Contact{}); err != nil {
		t.Fatal(err)
	}
	entry, err := b.Accounts.Get(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(entry.Value, &fields); err != nil {
		t.Fatal(err)
	}
	hash, _ := fields["hash"].(string)
	if fields["v"] != 1.0 || fields["name"] != "anna" || fields["operator"] != true || fields["created"] == nil || len(fields) != 5 {
		t.Errorf("the record is %s", entry.Value)
	}
	if strings.Contains(string(entry.Value), "password of anna") || !strings.HasPrefix(hash, "$2a$") {
		t.Errorf("the record does not hold the password as a bcrypt hash: %s", entry.Value)
	}
	if _, err := b.Accounts.Put(t.Context(), "newer", []byte(`{"v":3,"name":"newer","hash":7}`), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(t.Context(), Credentials{Account: "newer", Secret: "password of anna", From: t.Name()}); !errors.Is(err, record.ErrNewer) {
		t.Errorf("the record of a newer version: %v, want record.ErrNewer", err)
	}
	// A start goes on beside it, unless it is to be changed.
	if created, _, err := s.Ensure(t.Context(), "newer", ""); created || err != nil {
		t.Errorf("a start beside the record of a newer version: %v, %v", created, err)
	}
	if _, _, err := s.Ensure(t.Context(), "newer", "password of anna"); !errors.Is(err, record.ErrNewer) {
		t.Errorf("a start that sets the password in the record of a newer version: %v, want record.ErrNewer", err)
	}
	if entry, err := b.Accounts.Get(t.Context(), "newer"); err != nil || string(entry.Value) != `{"v":3,"name":"newer","hash":7}` {
		t.Errorf("the record of a newer version was touched: %v", err)
	}
}

// A login that waits for others ends with its context, and one that was verified lately does not wait at all.
func TestLoginsAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := newTestAccounts(t)
	if err := s.Create(t.Context(), "anna", "password of anna", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "password of anna", From: t.Name()}); err != nil {
		t.Fatal(err)
	}
	for range hashing {
		s.hashes.running <- struct{}{}
	}
	if _, err := s.Login(t.Context(), Credentials{Account: "anna", Secret: "password of anna", From: t.Name()}); err != nil {
		t.Errorf("a verified login: %v", err)
	}
	for _, name := range []string{"anna", "nobody"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := s.Login(ctx, Credentials{Account: name, Secret: "wrong password", From: t.Name()}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a login of %s while others are checked: %v, want DeadlineExceeded", name, err)
		}
		cancel()
	}
}

// The decoy costs what a real hash costs, so time does not tell which names exist.
func TestDecoyCostsTheSame(t *testing.T) {
	t.Parallel()
	cost, err := bcrypt.Cost([]byte(nobody))
	if err != nil || cost != bcrypt.DefaultCost || len(nobody) != 60 {
		t.Errorf("the decoy's cost is %d, %v; want %d", cost, err, bcrypt.DefaultCost)
	}
}
