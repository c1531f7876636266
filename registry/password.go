package registry

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"
)

const (
	passwordMin, passwordMax = 8, 72
	// differentMin is how many different characters a password has at least.
	differentMin = 5

	// hashing bounds the bcrypt runs at once, and hashesWaiting those that wait for one of them: about two seconds' worth.
	hashing, hashesWaiting = 2, 64
	// hashWait is what a caller is told to wait if no more may wait.
	hashWait = 2 * time.Second
	// rememberedPairs bounds the pairs of hash and password that need no bcrypt, and rememberedFor says for how long.
	rememberedPairs = 10_000
	rememberedFor   = 5 * time.Minute
)

// nobody is the hash of a random password that was thrown away. A login with an unknown name is compared with it, and
// so takes as long as one with a wrong password.
const nobody = "$2a$10$4R2tBvZqG.Gkxk4f5DtDJOAeSAS6.mOwXzcyUXFE19d4sdi3OYIdC"

// rows are what a password must not be a part of, forwards or backwards: rows of keys, and series.
var rows = []string{
	"01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
	"1qaz2wsx3edc4rfv5tgb6yhn", "1q2w3e4r5t6z7u8i9o0p", "1q2w3e4r5t6y7u8i9o0p",
}

// common are passwords that everybody tries first, and that no other rule refuses. Digits and marks at the end do not count.
var common = []string{
	"password", "passwort", "p@ssword", "p@ssw0rd", "passw0rd", "pa$$word", "mypassword", "changeme", "letmein", "iloveyou", "sunshine", "princess",
	"football", "baseball", "superman", "trustno", "starwars", "whatever", "welcome", "computer", "internet", "michelle", "jennifer", "michael",
	"charlie", "dragon", "monkey", "master", "shadow", "administrator", "admin", "secret", "default", "geheim", "hallo", "schatz", "qwerty",
	"qwertz", "qwerty123", "qwertz123", "abc", "test", "testtest", "demodemo", "saumer", "webhook", "webhooks", "operator", "access", "login",
	"zaq", "zaq12wsx", "q1w2e3r4", "asdf", "asdfasdf", "aa", "a1b2c3d4", "jordan", "liverpool", "arsenal", "chelsea", "bonjour", "loveme",
}

// validPassword says whether an account may get a password: ErrPassword if not.
func validPassword(account, password string) error {
	lower := strings.ToLower(password)
	different := map[rune]bool{}
	for _, r := range lower {
		different[r] = true
	}
	backwards := []rune(lower)
	slices.Reverse(backwards)
	const atEnd = "0123456789!?.*$#@+-_"
	rest, begins := strings.CutPrefix(lower, account)
	switch bare := strings.TrimRight(lower, atEnd); {
	case len(password) < passwordMin || len(password) > passwordMax, len(different) < differentMin,
		slices.Contains(common, bare), slices.Contains(common, lower), begins && strings.Trim(rest, atEnd) == "":
		return ErrPassword
	}
	for _, row := range rows {
		if strings.Contains(row, lower) || strings.Contains(row, string(backwards)) {
			return ErrPassword
		}
	}
	return nil
}

// pair stands for a hash and a password. Nobody can tell a password from it without the key of this process.
type pair [sha256.Size]byte

// hashes makes bcrypt hashes and compares passwords with them. A comparison that was made lately costs none, several of the
// same at once cost one, and not many wait for their turn. It is safe for concurrent use.
type hashes struct {
	cost int
	// decoy is what an unknown name's password is compared with, at the same cost.
	decoy []byte
	key   []byte
	// running holds a token for each bcrypt run; waiting counts those that run or wait.
	running chan struct{}
	waiting atomic.Int64

	mu sync.Mutex
	// remembered and flights are guarded by mu.
	remembered *lru.Cache[pair, comparison]
	flights    map[pair]*flight
}

// comparison is what came of one, and until when that is believed.
type comparison struct {
	same  bool
	until time.Time
}

