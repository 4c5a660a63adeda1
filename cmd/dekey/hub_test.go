package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dekey/cmd/dekey/internal/cli"
	"dekey/planner"
	"dekey/rewriter/pullrequest/githubtest"
)

// process is the System of a script's dekey. With SCRIPT_CLOCK set, that file is its clock: nothing sleeps, and what was
// asked for stands in SCRIPT_CLOCK.slept.
func process() cli.System {
	sys := cli.Process()
	name := os.Getenv("SCRIPT_CLOCK")
	if name == "" {
		return sys
	}
	read := func() time.Time {
		data, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(string(data)), 64)
		if err != nil {
			panic(err)
		}
		return time.UnixMilli(int64(seconds * 1000)).UTC()
	}
	sys.Now = read
	sys.Sleep = func(ctx context.Context, d time.Duration) error {
		log, err := os.OpenFile(name+".slept", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		fmt.Fprintln(log, d)
		if err := log.Close(); err != nil {
			return err
		}
		return os.WriteFile(name, fmt.Appendf(nil, "%.3f\n", float64(read().Add(d).UnixMilli())/1000), 0o666)
	}
	return sys
}

// A hub is a script's GitHub, started by the first `hub` command.
type hub struct {
	server     *githubtest.Server
	repository *githubtest.Repository
	seen       int // requests that `hub changes` has told of
}

const hubKey = "hub"

func closeHub(env *testscript.Env) {
	h := &hub{}
	env.Values[hubKey] = h
	env.Defer(func() {
		if h.server == nil {
			return
		}
		h.server.Close()
		for _, violation := range h.server.Violations() {
			env.T().Log(violation)
		}
		if len(h.server.Violations()) > 0 {
			env.T().FailNow()
		}
	})
}

// hubCommand is `hub WHAT ...`:
//
//	clone DIR           OWNER/NAME acme/shop has DIR's files as its first commit; DIR becomes a clone of it
//	shallow DIR         another clone, of the last commit alone, as CI makes it
//	pull                the clone in the current folder gets main from there, with its work tree
//	commit BRANCH WHO FILE...   somebody pushes a commit with these files of the current folder; -FILE deletes
//	pulls | log BRANCH | changes | branches   tell of pull requests, commits, changing requests since the last time
//	show BRANCH PATH            prints a file
//	body N | edit N SCRIPT | close N | merge N | ready N | retitle N TITLE | retarget N BRANCH
//	protect PATTERN [signed] | fork OWNER | delete BRANCH | user NAME | team NAME
//	fault KIND ON [N] | mend       githubtest's faults; push WHO FILE is somebody's push right before ours
func hubCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: hub WHAT ...")
	}
	h := ts.Value(hubKey).(*hub)
	number := func() int {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		return n
	}
	out := ts.Stdout()
	switch r := h.repository; args[0] {
	case "clone":
		h.clone(ts, ts.MkAbs(args[1]))
	case "shallow":
		ts.Check(ts.Exec("git", "clone", "--quiet", "--depth=1", "file://"+r.Dir, ts.MkAbs(args[1])))
		ts.Check(ts.Exec("git", "-C", ts.MkAbs(args[1]), "remote", "set-url", "origin", r.URL()))
	case "pull":
		ts.Check(ts.Exec("git", "pull", "--quiet", r.Dir, "main"))
	case "commit":
		r.Commit(args[1], args[2], "a commit of "+args[2], hubFiles(ts, args[3:]))
	case "pulls":
		for _, p := range r.Pulls() {
			state := p.State
			if p.Merged {
				state = "merged"
			}
			if p.Draft {
				state += " draft"
			}
			fmt.Fprintf(out, "#%d %s %s -> %s: %s\n", p.Number, state, p.Head, p.Base, p.Title)
			fmt.Fprintf(out, "  labels %v assignees %v reviewers %v teams %v\n  files %v\n", p.Labels, p.Assignees, p.Reviewers, p.Teams, p.Files)
			for _, comment := range p.Comments {
				fmt.Fprintf(out, "  comment %s\n", comment)
			}
		}
	case "body":
		for _, p := range r.Pulls() {
			if p.Number == number() {
				fmt.Fprint(out, p.Body)
			}
		}
	case "log":
		fmt.Fprintln(out, strings.Join(r.Log(args[1]), "\n"))
	case "branches":
		fmt.Fprintln(out, strings.Join(r.Branches(), "\n"))
	case "changes":
		requests := h.server.Requests()
		for _, request := range requests[h.seen:] {
			if request.Mutates() || request.Operation == "git/push" {
				fmt.Fprintln(out, request.Operation, request.Status)
			}
		}
		h.seen = len(requests)
	case "show":
		text, found := r.File(args[1], args[2])
		if !found {
			text = "there is no such file\n"
		}
		fmt.Fprint(out, text)
	case "edit":
		r.Edit(number(), func(body string) string {
			cmd := exec.Command("sh", ts.MkAbs(args[2]))
			cmd.Stdin = strings.NewReader(body)
			edited, err := cmd.Output()
			ts.Check(err)
			return string(edited)
		})
	case "close":
		r.ClosePull(number())
	case "merge":
		r.Merge(number())
	case "ready":
		r.MarkReady(number())
	case "retitle":
		r.Retitle(number(), args[2])
	case "protect":
		r.Protect(args[1], githubtest.Protection{Signed: len(args) > 2})
	case "retarget":
		r.Retarget(number(), args[2])
	case "fork":
		r.Fork(args[1])
	case "delete":
		r.Reset(args[1], "")
	case "user":
		h.server.AddUser(args[1])
	case "team":
		h.server.AddTeam(args[1])
	case "fault":
		h.fault(ts, args[1:])
	case "mend":
		h.server.Mend()
	default:
		ts.Fatalf("hub knows no %s", args[0])
	}
}

