package manifest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// repository gives the commit of the git repository that folder belongs to ("" where there is none, or none yet), and
// where in it the folder lies: "" at its top, "apps/" below.
//
// git runs with nothing of the repository's configuration that runs commands: hooks, fsmonitor, filters, helpers,
// lazy fetches. What is asked here uses none of them; the settings are the second lock.
func repository(ctx context.Context, folder string) (commit, prefix string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	prefix, err := git(ctx, folder, "rev-parse", "--show-prefix")
	if err != nil {
		return "", ""
	}
	commit, err = git(ctx, folder, "rev-parse", "--verify", "--quiet", "HEAD")
	if err != nil {
		return "", prefix
	}
	return commit, prefix
}

// remotes are the repositories that the checkout was cloned from, as repositoryName spells them, sorted; a remote that is a folder
// says nothing. None where git knows none. The addresses themselves may hold a password, and stay here.
func remotes(ctx context.Context, folder string) []string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := git(ctx, folder, "config", "--local", "--no-includes", "--null", "--get-regexp", `^remote\..*\.url$`)
	if err != nil {
		return nil
	}
	var names []string
	for item := range strings.SplitSeq(out, "\x00") {
		_, address, _ := strings.Cut(item, "\n")
		if name := repositoryName(address); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// repositoryName is the path of a repository's address, which is the same over every protocol and by every name of the host:
// acme/shop of https://github.com/acme/shop.git and of git@github.com:acme/shop. "" for a folder of this machine, and for what is
// no address. https://git-scm.com/docs/git-clone#_git_urls
func repositoryName(address string) string {
	address = strings.TrimSpace(address)
	scheme, rest, found := strings.Cut(address, "://")
	switch {
	case found && scheme == "file":
		return ""
	case found:
		_, rest, _ = strings.Cut(rest, "/")
	default:
		host, after, scp := strings.Cut(address, ":")
		if !scp || strings.Contains(host, "/") || len(host) < 2 {
			return ""
		}
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest = strings.TrimSuffix(strings.Trim(rest, "/"), ".git")
	return strings.ToLower(strings.Trim(rest, "/"))
}

func git(ctx context.Context, folder string, args ...string) (string, error) {
	out, err := gitCommand(ctx, folder, args...).Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

func gitCommand(ctx context.Context, folder string, args ...string) *exec.Cmd {
	locked := []string{"-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
		"-c", "protocol.allow=never", "-c", "core.askPass=", "-c", "credential.helper=", "-C", folder}
	cmd := exec.CommandContext(ctx, "git", append(locked, args...)...)
	cmd.Env = append(withoutGit(os.Environ()), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ATTR_NOSYSTEM=1", "LC_ALL=C")
	return cmd
}

// withoutGit drops the variables that would point git at another repository.
func withoutGit(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "GIT_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// Changed gives the files below folder that differ from a revision, untracked ones included, and those that are gone: paths
// relative to folder, with forward slashes, sorted.
func Changed(ctx context.Context, folder, revision string) (changed, gone []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	commit, err := commitOf(ctx, folder, revision)
	if err != nil {
		return nil, nil, err
	}
	diff := func(filter string) ([]string, error) {
		out, err := git(ctx, folder, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--relative", "--diff-filter="+filter, commit, "--", ".")
		if err != nil {
			return nil, fmt.Errorf("comparing with %s: git diff: %w", revision, err)
		}
		return fieldsOf(out), nil
	}
	if changed, err = diff("d"); err != nil {
		return nil, nil, err
	}
	if gone, err = diff("D"); err != nil {
		return nil, nil, err
	}
	untracked, err := git(ctx, folder, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
	if err != nil {
		return nil, nil, fmt.Errorf("comparing with %s: git ls-files: %w", revision, err)
	}
	changed = append(changed, fieldsOf(untracked)...)
	slices.Sort(changed)
	return slices.Compact(changed), gone, nil
}

// fieldsOf splits what git ends with zero bytes.
func fieldsOf(out string) []string {
	return strings.FieldsFunc(out, func(r rune) bool { return r == 0 })
}
