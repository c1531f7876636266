package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
)

// greeting is what serve prints at its start: where things are, and three lines to copy.
type greeting struct {
	Program, Version  string
	HTTP, NATS, Data  string // NATS is empty if no embedded one listens
	Account, Password string // Password is empty unless it was drawn just now
	Given             bool   // the password is one of the configuration
	Allowed           []netip.Prefix
	Assumed           bool // Allowed was not configured
	TLS               bool // the API and the embedded NATS have a certificate
	SharedKey         bool // the key of secrets is not this process's own, or there are no other processes
}

func (g greeting) print(w io.Writer) error {
	var b strings.Builder
	http := "http://" + reachable(g.HTTP)
	if g.TLS {
		http = "https://" + reachable(g.HTTP)
	}
	fmt.Fprintf(&b, "Saumer %s\n\n", g.Version)
	fmt.Fprintf(&b, "  API             %s\n", http)
	fmt.Fprintf(&b, "  Publishers      %s\n", g.publishers())
	if g.open() {
		fmt.Fprintf(&b, "  Open            publishers' passwords and events go over the network as they are: give --tls-cert and --tls-key, or listen on loopback\n")
	}
	fmt.Fprintf(&b, "  Data            %s\n", g.Data)
	fmt.Fprintf(&b, "  Account         %s\n", g.Account)
	fmt.Fprintf(&b, "  Password        %s\n", g.password())
	fmt.Fprintf(&b, "  May be dialed   %s\n", g.dialed())
	if !g.SharedKey {
		fmt.Fprintf(&b, "  Secrets         sealed with the key in %s; give several processes one with --secret-key\n", g.Data)
	}
	fmt.Fprintf(&b, "\nTo try it, copy these lines into other terminals. Create a webhook, start a receiver, publish an event:\n\n")
	fmt.Fprintf(&b, "  curl --data-urlencode username=%s --data-urlencode password=%s -d app=try -d event=optin_finalized -d url=http://127.0.0.1:9000/ %s/webservice/webservice/json/CreateWebHook\n",
		g.Account, g.typed(), http)
	fmt.Fprintf(&b, "  %s listen\n", g.Program)
	fmt.Fprintf(&b, "  %s\n\n", g.publish())
	_, err := io.WriteString(w, b.String())
	return err
}

func (g greeting) publishers() string {
	switch {
	case g.NATS == "":
		return "over the API, or your own NATS: events.<account>.<event>"
	case g.Password == "":
		return g.nats() + "   as " + g.Account + " with its password: events." + g.Account + ".<event>"
	default:
		return g.login() + "   events." + g.Account + ".<event>"
	}
}

// nats is the URL of the embedded NATS as one can reach it.
func (g greeting) nats() string {
	scheme, address, _ := strings.Cut(g.NATS, "://")
	return scheme + "://" + reachable(address)
}

// open says whether others than this machine reach the embedded NATS, and without TLS.
func (g greeting) open() bool {
	_, address, _ := strings.Cut(g.NATS, "://")
	host, _, err := net.SplitHostPort(address)
	if err != nil || g.TLS || host == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}

// login is the URL for publishers, with account and password, or a place to fill that in.
func (g greeting) login() string {
	password := "<the password>"
	if g.Password != "" {
		password = g.Password
	}
	return strings.Replace(g.nats(), "://", "://"+g.Account+":"+password+"@", 1)
}

func (g greeting) password() string {
	switch {
	case g.Password != "":
		return g.Password + "   (made just now; it is not shown again)"
	case g.Given:
		return "the one you gave with --password or SAUMER_PASSWORD"
	default:
		return "the one that was set last; a start with SAUMER_PASSWORD sets another"
	}
}

// typed is the password as the line to copy has it: itself where it is known, else a place to fill in.
func (g greeting) typed() string {
	if g.Password != "" {
		return g.Password
	}
	return "'<the password>'"
}

func (g greeting) dialed() string {
	if len(g.Allowed) == 0 {
		return "only public addresses"
	}
	networks := make([]string, len(g.Allowed))
	for i, prefix := range g.Allowed {
		networks[i] = prefix.String()
	}
	text := "public addresses, and " + strings.Join(networks, ", ")
	if g.Assumed {
		return text + " (loopback, as only this machine reaches Saumer; set --allow-cidrs to choose)"
	}
	return text
}

func (g greeting) publish() string {
	line := g.Program + " publish optin_finalized"
	switch {
	case g.NATS == "":
		line += " --nats-url 'nats://<your NATS>'"
	case g.Password == "":
		line += " --nats-url '" + g.login() + "'"
	default:
		line += " --nats-url " + g.login()
	}
	if g.Account != "demo" {
		line += " --account " + g.Account
	}
	return line
}

// reachable is an address as one can dial it: loopback where a server listens on all addresses.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// program is how this program was started, for lines to copy.
func program() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/saumer"
	}
	return os.Args[0]
}
