package console

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/saumer/saumer/delivery"
)

const (
	flashName = "saumer-flash"
	// flashTime is how long the page may take to be asked for.
	flashTime = 2 * time.Minute
	// maxFlash bounds the value of the cookie, in bytes. Browsers keep 4,096 of a cookie in all (RFC 6265, section 6.1).
	maxFlash = 3800
)

// flash is what came of a form. It goes along with the redirect to the page that shows it, once: a page that is loaded again
// neither shows it nor repeats what the form did.
type flash struct {
	// Until is when it is too old to be shown.
	Until time.Time
	// Done says what was done, Wrong why it was not.
	Done, Wrong string
	// Secret is that of a webhook, which is kept nowhere. Created is true if it came with the webhook.
	Secret  string
	Created bool
	// Tried is what a test event or a test of the connection met, of which Test says which.
	Tried *tried
	// Probed is what the test of a URL found on the page behind a link.
	Probed *probed
	// Answer is that of a call of the demo.
	Answer string
	Error  int
	// Values are those of a form that has to be filled in again, or of one that was kept and goes to Next.
	Values url.Values
	Next   string
}

// tried is what is shown of a test event or a test of the connection.
type tried struct {
	Test    bool
	Outcome delivery.Outcome
	Status  int
	Took    time.Duration
	Error   string
}

func triedOf(a delivery.Attempt, test bool) *tried {
	return &tried{test, a.Outcome, a.Status, a.Duration, a.Error}
}

// flashes seals what travels in a cookie: nobody but the console reads it, and only for the account and the page that it
// is for. It is safe for concurrent use.
type flashes struct {
	seal cipher.AEAD
	now  func() time.Time
}

func newFlashes(key []byte, now func() time.Time) *flashes {
	// Neither fails for a key of 32 bytes (crypto/aes, crypto/cipher).
	block, _ := aes.NewCipher(derive(key, "saumer console flash"))
	seal, _ := cipher.NewGCMWithRandomNonce(block)
	return &flashes{seal, now}
}

// cookie is the flash on its way to the page at a path. What is too large for a cookie goes without the values of the form,
// and without the end of the answer.
func (f *flashes) cookie(account, path string, secure bool, fl flash) (*http.Cookie, error) {
	fl.Until = f.now().Add(flashTime)
	value, err := f.sealed(account, path, fl)
	if err == nil && len(value) > maxFlash {
		fl.Values = nil
		fl.Answer = cut(fl.Answer, maxFlash/3)
		fl.Wrong, fl.Done = cut(fl.Wrong, maxFlash/6), cut(fl.Done, maxFlash/6)
		value, err = f.sealed(account, path, fl)
	}
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: flashName, Value: value, Path: path, MaxAge: int(flashTime / time.Second), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}, nil
}

func (f *flashes) sealed(account, path string, fl flash) (string, error) {
	data, err := json.Marshal(fl)
	if err != nil {
		return "", fmt.Errorf("write what came of a form: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(f.seal.Seal(nil, nil, data, about(account, path))), nil
}

// about is what a flash is bound to.
func about(account, path string) []byte { return []byte(account + "\n" + path) }

// cut is a text of a limited number of bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return legible([]byte(text[:limit])) + "…"
}

// take returns the flash that came with a request for a page, and takes it from the browser. It is empty if there is none.
func (f *flashes) take(w http.ResponseWriter, r *http.Request, account string, secure bool) (fl flash) {
	c, err := r.Cookie(flashName)
	if err != nil {
		return flash{}
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashName, Path: r.URL.Path, MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
	data, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err == nil {
		data, err = f.seal.Open(nil, nil, data, about(account, r.URL.Path))
	}
	if err != nil || json.Unmarshal(data, &fl) != nil || f.now().After(fl.Until) {
		return flash{}
	}
	return fl
}

// flash leads to a page of the console, which shows what came of a form. Query is that of the page.
func (c *Console) flash(w http.ResponseWriter, r *http.Request, v visitor, path, query string, fl flash) error {
	cookie, err := c.flashes.cookie(v.Name, path, c.encrypted(r), fl)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	if query != "" {
		path += "?" + query
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
