package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"dekey/cmd/dekey/internal/cli"
)

// softMemory is where the collector begins to work harder: what dekey holds is small, and a report of 20,000 workloads
// otherwise doubles it with garbage.
const softMemory = 400 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	code := cli.Main(ctx, os.Args[1:], cli.Process())
	stop()
	os.Exit(code)
}