// flight is a comparison under way; its outcome can be read when done is closed.
type flight struct {
	done chan struct{}
	same bool
	err  error
}

func newHashes() *hashes {
	// The size is positive, and nothing else can be wrong.
	remembered, _ := lru.New[pair, comparison](rememberedPairs)
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails (Go 1.24)
	return &hashes{
		cost: bcrypt.DefaultCost, decoy: []byte(nobody), key: key, running: make(chan struct{}, hashing),
		remembered: remembered, flights: map[pair]*flight{},
	}
}

func (h *hashes) pair(hash []byte, password string) pair {
	mac := hmac.New(sha256.New, h.key)
	// A bcrypt hash has a fixed length, so no other pair has this text.
	mac.Write(hash)
	mac.Write([]byte(password))
	return pair(mac.Sum(nil))
}

// recall says what a comparison brought that was made lately; false if there was none.
func (h *hashes) recall(p pair) (same, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.remembered.Get(p)
	return c.same, ok && time.Now().Before(c.until)
}

// match says whether the hash is that of the password.
func (h *hashes) match(ctx context.Context, hash []byte, password string) (bool, error) {
	return h.limited(ctx, hash, password, func() (func(), error) { return func() {}, nil })
}

// limited is match, where begin is asked before a bcrypt run, and may refuse it. The function that begin returns is called if
// the run tells of no wrong password.
func (h *hashes) limited(ctx context.Context, hash []byte, password string, begin func() (undo func(), err error)) (bool, error) {
	p := h.pair(hash, password)
	for {
		if same, known := h.recall(p); known {
			return same, nil
		}
		h.mu.Lock()
		f, ok := h.flights[p]
		if !ok {
			f = &flight{done: make(chan struct{})}
			h.flights[p] = f
		}
		h.mu.Unlock()
		if !ok {
			f.same, f.err = h.run(ctx, p, hash, password, begin)
			h.mu.Lock()
			delete(h.flights, p)
			h.mu.Unlock()
			close(f.done)
			return f.same, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return false, waited(ctx)
		}
		// One that ended with the context of another says nothing.
		if f.err == nil || !errors.Is(f.err, context.Canceled) && !errors.Is(f.err, context.DeadlineExceeded) {
			return f.same, f.err
		}
	}
}

// run compares a hash with a password, and remembers what came of it.
func (h *hashes) run(ctx context.Context, p pair, hash []byte, password string, begin func() (func(), error)) (bool, error) {
	undo, err := begin()
	if err != nil {
		return false, err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		undo()
		return false, err
	}
	defer release()
	err = bcrypt.CompareHashAndPassword(hash, []byte(password))
	same := err == nil
	if !same && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) && !errors.Is(err, bcrypt.ErrPasswordTooLong) {
		undo()
		return false, fmt.Errorf("check a password: %w", err)
	}
	if same {
		undo()
	}
	h.remember(p, same)
	return same, nil
}

// remember keeps what came of a comparison, for a while.
func (h *hashes) remember(p pair, same bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remembered.Add(p, comparison{same, time.Now().Add(rememberedFor)})
}

// make makes the hash of a password for an account: ErrPassword.
func (h *hashes) make(ctx context.Context, account, password string) (string, error) {
	if err := validPassword(account, password); err != nil {
		return "", err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), h.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	// Whoever sets a password logs in with it next.
	h.remember(h.pair(hash, password), true)
	return string(hash), nil
}

// acquire waits for its turn to run bcrypt: a *LimitError if too many wait already.
func (h *hashes) acquire(ctx context.Context) (release func(), err error) {
	if h.waiting.Add(1) > hashing+hashesWaiting {
		h.waiting.Add(-1)
		return nil, &LimitError{What: "too many logins are being checked", After: hashWait}
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; h.waiting.Add(-1) }, nil
	case <-ctx.Done():
		h.waiting.Add(-1)
		return nil, waited(ctx)
	}
}

func waited(ctx context.Context) error {
	return fmt.Errorf("wait for the check of other logins: %w", ctx.Err())
}
