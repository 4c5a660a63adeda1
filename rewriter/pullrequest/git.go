package pullrequest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Clone is the user's clone of the repository.
type Clone struct {
	dir    string // its top
	common string // its .git
	env    []string
	hide   []string // what is never shown, whoever prints it
	blobs  map[string][]byte
	// promised gets an object that a partial clone has not got yet; nil: there is no remote to get it from.
	promised func(ctx context.Context, object string) error
}

// OpenClone opens the clone that dir is in. env is the environment of git's calls.
func OpenClone(ctx context.Context, dir string, env []string) (*Clone, error) {
	c := &Clone{dir: dir, env: env}
	top, err := c.read(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, problem("run it in a clone of the repository, or give --repo DIR", "reading %s: it is no clone of a git repository", dir)
	}
	c.dir = line(top)
	common, err := c.read(ctx, nil, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	c.common = line(common)
	return c, nil
}

// Hide keeps a secret out of everything that git prints.
func (c *Clone) Hide(secret string) {
	if secret != "" {
		c.hide = append(c.hide, secret)
	}
}

func line(out []byte) string { return strings.TrimRight(string(out), "\r\n") }

// locked are the settings of calls that only read: nothing of the repository's configuration runs a command.
var locked = []string{"-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never",
	"-c", "core.askPass=", "-c", "credential.helper=", "-c", "core.quotePath=false", "-c", "apply.whitespace=nowarn", "-c", "diff.external=",
	"-c", "log.showSignature=false", "-c", "gc.auto=0", "-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false"}

// A gitCall is one call. Its zero value reads in the clone.
type gitCall struct {
	dir   string // "": the clone
	index string // GIT_INDEX_FILE
	stdin []byte
	own   bool     // the user's own: with their configuration
	set   []string // more settings, as -c takes them
	env   []string // more
}

// read runs git in the clone with everything off that runs commands.
func (c *Clone) read(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return c.run(ctx, gitCall{stdin: stdin}, args...)
}

// absent is how git names an object that a partial clone has only been promised.
var absent = regexp.MustCompile(`could not fetch ([0-9a-f]{40,64}) from promisor remote`)

// run runs git. What only reads has no way to a remote: an object that is missing in a partial clone is fetched by a call
// of the user's own, and then it is read again.
func (c *Clone) run(ctx context.Context, call gitCall, args ...string) ([]byte, error) {
	last := ""
	for {
		out, err := c.once(ctx, call, args...)
		if err == nil || call.own {
			return out, err
		}
		m := absent.FindStringSubmatch(said(err))
		if m == nil || m[1] == last {
			return out, err
		}
		if last = m[1]; c.promised == nil {
			return out, problem("it is a partial clone: git fetch --refetch --filter= gets all of it, or run it with the network (without --print)", "reading the clone: it does not have the object %.12s", last)
		}
		if err := c.promised(ctx, last); err != nil {
			return out, err
		}
	}
}

func (c *Clone) once(ctx context.Context, call gitCall, args ...string) ([]byte, error) {
	dir := c.dir
	if call.dir != "" {
		dir = call.dir
	}
	argv := []string{"-C", dir}
	for _, setting := range call.set {
		argv = append(argv, "-c", setting)
	}
	argv = append(argv, args...)
	var env []string
	if call.own {
		env = append(ownEnvironment(c.env), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_EDITOR=true")
		argv = append([]string{"-c", "gc.auto=0", "-c", "maintenance.auto=false"}, argv...)
	} else {
		env = append(withoutGit(c.env), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0",
			"GIT_NO_LAZY_FETCH=1", "GIT_ATTR_NOSYSTEM=1", "GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C")
		argv = append(slices.Clone(locked), argv...)
	}
	if call.index != "" {
		env = append(env, "GIT_INDEX_FILE="+call.index)
	}
	cmd := exec.CommandContext(ctx, "git", argv...)
	cmd.Env = append(env, call.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if call.stdin != nil {
		cmd.Stdin = bytes.NewReader(call.stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return stdout.Bytes(), &gitError{command: args[0], says: c.scrub(stderr.String()), out: c.scrub(stdout.String()), err: err}
	}
	return stdout.Bytes(), nil
}

// A gitError is git's refusal, with what it said.
type gitError struct {
	command, says, out string
	err                error
}

func (e *gitError) Error() string {
	says := strings.TrimSpace(e.says)
	if says == "" {
		says = e.err.Error()
	}
	const most = 2000
	if len(says) > most {
		says = says[:most] + "…"
	}
	return "git " + e.command + ": " + says
}

// said is what git printed on standard error, "" for another error.
func said(err error) string {
	var e *gitError
	if errors.As(err, &e) {
		return e.says + e.out
	}
	return ""
}

var userInfo = regexp.MustCompile(`://[^/@\s'"]+@`)

// scrub takes secrets and the user part of addresses out of what git printed.
func (c *Clone) scrub(text string) string {
	for _, secret := range c.hide {
		text = strings.ReplaceAll(text, secret, "***")
	}
	text = userInfo.ReplaceAllString(text, "://***@")
	var b strings.Builder
	for l := range strings.Lines(text) { // a remote's lines end in blanks
		if l = strings.TrimRight(l, " \t\r\n"); l != "" && l != "remote:" {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// withoutGit drops every variable that steers git.
func withoutGit(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool { return strings.HasPrefix(variable, "GIT_") })
}

// ownEnvironment drops the variables that would point git at another repository, or make it print what it sends.
func ownEnvironment(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
			"GIT_NAMESPACE", "GIT_PREFIX", "GIT_CURL_VERBOSE", "GIT_EDITOR", "GIT_QUARANTINE_PATH":
			return true
		}
		return strings.HasPrefix(name, "GIT_TRACE")
	})
}

// scratch is a temporary folder for index files; done removes it.
func scratch() (dir string, done func(), err error) {
	dir, err = os.MkdirTemp("", "dekey-publish-")
	if err != nil {
		return "", nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// has says whether the clone has a commit.
func (c *Clone) has(ctx context.Context, commit string) bool {
	_, err := c.read(ctx, nil, "cat-file", "-e", commit+"^{commit}")
	return err == nil
}
