package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Events come from a file, a folder and lines, in requests of at most a thousand, and what is refused is told.
func TestEventPublish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range map[string]string{"a.json": `{"n": 1.00}`, "b.json": `2`, "c.txt": `3`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		in   string
		args []string
		want []int // events of each request
		code int
		out  string
	}{
		{"", []string{filepath.Join(dir, "a.json"), "--id", "k"}, []int{1}, exitOK, "published optin_finalized id k sequence 7\n"},
		{"", []string{dir}, []int{2}, exitOK, ""},
		{"", nil, []int{1}, exitOK, ""},
		{"4", []string{"-"}, []int{1}, exitOK, ""},
		{strings.Repeat("1\n\n", 2500), []string{"-", "--ndjson"}, []int{1000, 1000, 500}, exitOK, ""},
		{"1\n\"refuse\"\n3", []string{"-", "--ndjson"}, []int{3}, exitFailed, "refused optin_finalized: no room (code 6)\n"},
		{"1\n{", []string{"-", "--ndjson"}, nil, exitUsage, ""},
		{"1", []string{"-", "--ndjson", "--id", "k"}, nil, exitUsage, ""},
		{"", []string{dir, "--id", "k"}, nil, exitUsage, ""},
		{"", []string{filepath.Join(dir, "none")}, nil, exitUsage, ""},
	} {
		var got []int
		server := apiOf(t, func(items []batchItem) string {
			got = append(got, len(items))
			results, refused := []string{}, 0
			for _, item := range items {
				if string(item.Data) == `"refuse"` {
					refused++
					results = append(results, `{"code":6,"detail":"no room"}`)
					continue
				}
				results = append(results, fmt.Sprintf(`{"code":0,"id":%q,"sequence":7}`, item.ID))
			}
			return fmt.Sprintf(`{"stored":%d,"refused":%d,"results":[%s]}`, len(items)-refused, refused, strings.Join(results, ","))
		})
		out := saumer(t, c.in, append([]string{"event", "publish", "optin_finalized", "--url", server, "--password", "x"}, c.args...)...)
		if out.code != c.code || fmt.Sprint(got) != fmt.Sprint(c.want) || !strings.Contains(out.out, c.out) {
			t.Errorf("%v: %d %s %s, requests %v, want %d and %v", c.args, out.code, out.out[:min(len(out.out), 200)], out.err, got, c.code, c.want)
		}
	}
}

// apiOf is an API that takes batches.
func apiOf(t *testing.T, answer func(items []batchItem) string) string {
	t.Helper()
	return serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		var items []batchItem
		if err := json.NewDecoder(r.Body).Decode(&items); err != nil || r.URL.Path != "/v1/events" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(answer(items))) // the test says what is missing
	})
}
