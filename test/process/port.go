package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort is a port of loopback that nobody listens on at the moment. It is below those that systems give to
// connections (ip_local_port_range on Linux begins at 32768, in gVisor at 16000), so that whoever listens on it can stop
// and listen again.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 10_000 + rand.IntN(6_000)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.Join(errors.New("find a free port"), err)
}
