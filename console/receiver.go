package console

import (
	"embed"
	"strings"
)

//go:embed receivers
var receiverFiles embed.FS

// receivers are programs that receive deliveries and verify their signatures. Each takes the secret from the environment variable
// WEBHOOK_SECRET, so that it is in no file.
var receivers = readReceivers()

func readReceivers() []sample {
	var all []sample
	for _, r := range []struct{ id, language, file string }{
		{"receive-php", "PHP", "receive.php"}, {"receive-python", "Python", "receive.py"}, {"receive-go", "Go", "receive.go.txt"},
		{"receive-javascript", "JavaScript", "receive.mjs"}, {"receive-sh", "Shell", "verify.sh"},
	} {
		code, err := receiverFiles.ReadFile("receivers/" + r.file)
		if err != nil {
			panic(err) // it is in the binary
		}
		all = append(all, sample{ID: r.id, Language: r.language, Run: strings.TrimSuffix(r.file, ".txt"), Code: string(code)})
	}
	return all
}
