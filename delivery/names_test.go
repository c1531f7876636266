package delivery_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is the name server of these tests: it knows what was told it, and no IPv6.
type names struct {
	conn  net.PacketConn
	mu    sync.Mutex
	known map[string][][4]byte
}

// resolveHere makes the process ask a name server of its own, until it ends.
func resolveHere() (*names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{conn: conn, known: map[string][][4]byte{}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	go n.serve()
	return n, nil
}

// set makes a name's addresses these from now on.
func (n *names) set(name string, addrs ...[4]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name+"."] = addrs
}

func (n *names) serve() {
	buffer := make([]byte, 4096)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if answer, err := n.answer(buffer[:size]); err == nil {
			_, _ = n.conn.WriteTo(answer, from) // whoever asked asks again
		}
	}
}

func (n *names) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	addrs, ok := n.known[question.Name.String()]
	if !ok {
		answer.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range addrs {
		if question.Type == dnsmessage.TypeA {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: addr},
			})
		}
	}
	return answer.Pack()
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
