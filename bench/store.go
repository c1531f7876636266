package bench

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Store is a NATS in a process of its own.
type Store struct{ server *server.Server }

// StoreOptions are where a store keeps its streams, and whether it has the disk write each message before it answers.
type StoreOptions struct {
	Dir    string
	Always bool
	// Name, Listen and Routes are those of a server in a cluster: its name, where it listens for the others, and where all do, as
	// host and port.
	Name, Listen string
	Routes       []string
}

// Open starts it, and answers with its URL.
func (s *Store) Open(o StoreOptions, at *string) (err error) {
	options := &server.Options{
		ServerName: cmp.Or(o.Name, "bench"), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: o.Dir, NoSigs: true, NoLog: true,
		SyncInterval: 10 * time.Second, SyncAlways: o.Always,
	}
	if err := o.join(options); err != nil {
		return err
	}
	s.server, err = server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start a NATS: %w", err)
	}
	s.server.Start()
	if !s.server.ReadyForConnections(ending) {
		return errors.New("start a NATS: it is not ready")
	}
	*at = s.server.ClientURL()
	return nil
}

// join has a server be one of a cluster, if there is one.
func (o StoreOptions) join(options *server.Options) error {
	if len(o.Routes) == 0 {
		return nil
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err == nil {
		options.Cluster.Name, options.Cluster.Host = "bench", host
		options.Cluster.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return fmt.Errorf("read the address %s: %w", o.Listen, err)
	}
	for _, route := range o.Routes {
		if route != o.Listen {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: route})
		}
	}
	return nil
}

// Usage says what it has used.
func (s *Store) Usage(_ None, u *Usage) (err error) {
	*u, err = usage()
	return err
}

func (s *Store) close() error {
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	return nil
}
