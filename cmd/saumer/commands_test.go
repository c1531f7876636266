package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Every command shows an example, and each example is a line that the program takes.
func TestExamplesAreTaken(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	parser, err := newParser(streams{strings.NewReader(""), io.Discard, io.Discard}, new(commands))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		path := commandPath(leaf)
		shown[path] = true
		if examples[path] == "" || !strings.Contains(leaf.Help+leaf.Detail, examples[path][:len("saumer ")]) {
			t.Errorf("saumer %s --help shows no example", path)
		}
		for line := range strings.Lines(examples[path]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " <")
			line, _, _ = strings.Cut(line, " >>")
			words := fields(line)
			if words[0] != "saumer" || path == "completion" {
				continue // it leaves while it is parsed
			}
			parser, err := newParser(streams{strings.NewReader(""), io.Discard, io.Discard}, new(commands))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := parser.Parse(words[1:])
			if err != nil || commandPath(parsed.Selected()) != path {
				t.Errorf("%q, an example of %s: %v", line, path, err)
			}
		}
	}
	for path := range examples {
		if !shown[path] {
			t.Errorf("there are examples of %q, which is no command", path)
		}
	}
}

// fields are the words of a line as a shell splits it, with single quotes.
func fields(line string) (words []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

func TestHelpHasExitCodes(t *testing.T) {
	t.Parallel()
	got := saumer(t, "", "--help")
	for _, want := range []string{"Exit codes", "3 what it is about does not exist", "4 the login is refused"} {
		if !strings.Contains(strings.Join(strings.Fields(got.out), " "), want) {
			t.Errorf("the help lacks %q: %s", want, got.out)
		}
	}
}

func TestWhatWasMeantIsSaid(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`did you mean "webhook"`:            {"webhok", "list"},
		`did you mean one of "list"`:        {"webhook", "lst"},
		`did you mean "--json"`:             {"webhook", "list", "--jsn"},
		"no duration":                       {"webhook", "watch", "7", "--every", "5x"},
		"give --to":                         {"webhook", "update", "7", "--password", "x"},
		"how long ago":                      {"webhook", "replay", "7", "--from", "yesterday", "--password", "x"},
		"is not a JSON object":              {"webhook", "create", "--from-file", "-", "--password", "x"},
		"give one of the two":               {"listen", "--secret", secret, "--create", "optin_finalized"},
		"give how often to look, such as 1": {"webhook", "watch", "7", "--every", "0s", "--password", "x"},
	} {
		if got := saumer(t, "[]", args...); got.code != exitUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("saumer %v: %+v, want %q", args, got, want)
		}
	}
}

// What a file has is sent as it is written, and what is no object is a usage error.
func TestFileOfAWebhook(t *testing.T) {
	t.Parallel()
	asked := ""
	url := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the test says what is missing
		asked = string(body)
		_, _ = io.WriteString(w, `{"id":7}`) // as above
	})
	args := []string{"webhook", "update", "7", "--app", "shop", "--from-file", "-", "--url", url, "--password", "x"}
	in := `{"filter":{"min":9007199254740993,"pointer":"/id"},"settings":{"a":1.50}}`
	if got := saumer(t, in, args...); got.code != exitOK || asked != `{"app":"shop",`+in[1:] {
		t.Errorf("asked %s: %+v", asked, got)
	}
	for _, in := range []string{"null", "[]", "7", `"a"`, ""} {
		asked = ""
		if got := saumer(t, in, args...); got.code != exitUsage || !strings.Contains(got.err, "is not a JSON object") || asked != "" {
			t.Errorf("%s: asked %s: %+v", in, asked, got)
		}
	}
}

// api answers each request with what a function makes of it.
func api(t *testing.T, answer func(r *http.Request, body map[string]any) (int, string)) string {
	t.Helper()
	return serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body) // some requests have none
		status, text := answer(r, body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text) // the test says what is missing
	})
}

// serveAPI serves until the test ends.
func serveAPI(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// The exit code says what kind of refusal it was, and the message what the API says.
func TestRefusalsHaveExitCodes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{404: exitMissing, 410: exitMissing, 401: exitDenied, 403: exitDenied, 400: exitFailed, 409: exitFailed, 503: exitFailed} {
		url := api(t, func(*http.Request, map[string]any) (int, string) {
			return status, `{"type":"/reference#code-1","detail":"the sentence","code":7,"status":1}`
		})
		got := saumer(t, "", "webhook", "get", "7", "--url", url, "--password", "x")
		if got.code != want || status != 401 && !strings.Contains(got.err, "the sentence (status") || got.out != "" {
			t.Errorf("status %d: %+v, want exit code %d", status, got, want)
		}
	}
}

