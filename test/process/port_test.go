package process

import (
	"runtime"
	"testing"
)

// Two tests at once must not get one port, also while nobody listens on it.
func TestAPortIsGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for range 500 {
		runtime.GC()
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] {
			t.Fatalf("port %d was given twice", port)
		}
		given[port] = true
	}
}
