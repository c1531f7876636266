package app

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/durable"
)

// fewestConnections is how many connections the API keeps at least, however few files the process may open.
const fewestConnections = 64

// openData makes the data directory, or closes one that is there to other users of this machine: it holds events and the key of
// secrets. Its error says what to do.
func openData(dir string) error {
	if err := durable.MakeDir(dir); err != nil {
		return fmt.Errorf("make the data directory %s: %w; choose another with --data", dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the data directory %s: %w; choose another with --data", dir, err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("the data directory %s is open to other users of this machine (%v), and cannot be closed to them: %w; name a directory inside it with --data, which is made", dir, info.Mode().Perm(), err)
	}
	return nil
}

// bounded is the listener of the API with no more connections than leave the process files for its work.
func (a *App) bounded(l net.Listener) net.Listener {
	total := max(fewestConnections, int(min(delivery.OpenFiles(), 1<<20)/4))
	return api.Bounded(l, total, total/2, func(ip netip.Addr) bool {
		return slices.ContainsFunc(a.options.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
	})
}

// strict tells browsers that have reached Saumer by https to do so from then on.
func (a *App) strict(next http.Handler) http.Handler {
	public := strings.HasPrefix(a.publicURL(), "https:")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if public || r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
