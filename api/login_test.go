package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// key makes an API key of an account and returns it.
func (u *bundle) key(account, right string) string {
	u.t.Helper()
	status, _, body := u.rest(account, "POST", "/v1/accounts/"+account+"/keys", `{"label":"test","right":"`+right+`"}`)
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != http.StatusCreated {
		u.t.Fatalf("a new key: %d %s", status, body)
	}
	return made.Key
}

// as sends a request of REST with an Authorization header and returns status and code.
func (u *bundle) as(authorization, method, path, body string) (status, code int) {
	u.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := u.send(r)
	var refused struct{ Error struct{ Code int } }
	if w.Code >= 400 {
		if err := json.Unmarshal(w.Body.Bytes(), &refused); err != nil {
			u.t.Fatal(err)
		}
	}
	return w.Code, refused.Error.Code
}

// A key lets in as Bearer and in the place of the password, for what its right covers, until it is revoked.
func TestLogins(t *testing.T) {
	t.Parallel()
	u := setup(t)
	keys := map[string]string{}
	for _, right := range []string{"all", "read-only", "publish-only"} {
		keys[right] = u.key("other", right)
	}
	for _, f := range functions {
		method, path := u.route(f.Name, strings.Repeat("1/", 3))
		path = strings.Replace(path, "/accounts/1", "/accounts/other", 1)
		for right, key := range keys {
			want := right == "all" || right == "read-only" && method == http.MethodGet || right == "publish-only" && (f == PublishEvent || f == PublishEvents)
			if right == "all" && f.Effect != "" {
				continue // nothing is to be changed here
			}
			if status, code := u.as("Bearer "+key, method, path, `{}`); (code != 85) != want || code == 85 && status != http.StatusForbidden || code == 1 {
				t.Errorf("%s with a key that is %s: %d, code %d; allowed is %v", f.Name, right, status, code, want)
			}
		}
	}
	basic := func(name, secret string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(name, secret)
		return r.Header.Get("Authorization")
	}
	key := keys["all"]
	for authorization, want := range map[string]int{
		basic("other", key): 200, basic("", key): 200, "bearer  " + key: 200, basic("demo", key): 401,
		"": 401, "Bearer": 401, "Bearer ": 401, "Basic": 401, "Basic e": 401, basic("", ""): 401, basic("other", ""): 401, "Bearer " + password: 401,
		"Bearer " + key + "A": 401, "Bearer " + key[:len(key)-1]: 401, "Bearer " + strings.Replace(key, "other", "demo", 1): 401, "Token " + key: 401,
	} {
		if status, _ := u.as(authorization, "GET", "/v1/webhooks", ""); status != want {
			t.Errorf("%.40q: %d, want %d", authorization, status, want)
		}
	}
	form := url.Values{"username": {"other"}, "password": {key}}
	if code, _, _ := u.webBody("GetWebHooks", "application/x-www-form-urlencoded", form.Encode()); code != 0 {
		t.Errorf("the web service with a key: %d", code)
	}
	_, _, list := u.rest("other", "GET", "/v1/accounts/other/keys", "")
	if strings.Contains(list, key) || !strings.Contains(list, `"right":"publish-only"`) || strings.Contains(list, `"lastUsed":null`) {
		t.Errorf("the keys are %s", list)
	}
	id := strings.Split(key, "_")[2]
	if status, _, _ := u.rest("other", "DELETE", "/v1/accounts/other/keys/"+id, ""); status != http.StatusNoContent {
		t.Fatal(status)
	}
	if status, _ := u.as("Bearer "+key, "GET", "/v1/webhooks", ""); status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", status)
	}
}

// Guesses are refused with 429 by both shells, and who was let in already stays so.
func TestGuessing(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.rest("other", "GET", "/v1/webhooks", "")
	guess := func(i int) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/v1/webhooks", nil)
		r.SetBasicAuth("other", "guess number "+strconv.Itoa(i))
		return u.send(r)
	}
	refused := 0
	for i := range 20 {
		switch w := guess(i); w.Code {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			refused++
			if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 || !strings.Contains(w.Body.String(), `"code":86`) {
				t.Errorf("a refused guess: %v %s", w.Header(), w.Body)
			}
		default:
			t.Errorf("a guess: %d", w.Code)
		}
	}
	if refused < 10 {
		t.Errorf("%d of 20 guesses were refused", refused)
	}
	form := url.Values{"username": {"other"}, "password": {"another guess"}}
	if code, message, _ := u.webBody("GetWebHooks", "application/x-www-form-urlencoded", form.Encode()); code != 86 {
		t.Errorf("a guess at the web service: %d %s", code, message)
	}
	if status, _, answer := u.rest("other", "GET", "/v1/webhooks", ""); status != http.StatusOK {
		t.Errorf("the right password meanwhile: %d %s", status, answer)
	}
}

// A proxy is believed if it is one of ours, and only for what it has seen itself.
func TestClient(t *testing.T) {
	t.Parallel()
	s := NewService(Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"10.0.0.1:5", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "198.51.100.7,10.0.0.2", "198.51.100.7"},
		{"10.0.0.1:5", "forged, 10.0.0.2", "10.0.0.2"},
		{"[::1]:5", "2001:db8::7", "2001:db8::7"},
		{"[::1]:5", "::ffff:198.51.100.7", "198.51.100.7"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.Client(r); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
