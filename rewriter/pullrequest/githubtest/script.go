package githubtest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A story is the server of one script.
type story struct {
	server     *Server
	repository *Repository
	dir        string
}

type storyKey struct{}

// Setup gives a script a GitHub, which starts with its first repository. A violation fails the script when it ends.
func Setup(env *testscript.Env) {
	s := &story{dir: filepath.Join(env.WorkDir, ".github-server")}
	env.Values[storyKey{}] = s
	env.Defer(func() {
		if s.server == nil {
			return
		}
		s.server.Close()
		if violations := s.server.Violations(); len(violations) > 0 {
			env.T().Log(strings.Join(violations, "\n"))
			env.T().FailNow()
		}
	})
}

// verbs are what a script may say behind the word github.
var verbs = map[string]struct {
	least int
	usage string
	do    func(*story, *testscript.TestScript, []string)
}{
	"repository": {2, "OWNER/NAME FOLDER: start, with a repository of the folder's files; sets GITHUB and GITHUB_TOKEN", (*story).start},
	"clone":      {1, "FOLDER: a clone of it, whose origin has no token", (*story).clone},
	"fork":       {1, "LOGIN: somebody's fork of it", func(s *story, _ *testscript.TestScript, args []string) { s.repository.Fork(args[0]) }},
	"commit":     {2, "WHO BRANCH [PATH=FILE...]: somebody's push", (*story).commit},
	"race":       {2, "WHO BRANCH [PATH=FILE...]: somebody's push in the middle of the next push", (*story).race},
	"reset": {2, "BRANCH COMMIT: somebody's forced push; COMMIT may be a branch", func(s *story, _ *testscript.TestScript, args []string) {
		s.repository.Reset(args[0], s.repository.Branch(args[1]))
	}},
	"delete":  {1, "BRANCH: somebody deletes it", func(s *story, _ *testscript.TestScript, args []string) { s.repository.Reset(args[0], "") }},
	"protect": {1, "PATTERN [signed]: protect branches", (*story).protect},
	"user":    {1, "LOGIN: a collaborator", func(s *story, _ *testscript.TestScript, args []string) { s.server.AddUser(args[0]) }},
	"team":    {1, "SLUG: a team with access", func(s *story, _ *testscript.TestScript, args []string) { s.server.AddTeam(args[0]) }},
	"token":   {2, "LOGIN none|read|write|admin: sets GITHUB_TOKEN to a token of that user", (*story).token},
	"expire":  {0, ": the token in GITHUB_TOKEN is not taken any more", func(s *story, ts *testscript.TestScript, _ []string) { s.server.Expire(ts.Getenv("GITHUB_TOKEN")) }},
	"fault":   {2, "KIND ON [TIMES [SKIP]]: see faults", (*story).fault},
	"mend":    {0, ": no faults any more", func(s *story, _ *testscript.TestScript, _ []string) { s.server.Mend() }},
	"pulls":   {0, ": print the pull requests, a line each", (*story).pulls},
	"body": {1, "N: print a pull request's body", func(s *story, ts *testscript.TestScript, args []string) {
		fmt.Fprintln(ts.Stdout(), s.pull(ts, args[0]).Body)
	}},
	"comments": {1, "N: print its comments", func(s *story, ts *testscript.TestScript, args []string) {
		fmt.Fprintln(ts.Stdout(), strings.Join(s.pull(ts, args[0]).Comments, "\n"))
	}},
	"edit": {2, "N FILE: somebody gives it another body", func(s *story, ts *testscript.TestScript, args []string) {
		text := ts.ReadFile(args[1])
		s.repository.Edit(number(ts, args[0]), func(string) string { return text })
	}},
	"replace": {3, "N OLD NEW: somebody changes words of its body", (*story).replace},
	"retitle": {2, "N TITLE: somebody gives it another title", func(s *story, ts *testscript.TestScript, args []string) {
		s.repository.Retitle(number(ts, args[0]), args[1])
	}},
	"close": {1, "N: somebody closes it", func(s *story, ts *testscript.TestScript, args []string) { s.repository.ClosePull(number(ts, args[0])) }},
	"ready": {1, "N: somebody takes it out of draft", func(s *story, ts *testscript.TestScript, args []string) { s.repository.MarkReady(number(ts, args[0])) }},
	"merge": {1, "N: somebody merges it", func(s *story, ts *testscript.TestScript, args []string) { s.repository.Merge(number(ts, args[0])) }},
	"branches": {0, ": print the branches", func(s *story, ts *testscript.TestScript, _ []string) {
		fmt.Fprintln(ts.Stdout(), strings.Join(s.repository.Branches(), "\n"))
	}},
	"log": {1, "BRANCH: print its commits that main lacks, newest first, with their authors", func(s *story, ts *testscript.TestScript, args []string) {
		fmt.Fprintln(ts.Stdout(), strings.Join(s.repository.Log(args[0]), "\n"))
	}},
	"file":     {2, "BRANCH PATH: print a file", (*story).file},
	"requests": {0, "[api|git|elsewhere]: print what was asked so far, and forget it", (*story).requests},
}

