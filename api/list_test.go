package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/saumer/saumer/replay"
)

// ids are those of the webhooks in an answer.
func ids(t *testing.T, answer string) (found []uint64) {
	t.Helper()
	var list []struct{ ID uint64 }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for _, w := range list {
		found = append(found, w.ID)
	}
	return found
}

// A client that follows the pages of a list, by either shell, meets each webhook once and comes to an end.
func TestListByPage(t *testing.T) {
	t.Parallel()
	u := setup(t)
	var want []uint64
	for i := range 7 {
		id, err := strconv.ParseUint(u.create(fmt.Sprintf("app%d", i), "optin_finalized"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	var got []uint64
	for after := ""; ; {
		_, _, answer := u.rest("demo", "GET", "/v1/webhooks?limit=3"+after, "")
		var page struct {
			Webhooks json.RawMessage
			Next     *uint64
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(t, string(page.Webhooks))...)
		if page.Next == nil {
			break
		}
		after = fmt.Sprintf("&after=%d", *page.Next)
	}
	if !slices.Equal(got, want) {
		t.Errorf("by the pages of REST %v, want %v", got, want)
	}
	got = nil
	for start := 0; ; start += 3 {
		_, _, result := u.web("GetWebHooks", "advanced[start]", strconv.Itoa(start), "advanced[limit]", "3")
		page := ids(t, string(result))
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("by the pages of the web service %v, want %v", got, want)
	}
}

func TestListIsFiltered(t *testing.T) {
	t.Parallel()
	u := setup(t)
	u.create("tourism", "optin_finalized")
	u.create("railway", "optout_finalized")
	u.deactivate(u.create("tourism", "optout_finalized"))
	u.backlogs.status.State = replay.Inactive
	for query, want := range map[string][]uint64{
		"":                                   {1, 2, 3},
		"?app=tourism":                       {1, 3},
		"?app=tourism&event=optin_finalized": {1},
		"?state=inactive":                    {3},
		"?state=live":                        {1, 2},
		"?state=live&limit=1":                {1},
		"?state=live&limit=1&after=1":        {2},
		"?text=RAIL":                         {2},
		"?text=3":                            {3},
		"?text=nothing":                      nil,
	} {
		status, _, answer := u.rest("demo", "GET", "/v1/webhooks"+query, "")
		var page struct{ Webhooks json.RawMessage }
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 {
			t.Fatalf("%s: %d %s %v", query, status, answer, err)
		}
		if got := ids(t, string(page.Webhooks)); !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"?state=bogus", "?limit=0", "?limit=1001", "?after=x"} {
		if _, code, answer := u.rest("demo", "GET", "/v1/webhooks"+query, ""); code != 2 {
			t.Errorf("%s: %s, want code 2", query, answer)
		}
	}
}

// A call that names two webhooks does nothing, and an id may be given in every way in which parameters may.
func TestTwoIDsAreRefused(t *testing.T) {
	t.Parallel()
	u := setup(t)
	first, second := u.create("a", "optin_finalized"), u.create("b", "optin_finalized")
	for _, given := range [][]string{
		{"id", first, "webhookId", second}, {"webhookId", first, "advanced[id]", second}, {"id", first, "advanced[webhookId]", second},
	} {
		if code, message, _ := u.web("DeleteWebHookById", given...); code != 91 || !strings.Contains(message, "given twice") {
			t.Errorf("%v: %d %s", given, code, message)
		}
	}
	if code, message, _ := u.web("DeleteWebHookById", "id", first, "webhookId", first, "advanced[webhookId]", first); code != 0 {
		t.Errorf("the same id three times: %d %s", code, message)
	}
	if code, message, _ := u.web("DeleteWebHookById", "advanced[webhookId]", second); code != 0 {
		t.Errorf("advanced[webhookId]: %d %s", code, message)
	}
}
