package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Store is a NATS in a process of its own.
type Store struct{ server *server.Server }

// StoreOptions are where a store keeps its streams, and whether it has the disk write each message before it answers.
type StoreOptions struct {
	Dir    string
	Always bool
}

// Open starts it, and answers with its URL.
func (s *Store) Open(o StoreOptions, url *string) (err error) {
	s.server, err = server.NewServer(&server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: o.Dir, NoSigs: true, NoLog: true,
		SyncInterval: 10 * time.Second, SyncAlways: o.Always,
	})
	if err != nil {
		return fmt.Errorf("start a NATS: %w", err)
	}
	s.server.Start()
	if !s.server.ReadyForConnections(ending) {
		return errors.New("start a NATS: it is not ready")
	}
	*url = s.server.ClientURL()
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
