package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dekey/scanner/gcp/gcptest"
	"dekey/scanner/keyfile/keytest"
)

// startGoogle: google FILE [SEED...] starts a Google with the world that FILE describes (gcptest.Server.World), whose clock
// is the machine's, and points dekey at it. No part of the seeds' keys may arrive there.
func startGoogle(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: google FILE [SEED...]")
	}
	google := gcptest.Start(script{t, ts})
	google.Update(func(s *gcptest.State) { s.Now = time.Now().UTC().Truncate(time.Second) })
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(google.World(string(data)))
	for _, seed := range args[1:] {
		google.Secret(keytest.New(seed, "").Secrets()...)
	}
	ts.Setenv("DEKEY_GOOGLE_ENDPOINT", google.URL)
}

// A script reports to the test that runs it.
type script struct {
	*testing.T
	ts *testscript.TestScript
}

func (s script) Cleanup(f func()) { s.ts.Defer(f) }
