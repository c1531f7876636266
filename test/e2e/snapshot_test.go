package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// snapshot is a stream with its consumers, as `nats stream backup` keeps it.
type snapshot struct {
	about struct {
		Config json.RawMessage `json:"config"`
		State  json.RawMessage `json:"state"`
	}
	chunks [][]byte
}

// connect connects to NATS until the test ends.
func (n *natsServer) connect() *nats.Conn {
	n.t.Helper()
	nc, err := nats.Connect(n.URL())
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(nc.Close)
	return nc
}

// ask asks JetStream, which answers with what into takes.
func (n *natsServer) ask(nc *nats.Conn, subject string, request []byte, into any) {
	n.t.Helper()
	answer, err := nc.Request(subject, request, 20*time.Second)
	var refused struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err == nil && len(answer.Data) > 0 {
		err = json.Unmarshal(answer.Data, &refused)
	}
	if err == nil && refused.Error != nil {
		err = refused.Error
	}
	if err == nil && into != nil {
		err = json.Unmarshal(answer.Data, into)
	}
	if err != nil {
		n.t.Fatalf("%s: %v", subject, err)
	}
}

// backup takes a snapshot of a stream, as `nats stream backup` does.
func (n *natsServer) backup(nc *nats.Conn, stream string) (s snapshot) {
	n.t.Helper()
	inbox := nats.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		n.t.Fatal(err)
	}
	n.ask(nc, "$JS.API.STREAM.SNAPSHOT."+stream, fmt.Appendf(nil, `{"deliver_subject": %q, "chunk_size": 65536}`, inbox), &s.about)
	for {
		m, err := sub.NextMsg(20 * time.Second)
		if err != nil {
			n.t.Fatalf("back up %s: %v", stream, err)
		}
		if status := m.Header.Get("Status"); status != "" && status != "204" {
			n.t.Fatalf("back up %s: %s %s", stream, status, m.Header.Get("Description"))
		}
		if len(m.Data) == 0 {
			return s
		}
		s.chunks = append(s.chunks, m.Data)
		if m.Reply != "" {
			if err := m.Respond(nil); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

// restore puts a snapshot in the place of a stream, as `nats stream rm` and `nats stream restore` do.
func (n *natsServer) restore(nc *nats.Conn, stream string, s snapshot) {
	n.t.Helper()
	n.ask(nc, "$JS.API.STREAM.DELETE."+stream, nil, nil)
	about, err := json.Marshal(s.about)
	if err != nil {
		n.t.Fatal(err)
	}
	var to struct {
		Subject string `json:"deliver_subject"`
	}
	n.ask(nc, "$JS.API.STREAM.RESTORE."+stream, about, &to)
	for _, chunk := range append(s.chunks, nil) {
		n.ask(nc, to.Subject, chunk, nil)
	}
}

// Streams are backed up with NATS' own means, and restored by themselves, as docs/OPERATIONS.md says: whatever EVENTS holds
// arrives, and so does what is published then.
func TestBackupsOfSingleStreams(t *testing.T) {
	t.Parallel()
	for _, streams := range [][]string{
		{"EVENTS"}, {"WAKES"}, {"KV_WEBHOOKS"}, {"KV_BACKLOGS"}, {"KV_POSITIONS"}, {"KV_ACCOUNTS"},
		{"ATTEMPTS", "NOTICES", "RECEIPTS", "REJECTED", "STATS", "AUDIT"},
	} {
		t.Run(streams[0], func(t *testing.T) {
			t.Parallel()
			n, healthy, down := startNATS(t), receive(t), receive(t)
			nc, args := n.connect(), []string{
				"--nats-url", n.URL(), "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8", "--timeout", "2s",
				"--backoff-initial", "200ms", "--backoff-max", "1s",
			}
			s := serve(t, args...)
			s.create(healthy.url())
			s.create(down.url())
			s.publish(0, 10)
			healthy.await(10)
			down.await(10)
			kept := map[string]snapshot{}
			for _, stream := range streams {
				kept[stream] = n.backup(nc, stream)
			}
			down.down()
			s.publish(10, 20)
			healthy.await(20)
			s.stop()
			for _, stream := range streams {
				n.restore(nc, stream, kept[stream])
			}
			down.up()
			s = serve(t, args...)
			s.publish(20, 30)
			for _, r := range []*receiver{healthy, down} {
				if streams[0] != "EVENTS" { // which lost the others
					r.awaitAll(10, 20)
				}
				r.awaitAll(20, 30)
			}
		})
	}
}
