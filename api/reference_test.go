package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// curl are the parts of an example.
var curl = regexp.MustCompile(`^curl -u demo:\$SAUMER_PASSWORD(?: -X ([A-Z]+))?((?: -H '[^']*')*)(?: -d '([^']*)')? 'http://127\.0\.0\.1:8080([^']*)'$`)

// What the reference has somebody try is refused by no function as a bad request.
func TestExamplesAreGoodRequests(t *testing.T) {
	t.Parallel()
	u := setup(t)
	// What deletes comes last: what is not there would hide what else is wrong.
	deletes := func(f *Function) int { return strings.Count(f.Method, http.MethodDelete) }
	for _, f := range slices.SortedStableFunc(slices.Values(functions), func(a, b *Function) int { return deletes(a) - deletes(b) }) {
		t.Run(f.Name, func(t *testing.T) {
			u := u.with(t)
			found := curl.FindStringSubmatch(f.example())
			if found == nil {
				t.Fatalf("the example %s cannot be read", f.example())
			}
			method, path := found[1], found[4]
			switch {
			case method == "" && found[3] != "":
				method = http.MethodPost
			case method == "":
				method = http.MethodGet
			}
			path = strings.Replace(path, "/v1/webhooks/1", "/v1/webhooks/"+u.create("app"+f.Name, "optin_finalized"), 1)
			var headers []string
			for header := range strings.SplitSeq(found[2], " -H ") {
				if name, value, ok := strings.Cut(strings.Trim(header, "'"), ": "); ok {
					headers = append(headers, name, value)
				}
			}
			if status, _, answer := u.rest("demo", method, path, found[3], headers...); status == http.StatusBadRequest || status == http.StatusMethodNotAllowed {
				t.Errorf("%s is answered with %d %s", f.example(), status, answer)
			}
		})
	}
}
