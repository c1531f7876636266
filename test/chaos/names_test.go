package chaos

import (
	"net/netip"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/saumer/saumer/http1/http1test"
)

// names is a name server that knows every name as 127.0.0.1, and can be made to fail.
type names struct {
	server *http1test.Names
	code   atomic.Uint32 // a dnsmessage.RCode
	mute   atomic.Bool
}

func newNames() (*names, error) {
	n := &names{}
	var err error
	n.server, err = http1test.NewNames(func(dnsmessage.Question) http1test.Reply {
		reply := http1test.Reply{Code: dnsmessage.RCode(n.code.Load()), Lost: n.mute.Load()}
		if reply.Code == dnsmessage.RCodeSuccess {
			reply.Addrs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		}
		return reply
	})
	return n, err
}

func (n *names) address() string { return n.server.Address() }

func (n *names) close() { n.server.Close() }
