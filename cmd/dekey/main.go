package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"dekey/cmd/dekey/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], cli.Process())
	stop()
	os.Exit(code)
}
