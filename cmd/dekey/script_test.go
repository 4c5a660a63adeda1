package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"dekey/cmd/dekey/internal/cli"
	"dekey/scanner/keyfile/keytest"
)

func TestMain(m *testing.M) {
	// A rendering runs in a child that is dekey itself: here this very binary.
	if len(os.Args) > 1 && os.Args[1] == "render-child" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Process()))
	}
	testscript.Main(m, map[string]func(){
		"dekey": func() { os.Exit(cli.Main(context.Background(), os.Args[1:], process())) },
	})
}

// The command line, told as stories: flags, exit codes, messages, files, second runs. testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			shop, err := filepath.Abs(filepath.Join("..", "..", "testdata", "shop"))
			if err != nil {
				return err
			}
			env.Setenv("SHOP", shop)
			env.Values[worldKey{}] = &scriptWorld{}
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("NO_COLOR", "1")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				env.Setenv("GIT_"+who+"_NAME", "script")
				env.Setenv("GIT_"+who+"_EMAIL", "script@example.com")
			}
			closeHub(env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"deleted":    deleted,
			"exits":      exits,
			"google":     func(ts *testscript.TestScript, neg bool, args []string) { startGoogle(t, ts, args) },
			"hub":        hubCommand,
			"keys":       writeKeys,
			"nosecret":   noSecret,
			"repository": repository,
			"world":      world,
		},
	})
}

// exits CODE COMMAND... runs a command and demands its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// keys FILE... replaces KEY(seed,email) and its kin in files by keys made at run time.
func writeKeys(ts *testscript.TestScript, neg bool, args []string) {
	var m migration
	for _, name := range args {
		name = ts.MkAbs(name)
		data, err := os.ReadFile(name)
		ts.Check(err)
		ts.Check(os.WriteFile(name, []byte(m.text(string(data))), 0o666))
	}
}

// nosecret SEED... demands that no file below the folder out and neither stream holds a part of the seeds' keys.
func noSecret(ts *testscript.TestScript, neg bool, args []string) {
	texts := map[string]string{"stdout": ts.ReadFile("stdout"), "stderr": ts.ReadFile("stderr")}
	ts.Check(filepath.WalkDir(ts.MkAbs("out"), func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		data, err := os.ReadFile(name)
		texts[name] = string(data)
		return err
	}))
	for _, seed := range args {
		for _, secret := range keytest.New(seed, "").Secrets() {
			for name, text := range texts {
				if strings.Contains(text, secret) {
					ts.Fatalf("key material of %s in %s", seed, name)
				}
			}
		}
	}
}

// repository DIR makes DIR a git repository with one commit of all that is in it.
func repository(ts *testscript.TestScript, neg bool, args []string) {
	for _, command := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", "base"},
	} {
		ts.Check(ts.Exec("git", append([]string{"-C", ts.MkAbs(args[0])}, command...)...))
	}
	fmt.Fprint(ts.Stdout(), "")
}
