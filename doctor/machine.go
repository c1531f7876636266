package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/delivery"
)

const (
	// files are what a process needs to deliver to a thousand endpoints at once, beside its store.
	files = 8192
	// disk is the least that should be free where the store is.
	disk = 1 << 30
	// readyWithin bounds the question to a running process.
	readyWithin = 5 * time.Second
)

// process looks at the limits that this process has, which one started in the same way has too.
func process() []Finding {
	n := delivery.OpenFiles()
	switch {
	case n == 0:
		return []Finding{{Good, "process", "how many files may be open is not known on this system", ""}}
	case n < files:
		return []Finding{{
			Warning, "process", fmt.Sprintf("%d files may be open: with more endpoints at once, connections are closed that would be used again", n),
			fmt.Sprintf("raise the limit to %d or more: ulimit -n, or LimitNOFILE in the unit of systemd", files),
		}}
	default:
		return []Finding{{Good, "process", fmt.Sprintf("%d files may be open", n), ""}}
	}
}

// data looks at the data directory.
func data(o app.Options) []Finding {
	info, err := os.Stat(o.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{{Good, "data", o.Data + " is not there yet: the first start makes it", ""}}
	case err != nil:
		return []Finding{{Problem, "data", fmt.Sprintf("look at the data directory: %v", err), "name another with --data, or let this user in"}}
	case !info.IsDir():
		return []Finding{{Problem, "data", o.Data + " is not a directory", "name another with --data"}}
	}
	found := []Finding{{Good, "data", "the data directory is " + o.Data, ""}}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		found = append(found, Finding{Warning, "data", fmt.Sprintf("other users of this machine reach %s (%v)", o.Data, mode), "chmod 700 " + o.Data + "; the next start does so too"})
	}
	if free, ok := freeBytes(o.Data); ok && free < disk {
		level := Warning
		if free == 0 {
			level = Problem
		}
		found = append(found, Finding{level, "data", "the disk of " + o.Data + " has " + bytes(int64(free)) + " left", "make room: a full disk refuses publishers"})
	}
	return append(found, key(o)...)
}

// key looks at the file with the key that seals secrets.
func key(o app.Options) []Finding {
	if o.SecretKey != nil {
		return nil
	}
	path := filepath.Join(o.Data, app.KeyName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{{Good, "data", "there is no " + path + " yet: the first start makes it", ""}}
	case err != nil:
		return []Finding{{Problem, "data", fmt.Sprintf("look at the key that seals secrets: %v", err), "let this user read it"}}
	case info.Size() == 0:
		return []Finding{{Problem, "data", path + " is empty", "put it back from a backup, or give the key with --secret-key"}}
	case info.Mode().Perm()&0o077 != 0:
		return []Finding{{Warning, "data", fmt.Sprintf("other users of this machine may read %s (%v)", path, info.Mode().Perm()), "chmod 600 " + path}}
	default:
		return nil
	}
}

// saumer asks the process that runs with these settings whether it is ready.
func saumer(ctx context.Context, o app.Options, url string) []Finding {
	if o.TLSCert != "" {
		return []Finding{{Good, "saumer", "the API has TLS: ask it with saumer health --url " + o.PublicURL, ""}}
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return []Finding{{Problem, "saumer", err.Error(), "mend --http"}}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return []Finding{{Warning, "saumer", "nothing answers at " + url, "start it with saumer serve, or name its address with --http"}}
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil || answer.StatusCode != http.StatusOK {
		return []Finding{{Problem, "saumer", fmt.Sprintf("%s is not ready (%s): %s", url, answer.Status, strings.TrimSpace(string(text))), "docs/OPERATIONS.md says what each reason means"}}
	}
	return []Finding{{Good, "saumer", url + " is ready", ""}}
}