// faults are the kinds that a script may name.
var faults = map[string]func(s *story, on string) Fault{
	"unauthorized": func(_ *story, on string) Fault { return BadCredentials(on) },
	"forbidden":    func(_ *story, on string) Fault { return NotAccessible(on) },
	"not-found":    func(_ *story, on string) Fault { return NotFound(on) },
	"unavailable":  func(_ *story, on string) Fault { return Unavailable(on) },
	"limit":        func(_ *story, on string) Fault { return PrimaryLimit(on, time.Now().Add(time.Hour)) },
	"secondary":    func(_ *story, on string) Fault { return SecondaryLimit(on, 1) },
	"too-many":     func(_ *story, on string) Fault { return TooMany(on, 1) },
	"cut-before":   func(_ *story, on string) Fault { return Fault{On: on, CutBefore: true} },
	"cut-after":    func(_ *story, on string) Fault { return Fault{On: on, CutAfter: true} },
	"elsewhere":    func(s *story, on string) Fault { return Redirected(on, s.server.Elsewhere+"/api/v3/user") },
}

// Command is the word github of a script.
func Command(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(storyKey{}).(*story)
	var verb string
	if len(args) > 0 {
		verb = args[0]
	}
	v, known := verbs[verb]
	switch {
	case neg || !known || s == nil:
		ts.Fatalf("usage: github %s", strings.Join(slices.Sorted(maps.Keys(verbs)), "|"))
	case len(args)-1 < v.least:
		ts.Fatalf("usage: github %s %s", verb, v.usage)
	case s.server == nil && verb != "repository":
		ts.Fatalf("github repository OWNER/NAME FOLDER comes first")
	}
	fmt.Fprint(ts.Stdout(), "") // what the last command printed is forgotten
	v.do(s, ts, args[1:])
}

func (s *story) start(ts *testscript.TestScript, args []string) {
	files := make(map[string]string)
	root := ts.MkAbs(args[1])
	ts.Check(filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		path, _ := filepath.Rel(root, name)
		files[filepath.ToSlash(path)] = string(data)
		return err
	}))
	if s.server == nil {
		server, err := Start(s.dir, Config{Enterprise: true, Fatalf: ts.Fatalf})
		ts.Check(err)
		s.server = server
		ts.Setenv("GITHUB", server.Git)
		ts.Setenv("GITHUB_TOKEN", server.Token)
		ts.Setenv("ELSEWHERE", server.Elsewhere)
	}
	s.repository = s.server.Repository(args[0], files)
}

func (s *story) clone(ts *testscript.TestScript, args []string) {
	dir := ts.MkAbs(args[0])
	s.server.git(s.dir, "", nil, "clone", "-q", s.repository.Dir, dir)
	s.server.git(dir, "", nil, "remote", "set-url", "origin", s.repository.URL())
}

