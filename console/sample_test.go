package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// runners are the programs that run the samples of a language.
var runners = map[string]struct {
	file string
	run  []string
}{
	"curl":       {"call.sh", []string{"sh"}},
	"php":        {"call.php", []string{"php"}},
	"python":     {"call.py", []string{"python3"}},
	"go":         {"call.go", []string{"go", "run"}},
	"javascript": {"call.mjs", []string{"node"}},
}

// Each sample, run as a program, sends exactly the parameters of the call, whatever is in them, and prints the answer.
func TestSamplesSendWhatTheyAreMadeOf(t *testing.T) {
	t.Parallel()
	awkward := "it's \"quoted\" \\ $HOME `id` %s {{x}} <?php ?> </script> ü€😀 \t#!& @file \u2028 ${x}"
	got := make(chan map[string][]string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		got <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"error":0,"message":"success","result":"ü"}`)) // the sample says whether it came
	}))
	t.Cleanup(server.Close)
	want := map[string][]string{"username": {"demo"}, "password": {"a 'b' \"c\" $d"}, "app": {awkward}, "event": {"optin_finalized"}, "id": {"7"}}
	for _, s := range samples(call{
		URL: server.URL + "/webservice/webservice/json/CreateWebHook", Username: "demo",
		Arguments: []argument{{"app", awkward}, {"event", "optin_finalized"}, {"id", "7"}},
	}) {
		t.Run(s.ID, func(t *testing.T) {
			out := run(t, s, want["password"][0])
			if !json.Valid(out) || !bytes.Contains(out, []byte(`"ü"`)) {
				t.Errorf("it prints %s", out)
			}
			sent := <-got
			if len(sent) != len(want) {
				t.Errorf("it sends %v", sent)
			}
			for name, value := range want {
				if len(sent[name]) != 1 || sent[name][0] != value[0] {
					t.Errorf("%s is %q, want %q", name, sent[name], value)
				}
			}
		})
	}
}

// run runs a sample as a person would, and returns what it prints.
func run(t *testing.T, s sample, password string) []byte {
	t.Helper()
	runner := runners[s.ID]
	if _, err := exec.LookPath(runner.run[0]); err != nil {
		t.Skipf("SKIPPED: there is no %s on this machine", runner.run[0])
	}
	file := filepath.Join(t.TempDir(), runner.file)
	if err := os.WriteFile(file, []byte(s.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), runner.run[0], append(runner.run[1:], file)...)
	cmd.Env = append(os.Environ(), "SAUMER_PASSWORD="+password)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("it ends with %v: %s%s\n%s", err, out, &stderr, s.Code)
	}
	return out
}
