package http1test

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// Reply is what a name server says to a question: the addresses that are of the question's type, a code, or nothing at all if
// it is lost.
type Reply struct {
	Addrs []netip.Addr
	Code  dnsmessage.RCode
	Lost  bool
}

// Names is a name server on the loopback.
type Names struct {
	conn  net.PacketConn
	reply func(q dnsmessage.Question) Reply
}

// NewNames starts a name server. It serves until Close; reply is called for one question after the other.
func NewNames(reply func(q dnsmessage.Question) Reply) (*Names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &Names{conn: conn, reply: reply}
	go n.serve()
	return n, nil
}

// Address is where it listens.
func (n *Names) Address() string { return n.conn.LocalAddr().String() }

// Resolver asks this name server, whatever the machine's settings say.
func (n *Names) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.Address())
	}}
}

// Close stops it.
func (n *Names) Close() { _ = n.conn.Close() }

func (n *Names) serve() {
	buffer := make([]byte, 4096)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		if answer, err := n.answer(buffer[:size]); err == nil && answer != nil {
			_, _ = n.conn.WriteTo(answer, from) // whoever asked asks again
		}
	}
}

// answer makes the answer to a query, nil if that is lost.
func (n *Names) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	reply := n.reply(question)
	if reply.Lost {
		return nil, nil
	}
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true, RCode: reply.Code},
		Questions: []dnsmessage.Question{question},
	}
	for _, addr := range reply.Addrs {
		head := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET}
		switch {
		case addr.Is4() && question.Type == dnsmessage.TypeA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	return answer.Pack()
}
