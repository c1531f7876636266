package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// Rates of the profiles: an allocation is sampled once in allocRate bytes, a wait for a lock once in mutexRate, and other waits once
// in blockRate nanoseconds.
const allocRate, mutexRate, blockRate = 64 << 10, 10, 100_000

// profile begins to profile this process, and returns what ends that and writes <name>.cpu, .allocs, .mutex and .block
// into a directory, for `go tool pprof`.
func profile(dir, name string) (stop func() error, err error) {
	file, err := os.Create(filepath.Join(dir, name+".cpu"))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	runtime.MemProfileRate = allocRate
	runtime.SetMutexProfileFraction(mutexRate)
	runtime.SetBlockProfileRate(blockRate)
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("profile: %w", err), file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		errs := []error{file.Close()}
		for _, kind := range []string{"allocs", "mutex", "block"} {
			errs = append(errs, writeProfile(kind, filepath.Join(dir, name+"."+kind)))
		}
		return errors.Join(errs...)
	}, nil
}

func writeProfile(kind, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return errors.Join(pprof.Lookup(kind).WriteTo(file, 0), file.Close())
}
