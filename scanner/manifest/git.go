package manifest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commit is the commit of the repository that folder belongs to, "" where there is none, or none yet.
//
// git runs with nothing of the repository's configuration that runs commands: hooks, fsmonitor, filters, helpers,
// lazy fetches. Resolving HEAD uses none of them; the settings are the second lock.
func commit(ctx context.Context, folder string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
		"-c", "protocol.allow=never", "-c", "core.askPass=", "-c", "credential.helper=", "-C", folder, "rev-parse", "--verify", "--quiet", "HEAD")
	cmd.Env = append(withoutGit(os.Environ()), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ATTR_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
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
