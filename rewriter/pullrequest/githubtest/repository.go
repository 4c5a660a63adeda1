package githubtest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Repository is one that the server has: a bare git repository, and what GitHub keeps beside it.
type Repository struct {
	Name string // OWNER/NAME
	Dir  string // the bare repository

	server   *Server
	id       int64
	parent   *Repository // the one that it is a fork of
	public   bool
	labels   []string
	pulls    []*pull
	rules    []protection
	verified map[string]bool // commits that GitHub signed
	numbers  int
}

// A Protection is what a protected branch asks for.
type Protection struct {
	// Signed lets in only commits that GitHub signed itself. Without it nothing is let in but merged pull requests.
	Signed bool
}

type protection struct {
	pattern string // of branch names, as path.Match takes it, with ** for anything
	Protection
}

// Repository makes a repository with a branch main that holds these files, by path. "" makes an empty file.
func (s *Server) Repository(name string, files map[string]string) *Repository {
	s.mu.Lock()
	repository := s.newRepository(name)
	s.git(repository.Dir, "", nil, "init", "-q", "--bare", "-b", "main", ".")
	repository.configure()
	s.mu.Unlock()
	repository.Commit("main", "someone", "base", files)
	return repository
}

// newRepository registers a repository that git does not know yet. The lock is held.
func (s *Server) newRepository(name string) *Repository {
	repository := &Repository{
		Name: name, Dir: s.folder("repositories/" + name + ".git"), server: s, id: s.next(), verified: make(map[string]bool),
		labels: []string{"bug", "enhancement"},
	}
	s.repositories = append(s.repositories, repository)
	return repository
}

// configure lets git serve the repository, and takes no force where the branch is protected.
func (r *Repository) configure() {
	s := r.server
	for _, setting := range [][2]string{{"http.receivepack", "true"}, {"gc.auto", "0"}, {"core.logAllRefUpdates", "false"}, {"receive.denyDeleteCurrent", "false"}} {
		s.git(r.Dir, "", nil, "config", setting[0], setting[1])
	}
	hook := filepath.Join(r.Dir, "hooks", "pre-receive")
	s.check(os.MkdirAll(filepath.Dir(hook), 0o777))
	s.check(os.WriteFile(hook, []byte(preReceive), 0o777))
	r.writeRules()
}

// preReceive refuses pushes to protected branches, with GitHub's words.
const preReceive = `#!/bin/sh
status=0
while read -r old new ref; do
  while read -r pattern message; do
    case "$ref" in
    refs/heads/$pattern)
      printf 'error: GH006: Protected branch update failed for %s.\n\n- %s\n' "$ref" "$message" >&2
      status=1
      ;;
    esac
  done <protected
done
exit $status
`

// URL is the address that people clone from. It has no token in it.
func (r *Repository) URL() string { return r.server.Git + "/" + r.Name + ".git" }

// Protect protects the branches whose names match a pattern of the shell's case: "main", "dekey/*".
func (r *Repository) Protect(pattern string, rules Protection) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.rules = append(r.rules, protection{pattern: pattern, Protection: rules})
	r.writeRules()
}

func (r *Repository) writeRules() {
	var text strings.Builder
	for _, rule := range r.rules {
		fmt.Fprintln(&text, rule.pattern, rule.message())
	}
	r.server.check(os.WriteFile(filepath.Join(r.Dir, "protected"), []byte(text.String()), 0o666))
}

func (p protection) message() string {
	if p.Signed {
		return "Commits must have verified signatures."
	}
	return "Changes must be made through a pull request."
}

// protected finds the rule for a branch.
func (r *Repository) protected(branch string) (protection, bool) {
	for _, rule := range r.rules {
		// The shell's * takes slashes, path.Match's does not.
		if matched, _ := path.Match(strings.ReplaceAll(rule.pattern, "/", "\x01"), strings.ReplaceAll(branch, "/", "\x01")); matched {
			return rule, true
		}
	}
	return protection{}, false
}

