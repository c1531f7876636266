package registry

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/saumer/saumer/record"
)

// Nothing is hashed, and nothing waits, for who shows no credentials or an API key; the same password at once is hashed once.
func TestWhatCostsNoHash(t *testing.T) {
	t.Parallel()
	s, _ := newTestAccounts(t)
	if err := s.Create(t.Context(), "anna", "password of anna", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	_, key, err := s.CreateKey(t.Context(), "anna", "a machine", ReadOnly, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(t.Context(), Credentials{"anna", "password of anna", "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	for range hashing {
		s.hashes.running <- struct{}{}
	}
	for _, c := range []Credentials{{}, {Account: "anna"}, {Secret: "password of anna"}, {"bert", key, ""}, {"", key + "x", ""}} {
		if _, err := s.Login(t.Context(), c); c.Secret != key+"x" && !errors.Is(err, ErrLogin) {
			t.Errorf("%q: %v, want ErrLogin", c.Account, err)
		}
	}
	if l, err := s.Login(t.Context(), Credentials{Secret: key}); err != nil || l.Right != ReadOnly || l.Name != "anna" || l.Key == "" {
		t.Errorf("the key: %+v, %v", l, err)
	}
	// Those that wait are bounded.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	outcomes := make(chan error, 3*hashesWaiting)
	for i := range 3 * hashesWaiting {
		wg.Go(func() {
			_, err := s.Login(ctx, Credentials{"nobody" + strconv.Itoa(i), "guess number 1" + strconv.Itoa(i), "192.0.2." + strconv.Itoa(i)})
			outcomes <- err
		})
	}
	for range 3*hashesWaiting - hashing - hashesWaiting {
		if err := <-outcomes; !errors.Is(err, ErrLimit) {
			t.Errorf("a login beyond the queue: %v, want ErrLimit", err)
		}
	}
	if _, err := s.Login(t.Context(), Credentials{"anna", "password of anna", "192.0.2.1"}); err != nil {
		t.Errorf("a login that is remembered: %v", err)
	}
	cancel()
	wg.Wait()
	for range hashing {
		<-s.hashes.running
	}
}

// A hundred machines with the right password at once are no guesses.
func TestTheSamePasswordAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := newTestAccounts(t)
	if err := s.Create(t.Context(), "anna", "password of anna", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if _, err := s.Login(t.Context(), Credentials{"anna", "password of anna", "192.0.2.1"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := newTries()
		wrong := func(address, account string) time.Duration {
			_, err := tries.Begin(address, account)
			if limit, ok := errors.AsType[*LimitError](err); ok {
				return limit.After
			}
			return 0
		}
		for range pairBurst {
			if wrong("192.0.2.1", "anna") != 0 {
				t.Error("a first try was refused")
			}
		}
		if after := wrong("192.0.2.1", "anna"); after <= pairEvery-time.Second || after > pairEvery {
			t.Errorf("after a burst: wait %v", after)
		}
		if wrong("192.0.2.2", "anna") != 0 || wrong("192.0.2.1", "bert") != 0 {
			t.Error("another address or account was refused")
		}
		time.Sleep(pairEvery)
		if wrong("192.0.2.1", "anna") != 0 || wrong("192.0.2.1", "anna") == 0 {
			t.Error("after a pause there is one more try")
		}
		// One address of a /64 is all of it, and one that tries many names is limited.
		for i := range addressBurst {
			wrong("2001:db8::"+strconv.Itoa(i), "name"+strconv.Itoa(i))
		}
		if wrong("2001:db8::ffff", "") == 0 {
			t.Error("an address with many names was let on")
		}
		// Nobody guesses one account from many addresses.
		refused := 0
		for i := range 2 * accountBurst {
			if wrong("198.51.100."+strconv.Itoa(i), "carla") > 0 {
				refused++
			}
		}
		if refused != accountBurst {
			t.Errorf("%d of %d tries from everywhere were refused", refused, 2*accountBurst)
		}
		// What went right counts for nothing.
		for range 10 * addressBurst {
			undo, err := tries.Begin("203.0.113.1", "dora")
			if err != nil {
				t.Fatal(err)
			}
			undo()
		}
	})
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for _, weak := range []string{
		"", "7 bytes", strings.Repeat("xyzabc", 13), "12345678", "123456789", "87654321", "01234567", "password", "Password1", "PASSWORD123!", "p@ssw0rd",
		"qwertyui", "QWERTZUI", "asdfghjkl", "1qaz2wsx", "11111111", "aaaaaaaa", "abababab", "abcdefgh", "iloveyou", "changeme", "letmein1", "Welcome2026!",
		"customer-7", "customer-72026", "Customer-7!", "testtest", "Administrator", "geheim123", "passwort1",
	} {
		if err := validPassword("customer-7", weak); !errors.Is(err, ErrPassword) {
			t.Errorf("%q: %v, want ErrPassword", weak, err)
		}
	}
	for _, good := range []string{"password of anna", "correct horse battery staple", "GQ4Z7N2MPLKJ", "Ääöü-ßéñ", "tr0ub4dor&3", strings.Repeat("ä", 30) + "bcdefg"} {
		if err := validPassword("customer-7", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	s, b := newTestAccounts(t)
	ctx := t.Context()
	if err := s.Create(ctx, "an_na-1", "password of anna", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	k, text, err := s.CreateKey(ctx, "an_na-1", "shop", PublishOnly, time.Now().Add(time.Hour))
	if err != nil || !strings.HasPrefix(text, "saumer_an_na-1_"+k.ID+"_") || k.Label != "shop" || k.Expires.IsZero() {
		t.Fatalf("a new key: %+v, %v", k, err)
	}
	entry, err := b.Accounts.Get(ctx, "an_na-1")
	if err != nil || strings.Contains(string(entry.Value), text[len(text)-keySecretLength:]) || !strings.Contains(string(entry.Value), `"v":2`) {
		t.Errorf("the record is %s, %v", entry.Value, err)
	}
	// Another process takes it, and what was used is seen.
	if l, err := cheap(b).Login(ctx, Credentials{Account: "an_na-1", Secret: text}); err != nil || l.Right != PublishOnly || l.Key != k.ID {
		t.Errorf("login: %+v, %v", l, err)
	}
	if keys, err := s.Keys(ctx, "an_na-1"); err != nil || len(keys) != 1 || time.Since(keys[0].Used) > time.Minute {
		t.Errorf("the keys: %+v, %v", keys, err)
	}
	// One that has expired lets nobody in.
	_, err = s.change(ctx, "an_na-1", func(a *account) error { a.Keys[0].Expires = time.Now(); return nil })
	if _, wrong := s.Login(ctx, Credentials{Secret: text}); err != nil || !errors.Is(wrong, ErrLogin) {
		t.Errorf("an expired key: %v, %v", wrong, err)
	}
	if err := s.RevokeKey(ctx, "an_na-1", k.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeKey(ctx, "an_na-1", k.ID); !errors.Is(err, ErrNoKey) {
		t.Errorf("revoked twice: %v", err)
	}
	if entry, err := b.Accounts.Get(ctx, "an_na-1"); err != nil || !strings.Contains(string(entry.Value), `"v":1`) {
		t.Errorf("without keys the record is %s, %v", entry.Value, err)
	}
	for range keysMax {
		if _, _, err := s.CreateKey(ctx, "an_na-1", "x", All, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.CreateKey(ctx, "an_na-1", "x", All, time.Time{}); !errors.Is(err, ErrManyKeys) {
		t.Errorf("one key too many: %v", err)
	}
	if _, _, err := s.CreateKey(ctx, "nobody", "x", All, time.Time{}); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("a key of nobody: %v", err)
	}
}

// Sessions end one by one; if too many are remembered, all end, and none begins again.
func TestSessions(t *testing.T) {
	t.Parallel()
	s, b := newTestAccounts(t)
	ctx := t.Context()
	if err := s.Create(ctx, "anna", "password of anna", false, Contact{}); err != nil {
		t.Fatal(err)
	}
	_, before, err := s.Session(ctx, "anna", "one")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	if err := cheap(b).EndSession(ctx, "anna", "one", until); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Session(ctx, "anna", "one"); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("a session that was ended: %v", err)
	}
	if _, after, err := s.Session(ctx, "anna", "two"); err != nil || after != before {
		t.Errorf("another session: %v", err)
	}
	for i := range endedMax {
		if err := s.EndSession(ctx, "anna", "more"+strconv.Itoa(i), until); err != nil {
			t.Fatal(err)
		}
	}
	if _, after, err := s.Session(ctx, "anna", "one"); err != nil || after == before {
		t.Errorf("beyond what is remembered the credential is the same: %v", err)
	}
	all, err := s.List(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "anna" {
		t.Errorf("the accounts are %+v, %v", all, err)
	}
}
