package http1

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/saumer/saumer/http1/http1test"
)

// records writes the records of a TLS 1.3 server one by one, which crypto/tls does not let a server do: it needs a
// connection that shook hands, and on which crypto/tls has written nothing since.
type records struct {
	conn net.Conn
	aead cipher.AEAD
	iv   []byte
	seq  uint64
}

// The types of a record's content (RFC 8446, section 5.1).
const (
	handshakeRecord   = 22
	applicationRecord = 23
)

// newRecords takes the keys from what a server wrote to its KeyLogWriter.
func newRecords(t *testing.T, conn net.Conn, suite uint16, keyLog string) *records {
	var secret []byte
	for line := range strings.Lines(keyLog) {
		if fields := strings.Fields(line); fields[0] == "SERVER_TRAFFIC_SECRET_0" {
			var err error
			if secret, err = hex.DecodeString(fields[2]); err != nil {
				t.Error(err)
			}
		}
	}
	expand := func(label string, size int) []byte {
		label = "tls13 " + label
		info := append(binary.BigEndian.AppendUint16(nil, uint16(size)), byte(len(label)))
		key, err := hkdf.Expand(sha256.New, secret, string(append(append(info, label...), 0)), size)
		if err != nil {
			t.Error(err)
		}
		return key
	}
	r := &records{conn: conn, iv: expand("iv", 12)}
	var err error
	if suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		r.aead, err = chacha20poly1305.New(expand("key", chacha20poly1305.KeySize))
	} else {
		var block cipher.Block
		if block, err = aes.NewCipher(expand("key", 16)); err == nil { // TLS_AES_128_GCM_SHA256
			r.aead, err = cipher.NewGCM(block)
		}
	}
	if err != nil {
		t.Error(err)
	}
	return r
}

// seal makes the next record.
func (r *records) seal(kind byte, content []byte) []byte {
	nonce := bytes.Clone(r.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, r.seq) {
		nonce[4+i] ^= b
	}
	r.seq++
	inner := append(bytes.Clone(content), kind)
	head := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(inner)+r.aead.Overhead()))
	return r.aead.Seal(head, nonce, inner, head)
}

// ticket is a NewSessionTicket, updateRequested a KeyUpdate that asks for one (RFC 8446, sections 4.6.1 and 4.6.3).
var (
	ticket          = []byte{4, 0, 0, 15, 0, 0, 14, 16, 1, 2, 3, 4, 0, 0, 2, 'i', 'd', 0, 0}
	updateRequested = []byte{24, 0, 0, 1, 1}
)

// What TLS sends for itself on an idle connection is neither an end of it nor an answer.
func TestTLSRecordsOnIdleConnections(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		idle  func(*records) [][]byte // what is written after an answer, and before the next
		conns int32
	}{
		"ticket":  {func(r *records) [][]byte { return [][]byte{r.seal(handshakeRecord, ticket), nil} }, 1},
		"tickets": {func(r *records) [][]byte { return [][]byte{r.seal(handshakeRecord, bytes.Repeat(ticket, 2)), nil} }, 1},
		"in parts": {func(r *records) [][]byte {
			record := r.seal(handshakeRecord, ticket)
			return [][]byte{record[:9], record[9:]}
		}, 1},
		// It would have to be answered, and nothing is written to an idle connection.
		"key update": {func(r *records) [][]byte { return [][]byte{r.seal(handshakeRecord, updateRequested), nil} }, 5},
		"an answer": {func(r *records) [][]byte {
			return [][]byte{r.seal(applicationRecord, []byte(http1test.Accepting)), nil}
		}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := http1test.NewAuthority(t)
			certificate := ca.Issue(t, nil)
			idle, left := make(chan struct{}), make(chan struct{})
			var conns, requests atomic.Int32
			addr := http1test.Listen(t, func(socket *net.TCPConn) {
				var keyLog bytes.Buffer
				over := tls.Server(socket, &tls.Config{
					Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, KeyLogWriter: &keyLog,
					NextProtos: []string{"http/1.1"},
				})
				if over.Handshake() != nil {
					return
				}
				conns.Add(1)
				to := newRecords(t, socket, over.ConnectionState().CipherSuite, keyLog.String())
				var rest []byte
				for r := bufio.NewReader(over); http1test.ReadRequest(r) > 0; {
					requests.Add(1)
					if _, err := socket.Write(append(rest, to.seal(applicationRecord, []byte(http1test.Accepting))...)); err != nil {
						return
					}
					<-idle
					parts := c.idle(to)
					_, _ = socket.Write(parts[0]) // the client says what came
					rest = parts[1]
					left <- struct{}{}
				}
			})
			acrossIdles(t, newClient(t, ca), "https://"+addr+"/", idle, left)
			if conns.Load() != c.conns || requests.Load() != rounds {
				t.Errorf("%d connections and %d requests, want %d and %d", conns.Load(), requests.Load(), c.conns, rounds)
			}
		})
	}
}
