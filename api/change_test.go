package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/saumer/saumer/registry"
)

// etag is the entity tag with which a webhook is shown.
func (u *bundle) etag(id string) string {
	u.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/v1/webhooks/"+id, nil)
	r.SetBasicAuth("demo", password)
	return u.send(r).Header().Get("ETag")
}

func TestUpdateChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	u := setup(t)
	id := u.create("app", "optin_finalized")
	before := u.etag(id)
	type shown struct {
		ID       uint64
		App, URL string
		Settings settings
	}
	change := func(body string, header ...string) (int, shown) {
		t.Helper()
		status, _, answer := u.rest("demo", "PATCH", "/v1/webhooks/"+id, body, header...)
		var w shown
		if err := json.Unmarshal([]byte(answer), &w); err != nil && status < 300 {
			t.Fatalf("%s: %v", answer, err)
		}
		return status, w
	}
	for _, nothing := range []string{``, `{}`, `{"app":null,"settings":{"headers":null}}`} {
		if status, _ := change(nothing); status != http.StatusOK || u.etag(id) != before {
			t.Errorf("%q: status %d, and the tag goes from %s to %s", nothing, status, before, u.etag(id))
		}
	}
	if u.backlogs.moved != nil {
		t.Errorf("the backlogs of %v were told of another URL, and there is none", u.backlogs.moved)
	}
	status, w := change(`{"url":"https://example.org/other","settings":{"timeout":"5s","headers":{"X-Token":"secret"}}}`, "If-Match", before)
	if status != http.StatusOK || w.URL != "https://example.org/other" || w.App != "app" || w.Settings.Timeout != "5s" || w.Settings.Headers != nil {
		t.Errorf("status %d: %+v", status, w)
	}
	if key := registry.Key("demo", w.ID); !slices.Equal(u.backlogs.moved, []string{key}) {
		t.Errorf("the backlogs of %v were told of another URL, want %s", u.backlogs.moved, key)
	}
	if status, _ := change(`{"app":"another"}`, "If-Match", before); status != http.StatusPreconditionFailed {
		t.Errorf("by the tag of before: status %d, want 412", status)
	}
	if status, w := change(`{"settings":{"maxInFlight":7}}`, "If-Match", u.etag(id)); status != http.StatusOK || w.Settings.MaxInFlight != 7 || w.Settings.Timeout != "5s" || w.App != "app" {
		t.Errorf("status %d: %+v", status, w)
	}
	// What happens to the webhook is no change of it.
	tag := u.etag(id)
	if status, _, answer := u.rest("demo", "POST", "/v1/webhooks/"+id+"/pause", ""); status != http.StatusOK || !strings.Contains(answer, `"active":false`) {
		t.Errorf("the pause answers %d %s", status, answer)
	}
	if u.etag(id) != tag {
		t.Error("a pause changes the tag")
	}
}
