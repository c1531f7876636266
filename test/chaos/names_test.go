package chaos

import (
	"net"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server that knows every name as 127.0.0.1, and can be made to fail.
type names struct {
	conn net.PacketConn
	code atomic.Uint32 // a dnsmessage.RCode
	mute atomic.Bool
}

func newNames() (*names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{conn: conn}
	go n.serve()
	return n, nil
}

func (n *names) address() string { return n.conn.LocalAddr().String() }

func (n *names) serve() {
	buffer := make([]byte, 4096)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		if n.mute.Load() {
			continue
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
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true, RCode: dnsmessage.RCode(n.code.Load())},
		Questions: []dnsmessage.Question{question},
	}
	if question.Type == dnsmessage.TypeA && answer.RCode == dnsmessage.RCodeSuccess {
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	return answer.Pack()
}

func (n *names) close() { _ = n.conn.Close() }