func (s *story) files(ts *testscript.TestScript, args []string) map[string]string {
	files := make(map[string]string)
	for _, arg := range args {
		path, name, found := strings.Cut(arg, "=")
		if !found {
			ts.Fatalf("%s is no PATH=FILE", arg)
		}
		files[path] = Deleted
		if name != "" {
			files[path] = ts.ReadFile(name)
		}
	}
	return files
}

func (s *story) commit(ts *testscript.TestScript, args []string) {
	s.repository.Commit(args[1], args[0], "a change by hand", s.files(ts, args[2:]))
}

func (s *story) race(ts *testscript.TestScript, args []string) {
	files := s.files(ts, args[2:])
	s.server.Fault(Fault{On: "git/push", Times: 1, Do: func() { s.repository.Commit(args[1], args[0], "a change at the same time", files) }})
}

func (s *story) protect(_ *testscript.TestScript, args []string) {
	s.repository.Protect(args[0], Protection{Signed: len(args) > 1 && args[1] == "signed"})
}

func (s *story) token(ts *testscript.TestScript, args []string) {
	access, known := map[string]Access{"none": None, "read": Read, "write": Write, "admin": Admin}[args[1]]
	if !known {
		ts.Fatalf("%s is no access", args[1])
	}
	ts.Setenv("GITHUB_TOKEN", s.server.NewToken(args[0], access))
}

func (s *story) fault(ts *testscript.TestScript, args []string) {
	make, known := faults[args[0]]
	if !known {
		ts.Fatalf("a fault is one of %s", strings.Join(slices.Sorted(maps.Keys(faults)), ", "))
	}
	fault := make(s, args[1])
	if len(args) > 2 {
		fault.Times = number(ts, args[2])
	}
	if len(args) > 3 {
		fault.Skip = number(ts, args[3])
	}
	s.server.Fault(fault)
}

func (s *story) pulls(ts *testscript.TestScript, _ []string) {
	for _, p := range s.repository.Pulls() {
		state := p.State
		if p.Merged {
			state = "merged"
		}
		if p.Draft {
			state += " draft"
		}
		fmt.Fprintf(ts.Stdout(), "#%d %s %s -> %s %q", p.Number, state, p.Head, p.Base, p.Title)
		for _, list := range []struct {
			name  string
			words []string
		}{{"labels", p.Labels}, {"assignees", p.Assignees}, {"reviewers", p.Reviewers}, {"teams", p.Teams}} {
			if len(list.words) > 0 {
				fmt.Fprintf(ts.Stdout(), " %s=%s", list.name, strings.Join(list.words, ","))
			}
		}
		fmt.Fprintln(ts.Stdout())
	}
}

func (s *story) pull(ts *testscript.TestScript, text string) Pull {
	n := number(ts, text)
	for _, p := range s.repository.Pulls() {
		if p.Number == n {
			return p
		}
	}
	ts.Fatalf("there is no pull request %s", text)
	return Pull{}
}

func (s *story) replace(ts *testscript.TestScript, args []string) {
	s.repository.Edit(number(ts, args[0]), func(body string) string {
		if !strings.Contains(body, args[1]) {
			ts.Fatalf("the body does not hold %q:\n%s", args[1], body)
		}
		return strings.ReplaceAll(body, args[1], args[2])
	})
}

func (s *story) file(ts *testscript.TestScript, args []string) {
	text, found := s.repository.File(args[0], args[1])
	if !found {
		ts.Fatalf("%s has no %s", args[0], args[1])
	}
	fmt.Fprint(ts.Stdout(), text)
}

func (s *story) requests(ts *testscript.TestScript, args []string) {
	for _, r := range s.server.Requests() {
		if len(args) == 0 || args[0] == r.Host {
			fmt.Fprintf(ts.Stdout(), "%s %s %s %d %s\n", r.Host, r.Method, r.Operation, r.Status, r.User)
		}
	}
	s.server.forget()
}

// forget empties the record.
func (s *Server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}
