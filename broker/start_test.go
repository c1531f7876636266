package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/saumer/saumer/test/process"
)

// telling is a log that tells a channel of each message, while it has room.
func telling(messages chan string) *zap.Logger {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zapcore.WarnLevel)
	return zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		select {
		case messages <- e.Message:
		default:
		}
		return nil
	}))
}

// nodes are the servers of a cluster in a test.
const nodes = 3

// cluster are the options of the servers of one, each of which is to be started.
func cluster(t *testing.T) (all [nodes]*server.Options) {
	t.Helper()
	var ports [nodes]int
	var routes []*url.URL
	for i := range ports {
		port, err := process.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = port
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	for i := range all {
		all[i] = &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Routes: routes,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]},
		}
	}
	return all
}

func TestClusterWithoutALeaderIsWaitedFor(t *testing.T) {
	t.Parallel()
	all := cluster(t)
	first := startServer(t, all[0])
	messages := make(chan string, 100)
	opened := make(chan error, 1)
	go func() {
		b, err := Open(t.Context(), Options{
			URL: first.ClientURL(), Replicas: nodes, Retention: time.Hour, AckWait: 30 * time.Second, Log: telling(messages),
		})
		if err == nil {
			b.Close()
		}
		opened <- err
	}()
	for !strings.Contains(<-messages, "waited for") {
		continue
	}
	startServer(t, all[1])
	startServer(t, all[2])
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestWhatWaitingCannotMendEndsTheStart(t *testing.T) {
	t.Parallel()
	s := startServer(t, &server.Options{Users: []*server.User{{
		Username: "u", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.>"}}},
	}}})
	_, err := Open(t.Context(), Options{
		URL: strings.Replace(s.ClientURL(), "//", "//u:p@", 1), Replicas: 1, Retention: time.Hour, AckWait: 30 * time.Second, Log: zap.NewNop(),
	})
	if !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("without a permission the start ended with %v", err)
	}
}

func TestPassing(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		context.DeadlineExceeded:                                           true,
		nats.ErrTimeout:                                                    true,
		nats.ErrDisconnected:                                               true,
		&jetstream.APIError{Code: 503, ErrorCode: 10008}:                   true,
		&jetstream.APIError{Code: 400, ErrorCode: 10074}:                   false,
		nats.ErrNoResponders:                                               false,
		jetstream.ErrJetStreamNotEnabled:                                   false,
		errors.Join(context.DeadlineExceeded, nats.ErrPermissionViolation): false,
		errors.New("anything"):                                             false,
	} {
		if got := passing(fmt.Errorf("define: %w", err)); got != want {
			t.Errorf("%v passes: %t", err, got)
		}
	}
}
