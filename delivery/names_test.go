package delivery_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/saumer/saumer/http1/http1test"
)

// names is what the name server of these tests knows: replies to questions by name.
type names struct {
	mu    sync.Mutex
	known map[string]func(dnsmessage.Question) http1test.Reply
}

// resolveHere makes the process ask a name server of its own, until it ends.
func resolveHere() (*names, error) {
	n := &names{known: map[string]func(dnsmessage.Question) http1test.Reply{}}
	server, err := http1test.NewNames(n.reply)
	if err != nil {
		return nil, err
	}
	net.DefaultResolver = server.Resolver()
	return n, nil
}

// set makes a name's addresses these from now on.
func (n *names) set(name string, addrs ...[4]byte) {
	var reply http1test.Reply
	for _, a := range addrs {
		reply.Addrs = append(reply.Addrs, netip.AddrFrom4(a))
	}
	n.answer(name, func(dnsmessage.Question) http1test.Reply { return reply })
}

// answer makes the replies to questions for a name these from now on. One question is answered at a time.
func (n *names) answer(name string, reply func(dnsmessage.Question) http1test.Reply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name+"."] = reply
}

func (n *names) reply(q dnsmessage.Question) http1test.Reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.known[q.Name.String()]; ok {
		return known(q)
	}
	return http1test.Reply{Code: dnsmessage.RCodeNameError}
}

// resolver is the process' name server.
var resolver *names

func mustResolveHere(m *testing.M) *testing.M {
	var err error
	if resolver, err = resolveHere(); err != nil {
		panic(err)
	}
	return m
}