func (h *hub) clone(ts *testscript.TestScript, dir string) {
	if h.server == nil {
		// One host for git and the API, as an Enterprise server: a flag gives its address.
		server, err := githubtest.Start(ts.MkAbs(".hub"), githubtest.Config{Enterprise: true, Fatalf: ts.Fatalf})
		ts.Check(err)
		h.server = server
		ts.Setenv("GITHUB_TOKEN", server.Token)
		ts.Setenv("DEKEY_GITHUB_URL", server.Git)
		ts.Setenv("DEKEY_GITHUB", "acme/shop")
		clock := ts.MkAbs(".clock")
		ts.Check(os.WriteFile(clock, []byte("1772443800\n"), 0o666)) // half an hour after the server's
		ts.Setenv("SCRIPT_CLOCK", clock)
	}
	files := map[string]string{}
	ts.Check(filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		relative, relErr := filepath.Rel(dir, name)
		ts.Check(relErr)
		files[filepath.ToSlash(relative)] = string(data)
		return err
	}))
	h.repository = h.server.Repository("acme/shop", files)
	ts.Check(os.RemoveAll(dir))
	ts.Check(ts.Exec("git", "clone", "--quiet", h.repository.Dir, dir))
	ts.Check(ts.Exec("git", "-C", dir, "remote", "set-url", "origin", h.repository.URL()))
}

func hubFiles(ts *testscript.TestScript, names []string) map[string]string {
	files := map[string]string{}
	for _, name := range names {
		if gone, deleted := strings.CutPrefix(name, "-"); deleted {
			files[gone] = githubtest.Deleted
			continue
		}
		files[name] = ts.ReadFile(name)
	}
	return files
}

func (h *hub) fault(ts *testscript.TestScript, args []string) {
	kind, on, n := args[0], args[1], 0
	if len(args) > 2 {
		n, _ = strconv.Atoi(args[2])
	}
	var fault githubtest.Fault
	switch kind {
	case "401":
		fault = githubtest.BadCredentials(on)
	case "403":
		fault = githubtest.NotAccessible(on)
	case "404":
		fault = githubtest.NotFound(on)
	case "502":
		fault = githubtest.Unavailable(on)
		fault.Times = n
	case "primary":
		fault = githubtest.PrimaryLimit(on, time.Unix(1772443800+int64(n), 0))
		fault.Times = 1
	case "secondary":
		fault = githubtest.SecondaryLimit(on, n)
		fault.Times = 1
	case "secondary-always":
		fault = githubtest.SecondaryLimit(on, n)
	case "429":
		fault = githubtest.TooMany(on, n)
		fault.Times = 1
	case "cut-before":
		fault = githubtest.Fault{On: on, CutBefore: true, Times: 1}
	case "cut-after":
		fault = githubtest.Fault{On: on, CutAfter: true, Times: 1}
	case "elsewhere":
		fault = githubtest.Redirected(on, h.server.Elsewhere+"/api/v3/repos/acme/shop/pulls")
	case "push":
		// fault push BRANCH WHO FILE...: somebody's push right before ours
		files := hubFiles(ts, args[3:])
		fault = githubtest.Fault{On: "git/push", Times: 1, Do: func() { h.repository.Commit(on, args[2], "a commit of "+args[2], files) }}
	default:
		ts.Fatalf("hub knows no fault %s", kind)
	}
	h.server.Fault(fault)
}

// deleted OUT [INDEX...] writes the evidence of 4-delete.sh for the plan's keys, as the script writes it.
func deleted(ts *testscript.TestScript, neg bool, args []string) {
	out := ts.MkAbs(args[0])
	var plan planner.Plan
	data, err := os.ReadFile(filepath.Join(out, "plan.json"))
	ts.Check(err)
	ts.Check(json.Unmarshal(data, &plan))
	folder := filepath.Join(out, "runbook", "evidence", "delete-1")
	ts.Check(os.MkdirAll(folder, 0o777))
	for i, r := range plan.Retirements {
		if len(args) > 1 && !slices.Contains(args[1:], strconv.Itoa(i)) {
			continue
		}
		body := fmt.Sprintf("plan: %s\ntime: 2026-05-01T00:00:00Z\nepoch: 1777593600\nemail: %s\nkey: %s\nby: this script\n", plan.ID, r.Email, r.KeyID)
		sum := sha256.Sum256([]byte(body))
		text := body + "sha256: " + hex.EncodeToString(sum[:]) + "\n"
		ts.Check(os.WriteFile(filepath.Join(folder, "deleted-"+r.Key[:16]), []byte(text), 0o666))
	}
}
