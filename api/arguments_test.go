package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is sent, it is read or refused as the client's fault, and names are in lower case.
func FuzzArguments(f *testing.F) {
	for _, seed := range [][2]string{
		{"application/x-www-form-urlencoded", "username=demo&password=x&id=7&advanced[replayEvents]=1"},
		{"application/x-www-form-urlencoded", "advanced[=1&advanced[]=2&advanced]=3&ADVANCED[A][B]=4&=5&%00=6"},
		{"application/x-www-form-urlencoded", "a=%zz"},
		{"application/json", `{"username":"demo","id":7,"advanced":{"replayEvents":1}}`},
		{"application/json", `{"advanced":[1],"a":null,"A":true,"b":1e400}`},
		{"application/json; charset=\"", `{"a":{"b":{"c":1}}}`},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n7\r\n--b--\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n7\r\n--b--\r\n"},
		{"multipart/form-data", ""},
		{"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, webServicePath+"GetWebHooks", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		p, err := parseArguments(httptest.NewRecorder(), r)
		if err != nil {
			if !errors.Is(err, errRequest) && !errors.Is(err, errTooLarge) {
				t.Fatalf("%q %q: %v", contentType, body, err)
			}
			return
		}
		for _, all := range []map[string]string{p.direct, p.advanced} {
			for name := range all {
				if strings.ToLower(name) != name {
					t.Errorf("%q %q: the name %q is not in lower case", contentType, body, name)
				}
			}
		}
		var id uint64
		if err := p.read([]Parameter{webhookID(&id)}); (id == 0) != (err != nil) {
			t.Errorf("%q %q: the id %d, %v", contentType, body, id, err)
		}
		var replay bool
		if err := p.read([]Parameter{boolean(Parameter{Name: "replay", WebName: "replayEvents"}, &replay)}); err != nil && !errors.Is(err, errRequest) {
			t.Error(err)
		}
	})
}

// A refusal names a parameter as the caller wrote it.
func TestRefusalNamesParametersAsGiven(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"application/json", `{"webhookId":[1]}`, `"webhookId"`},
		{"application/json", `{"webhookId":1,"WebhookID":2}`, `"WebhookID"`},
		{"application/json", `{"advanced":{"replayEvents":{}}}`, `"replayEvents"`},
		{"application/x-www-form-urlencoded", "webhookId=1&webhookId=2", `"webhookId"`},
		{"application/x-www-form-urlencoded", "Advanced[webhookId]=1&Advanced[webhookId]=2", `"webhookId"`},
	} {
		r := httptest.NewRequest(http.MethodPost, webServicePath+"GetWebHooks", strings.NewReader(c[1]))
		r.Header.Set("Content-Type", c[0])
		if _, err := parseArguments(httptest.NewRecorder(), r); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c[2])) || strings.Contains(err.Error(), strings.ToLower(c[2])) {
			t.Errorf("%s: %v, want it to name %s", c[1], err, c[2])
		}
	}
}
