package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/saumer/saumer/registry"
)

// Needs is the right that a login needs for the function.
func (f *Function) Needs() registry.Right {
	switch {
	case f == PublishEvent, f == PublishEvents:
		return registry.PublishOnly
	case f.Method == http.MethodGet:
		return registry.ReadOnly
	default:
		return registry.All
	}
}

// login lets in whoever has these credentials and may call the function: registry.ErrLogin, a *registry.LimitError or errRight.
func (h *shell) login(r *http.Request, f *Function, c registry.Credentials) (registry.Login, error) {
	c.From = h.service.Client(r)
	login, err := h.accounts.Login(r.Context(), c)
	if err != nil {
		return login, err
	}
	if !login.Right.May(f.Needs()) {
		return login, fmt.Errorf("%w: it is %s, and %s needs %s", errRight, login.Right, f.Name, f.Needs())
	}
	return login, h.service.spend(login.Account, requests)
}

// shown are the credentials of a request: Basic with an account's password or an API key in its place, or Bearer with an API
// key.
func shown(r *http.Request) registry.Credentials {
	if name, secret, ok := r.BasicAuth(); ok {
		return registry.Credentials{Account: name, Secret: secret}
	}
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return registry.Credentials{}
	}
	return registry.Credentials{Secret: strings.TrimSpace(secret)}
}

// retryAfter says when what was too much may be tried again.
func retryAfter(w http.ResponseWriter, err error) {
	if limit, ok := errors.AsType[*registry.LimitError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(limit.Seconds()))
	}
}

// Client is the address that a request came from. A proxy is believed if its own address lies in one of the networks of
// Options.Proxies; of a chain of proxies, the last address that is none of them counts.
func (s *Service) Client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.proxy(host); i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = ip.Unmap().String()
	}
	return host
}

// proxy says whether an address is that of a proxy that is believed.
func (s *Service) proxy(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, p := range s.o.Proxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