// Commit puts a commit on a branch as somebody's push does, and makes the branch from main if there is none. A nil map
// of files makes an empty commit. Deleted files are those whose content is Deleted.
func (r *Repository) Commit(branch, author, message string, files map[string]string) (sha string) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	var stream bytes.Buffer
	ref := "refs/heads/" + branch
	who := fmt.Sprintf("%s <%s@example.com> %d +0000", author, author, r.server.config.Now().Unix())
	fmt.Fprintf(&stream, "commit %s\nauthor %s\ncommitter %s\ndata %d\n%s\n\n", ref, who, who, len(message)+1, message)
	if parent := cmp.Or(r.tip(branch), r.tip("main")); parent != "" {
		fmt.Fprintf(&stream, "from %s\n", parent)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if files[name] == Deleted {
			fmt.Fprintf(&stream, "D %s\n", name)
			continue
		}
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", name, len(files[name]), files[name])
	}
	r.server.git(r.Dir, stream.String(), nil, "fast-import", "--quiet")
	r.settle()
	return r.tip(branch)
}

// Deleted as the content of a file deletes it.
const Deleted = "\x00deleted"

// Reset sets a branch to a commit, whatever it was, as a forced push does; "" deletes it.
func (r *Repository) Reset(branch, commit string) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if commit == "" {
		r.git("update-ref", "-d", "refs/heads/"+branch)
	} else {
		r.git("update-ref", "refs/heads/"+branch, commit)
	}
	r.settle()
}

// Branch is the commit that a branch is at, "" when there is no such branch.
func (r *Repository) Branch(name string) string {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.tip(name)
}

// Branches are the names of all branches.
func (r *Repository) Branches() []string {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.branches()
}

func (r *Repository) branches() []string {
	return strings.Fields(r.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"))
}

// File is the content of a file on a branch; found is false when there is none.
func (r *Repository) File(branch, name string) (content string, found bool) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	content, err := r.try("cat-file", "blob", "refs/heads/"+branch+":"+name)
	return content, err == nil
}

// Log are the commits of a branch that main does not have, newest first: author, a colon, subject.
func (r *Repository) Log(branch string) []string {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return fields(r.git("log", "--format=%an: %s", "refs/heads/"+branch, "^refs/heads/main"))
}

// tip is the commit of a branch, "" when there is none.
func (r *Repository) tip(branch string) string { return r.resolve("refs/heads/" + branch) }

// resolve is the commit that a name means, "" when it means none.
func (r *Repository) resolve(name string) string {
	sha, err := r.try("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(sha)
}

// git runs git in the repository and ends the test when it does not work.
func (r *Repository) git(args ...string) string { return r.server.git(r.Dir, "", nil, args...) }

// try runs git in the repository, for questions whose answer may be an error.
func (r *Repository) try(args ...string) (string, error) { return run(r.Dir, "", nil, args...) }

func (s *Server) git(dir, input string, environment []string, args ...string) string {
	output, err := run(dir, input, environment, args...)
	s.check(err)
	return output
}

// run runs git with a configuration that is the same on every machine.
func run(dir, input string, environment []string, args ...string) (string, error) {
	command := exec.Command("git", args...)
	command.Dir = dir
	command.Env = append(hermetic(), environment...)
	command.Stdin = strings.NewReader(input)
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return output.String(), nil
}

// hermetic is the environment of the server's own git.
func hermetic() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=GitHub", "GIT_AUTHOR_EMAIL=noreply@github.com", "GIT_COMMITTER_NAME=GitHub", "GIT_COMMITTER_EMAIL=noreply@github.com",
	}
}

// leaks are the objects, references and texts of the repository that hold a token. The lock is held.
func (r *Repository) leaks() []string {
	var found []string
	look := func(where, text string) {
		if r.server.holdsToken(text) {
			found = append(found, fmt.Sprintf("%s: a token in %s", r.Name, where))
		}
	}
	objects, err := r.try("cat-file", "--batch-all-objects", "--batch")
	if err != nil {
		return append(found, err.Error())
	}
	look("its objects", objects)
	look("its references", strings.Join(r.branches(), "\n"))
	for _, p := range r.pulls {
		look(fmt.Sprintf("pull request %d", p.number), fmt.Sprint(p.title, p.body, p.labels, p.comments))
	}
	return found
}

// fields are the lines of a text, without the last one's end.
func fields(text string) []string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