// A list follows the pages to its limit, and a table shows nothing that would steer a terminal.
func TestListsFollowPages(t *testing.T) {
	t.Parallel()
	url := api(t, func(r *http.Request, _ map[string]any) (int, string) {
		switch q := r.URL.Query(); {
		case r.URL.Path != "/v1/webhooks/7/attempts" || q.Get("outcome") != "failed":
			return 404, "{}"
		case q.Get("before") == "":
			return 200, `{"attempts":[{"position":9,"error":"\u001b[31mred\nline"},{"position":8}],"next":8}`
		case q.Get("before") == "8":
			return 200, `{"attempts":[{"position":7}],"next":null}`
		}
		return 400, "{}"
	})
	args := []string{"attempts", "7", "--outcome", "failed", "--url", url, "--password", "x"}
	got := saumer(t, "", args...)
	if got.code != exitOK || strings.Count(got.out, "\n") != 4 || strings.Contains(got.out, "\x1b") || !strings.Contains(got.out, "red") {
		t.Errorf("%+v", got)
	}
	var items []struct{ Position int }
	if got := saumer(t, "", append(args, "--json")...); json.Unmarshal([]byte(got.out), &items) != nil || len(items) != 3 || items[2].Position != 7 {
		t.Errorf("%+v", got)
	}
	if got := saumer(t, "", append(args, "--limit", "2")...); strings.Count(got.out, "\n") != 3 {
		t.Errorf("%+v", got)
	}
}

func TestEventRequests(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"GET /v1/events/a%2Fb":                           {"get", "a/b"},
		"GET /v1/events/7?name=optin_finalized":          {"get", "7", "--name", "optin_finalized"},
		"DELETE /v1/events/7":                            {"erase", "7", "--yes"},
		"DELETE /v1/events/7?bySequence=true":            {"erase", "7", "--by-sequence", "--yes"},
		"DELETE /v1/events/a?bySequence=true&name=x%26y": {"erase", "a", "--by-sequence", "--name", "x&y", "--yes"},
		"GET /v1/events?limit=3&name=optin_finalized":    {"list", "--name", "optin_finalized", "--limit", "3"},
		"GET /v1/rejected?account=other&limit=50":        {"rejected", "--of", "other"},
		"GET /v1/event-types?":                           {"types"},
	} {
		asked := ""
		url := api(t, func(r *http.Request, _ map[string]any) (int, string) {
			asked = r.Method + " " + r.URL.String()
			return 200, `{"sequence":7,"events":[],"rejected":[],"eventTypes":[]}`
		})
		got := saumer(t, "", append(append([]string{"event"}, args...), "--url", url, "--password", "x")...)
		if got.code != exitOK || asked != want {
			t.Errorf("saumer event %v asks %s, want %s: %+v", args, asked, want, got)
		}
	}
}

func TestWebhookRequests(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`POST /v1/webhooks {"app":"saumer","event":"a","settings":{"headers":{"X-A":"b;c=d"},"maxInFlight":2,"ordered":true,"timeout":"5s"},"url":"https://example.org"}`: {
			"create", "https://example.org", "--event", "a", "--ordered", "--max-in-flight", "2", "--timeout", "5s", "--header", "X-A=b;c=d"},
		`POST /v1/webhooks {"app":"shop","limits":{"perSecond":1},"url":"https://example.org"}`:   {"create", "--from-file", "-", "--app", "shop"},
		`POST /v1/webhooks {"app":"saumer","events":["optin_*","b"],"url":"https://example.org"}`: {"create", "https://example.org", "--event", "optin_*", "--event", "b"},
		`POST /v1/webhooks {"app":"saumer","event":"a","from":"7","url":"https://example.org"}`:   {"create", "https://example.org", "--event", "a", "--from", "7"},
		`PATCH /v1/webhooks/7 {"filter":{"min":10,"pointer":"/id"}}`:                              {"update", "7", "--filter", `{"pointer": "/id", "min": 10}`},
		`PATCH /v1/webhooks/7 {"settings":{"timeout":"0s"},"url":"https://example.org"}`:          {"update", "7", "--to", "https://example.org", "--timeout", "0s"},
		`POST /v1/webhooks/7/activate {"replay":true}`:                                            {"resume", "7", "--replay"},
		`DELETE /v1/webhooks/7 null`:                        {"delete", "7"},
		`POST /v1/webhooks/7/redeliver {"event":"order-7"}`: {"redeliver", "7", "order-7"},
		`GET /v1/webhooks/7/why?event=a%26b null`:           {"why", "7", "a&b"},
	} {
		asked := ""
		url := api(t, func(r *http.Request, body map[string]any) (int, string) {
			text, _ := json.Marshal(body)
			asked = r.Method + " " + r.URL.String() + " " + string(text)
			return 200, `{"id":7}`
		})
		in := `{"limits":{"perSecond":1},"app":"other","url":"https://example.org"}`
		got := saumer(t, in, append(append([]string{"webhook"}, args...), "--url", url, "--password", "x")...)
		if got.code != exitOK || asked != want {
			t.Errorf("saumer webhook %v asks %s, want %s: %+v", args, asked, want, got)
		}
	}
}
