package main

import (
	"fmt"
	"runtime/debug"
)

// release is set by the linker in a released binary: -ldflags "-X main.release=1.2.3".
var release string

type versionCommand struct{}

func (versionCommand) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, "saumer", version())
	return err
}

// version is the release, else what the Go toolchain knows of the module, else "dev".
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
