package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/saumer/saumer/durable"
	"github.com/saumer/saumer/fault"
)

// machine tells whether the embedded server's machine has lost its power under it: a file says on which start of the machine
// the server runs, and is removed when it has stopped and the disk has everything. A process that is killed loses nothing
// that it has written.
type machine struct {
	path string
	is   run
	// had is what the file said at the start, if it was there and of another start of the machine: the power was lost.
	had *run
}

// run is a time for which an embedded server runs.
type run struct {
	Form int `json:"v"`
	// Boot names the start of the machine; empty where that cannot be told.
	Boot string `json:"boot"`
	// Sync is how often the disk was to write, 0 if always.
	Sync time.Duration `json:"sync"`
}

// runForm is the form of a run that this version writes.
const runForm = 1

// runName is the file of the run in the data directory.
const runName = "running"

// startMachine looks at the file, and writes it if there is none.
func startMachine(dir string, sync time.Duration) (*machine, error) {
	m := &machine{path: filepath.Join(dir, runName), is: run{Form: runForm, Boot: fault.Boot(boot()), Sync: sync}}
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, m.write()
	}
	if err != nil {
		return nil, fmt.Errorf("see how the embedded NATS ended: %w", err)
	}
	var had run
	if err := json.Unmarshal(text, &had); err != nil {
		had = run{Sync: max(sync, unknownSync)} // it was there, and so the server had not stopped
	}
	if had.Boot == "" || had.Boot != m.is.Boot {
		m.had = &had
		return m, nil
	}
	return m, m.write() // the other sync may be another
}

func (m *machine) write() error {
	text, err := json.Marshal(m.is)
	if err == nil {
		err = durable.Replace(m.path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("note in the data directory that the embedded NATS runs: %w", err)
	}
	return nil
}

// lostPower says whether the machine has lost its power, and for how long the disk may not have written by then.
func (m *machine) lostPower() (costs time.Duration, lost bool) {
	if m == nil || m.had == nil {
		return 0, false
	}
	return costOf(m.had.Sync), m.had.Sync > 0
}

// settled notes that all that follows from a loss of power was done.
func (m *machine) settled() error {
	if m == nil || m.had == nil {
		return nil
	}
	if err := m.write(); err != nil {
		return err
	}
	m.had = nil
	return nil
}

// stopped has the disk write all that the server has left, and notes that.
func (m *machine) stopped(store string) error {
	if m == nil || m.had != nil {
		return nil
	}
	if err := durable.SyncTree(store); err != nil {
		return fmt.Errorf("sync %s to the disk: %w", store, err)
	}
	return durable.Remove(m.path)
}
