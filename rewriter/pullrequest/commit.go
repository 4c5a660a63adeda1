package pullrequest

import (
	"context"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
)

// A Commit says how commits are made.
type Commit struct {
	Author  string // "NAME <EMAIL>", "" for git's own
	SignOff bool
}

// commit makes a commit with that tree by the user's own git: their identity, their signature, their hooks. It happens in
// a worktree of its own, which is gone afterwards; no branch points at the commit.
func (c *Clone) commit(ctx context.Context, parent, tree string, files []string, message string, how Commit) (string, error) {
	dir, done, err := scratch()
	if err != nil {
		return "", err
	}
	defer done()
	at := filepath.Join(dir, "tree")
	if _, err := c.read(ctx, nil, "worktree", "add", "--quiet", "--detach", "--no-checkout", at, parent); err != nil {
		return "", fmt.Errorf("making a worktree for the commit: %w", err)
	}
	defer c.dropWorktree(context.WithoutCancel(ctx), at)
	in := gitCall{dir: at}
	if _, err := c.run(ctx, in, "read-tree", tree); err != nil {
		return "", fmt.Errorf("preparing the commit: %w", err)
	}
	if err := c.checkout(ctx, at, files); err != nil {
		return "", fmt.Errorf("preparing the commit: %w", err)
	}
	args := []string{"commit", "--quiet", "--no-status", "--cleanup=verbatim", "--file=-"}
	committer, env, err := c.identity(ctx, at, how)
	if err != nil {
		return "", err
	}
	message += committerTrailer + shortDigest(committer) + "\n"
	if how.Author != "" {
		args = append(args, "--author="+how.Author)
	}
	if how.SignOff {
		args = append(args, "--signoff")
	}
	if _, err := c.run(ctx, gitCall{dir: at, own: true, env: env, stdin: []byte(message)}, args...); err != nil {
		return "", &Error{What: "making the commit", Err: err,
			Do: "a commit hook or the signature of your git refused it: its words are above; commits that GitHub signs come with --api-commit"}
	}
	out, err := c.run(ctx, in, "rev-parse", "HEAD", "HEAD^{tree}")
	if err != nil {
		return "", fmt.Errorf("reading the commit: %w", err)
	}
	commit, made, _ := strings.Cut(line(out), "\n")
	if made != tree {
		return "", problem("what was reviewed is proposed byte for byte: run the formatter on the base branch first, draft again, or publish from a clone without that hook",
			"making the commit: a commit hook changed the files")
	}
	return commit, nil
}

// checkout puts the touched files into the worktree, for hooks that look at them; git takes the others as not checked out.
func (c *Clone) checkout(ctx context.Context, at string, files []string) error {
	out, err := c.run(ctx, gitCall{dir: at}, "ls-files", "-z")
	if err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, name := range files {
		touched[name] = true
	}
	var shown, rest strings.Builder
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if touched[name] {
			shown.WriteString(name + "\x00")
		} else if name != "" {
			rest.WriteString(name + "\x00")
		}
	}
	if _, err := c.run(ctx, gitCall{dir: at, stdin: []byte(rest.String())}, "update-index", "-z", "--skip-worktree", "--stdin"); err != nil {
		return err
	}
	_, err = c.run(ctx, gitCall{dir: at, stdin: []byte(shown.String())}, "checkout-index", "-f", "-u", "-z", "--stdin")
	return err
}

// identity is who commits and when, as NAME <EMAIL> SECONDS, and the variables that make git say so: the author where git
// knows no committer.
func (c *Clone) identity(ctx context.Context, at string, how Commit) (committer string, env []string, err error) {
	const do = "give --author 'NAME <EMAIL>', or set user.name and user.email in git's configuration"
	out, err := c.run(ctx, gitCall{dir: at, own: true}, "var", "GIT_COMMITTER_IDENT")
	if err != nil {
		if how.Author == "" {
			return "", nil, problem(do, "making the commit: git does not know who commits")
		}
		author, err := mail.ParseAddress(how.Author)
		if err != nil {
			return "", nil, problem(do, "making the commit: %q is no author", how.Author)
		}
		env = []string{"GIT_COMMITTER_NAME=" + author.Name, "GIT_COMMITTER_EMAIL=" + author.Address}
		if out, err = c.run(ctx, gitCall{dir: at, own: true, env: env}, "var", "GIT_COMMITTER_IDENT"); err != nil {
			return "", nil, &Error{What: "making the commit", Do: do, Err: err}
		}
	}
	ident := line(out)
	zone := strings.LastIndexByte(ident, ' ')
	seconds := strings.LastIndexByte(ident[:max(zone, 0)], ' ')
	if seconds < 0 {
		return "", nil, fmt.Errorf("making the commit: %q is no committer", ident)
	}
	return ident[:zone], append(env, "GIT_COMMITTER_DATE=@"+ident[seconds+1:]), nil
}

// dropWorktree takes the worktree out of the clone again. `git worktree prune` would take others' too.
func (c *Clone) dropWorktree(ctx context.Context, at string) {
	pointer, _ := os.ReadFile(filepath.Join(at, ".git"))
	if _, err := c.read(ctx, nil, "worktree", "remove", "--force", "--force", at); err == nil {
		return
	}
	admin := strings.TrimSpace(strings.TrimPrefix(string(pointer), "gitdir: "))
	os.RemoveAll(at)
	if filepath.Dir(admin) == filepath.Join(c.common, "worktrees") {
		os.RemoveAll(admin)
	}
}
