package pullrequest

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A Remote is where branches are fetched from and pushed to, as the clone's git knows it.
type Remote struct {
	Name string // of a remote in the clone's configuration, or an address
	// Host is the origin (https://github.com) that Token may go to, as the answer of a credential helper.
	Host  string
	Token func(context.Context) (string, error)
}

// Resolve finds the remote of OWNER/NAME at server (https://github.com): the clone's own remote with that address, so
// that the user's settings for it hold, else the address itself.
func (c *Clone) Resolve(ctx context.Context, server, owner, name string) (Remote, error) {
	host, err := url.Parse(server)
	if err != nil {
		return Remote{}, fmt.Errorf("reading the address %q: %w", server, err)
	}
	out, err := c.run(ctx, gitCall{own: true}, "remote")
	if err != nil {
		return Remote{}, fmt.Errorf("listing the clone's remotes: %w", err)
	}
	names := strings.Fields(string(out))
	if i := slices.Index(names, "origin"); i > 0 {
		names[0], names[i] = names[i], names[0]
	}
	for _, candidate := range names {
		address, err := c.run(ctx, gitCall{own: true}, "remote", "get-url", "--push", "--", candidate)
		if err == nil && sameRepository(line(address), host.Hostname(), owner, name) {
			return Remote{Name: candidate}, nil
		}
	}
	return Remote{Name: strings.TrimSuffix(server, "/") + "/" + owner + "/" + name + ".git"}, nil
}

var scpLike = regexp.MustCompile(`^(?:[^@/]+@)?([^:/]+):(.+)$`)

// sameRepository says whether a remote's address is that of OWNER/NAME on a host, however it is written.
func sameRepository(address, host, owner, name string) bool {
	var atHost, path string
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		atHost, path = u.Hostname(), u.Path
	} else if m := scpLike.FindStringSubmatch(address); m != nil {
		atHost, path = m[1], m[2]
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	return strings.EqualFold(atHost, host) && strings.EqualFold(path, owner+"/"+name)
}

// credentials are the settings and the variable by which git gets the token where the user's own helpers have nothing
// for the address. The token's helper then stands alone: git offers what it used to every helper, and one of the user's
// would store the token.
func (r Remote) credentials(ctx context.Context, c *Clone) (settings, env []string, err error) {
	if r.Token == nil || r.Host == "" || c.knows(ctx, r) {
		return nil, nil, nil
	}
	token, err := r.Token(ctx)
	if err != nil || token == "" {
		return nil, nil, err
	}
	c.Hide(token)
	const helper = `!f() { test "$1" = get && printf 'username=x-access-token\npassword=%s\n' "$DEKEY_PUSH_TOKEN"; }; f`
	key := "credential." + r.Host + ".helper="
	return []string{key, key + helper}, []string{"DEKEY_PUSH_TOKEN=" + token}, nil
}

// knows says whether the user's helpers have a password for a remote. Nobody is asked for one.
func (c *Clone) knows(ctx context.Context, r Remote) bool {
	address := r.Name
	if !strings.Contains(address, "://") {
		out, err := c.run(ctx, gitCall{own: true}, "remote", "get-url", "--push", "--", r.Name)
		if err != nil {
			return false
		}
		address = line(out)
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(address, "\r\n") {
		return false
	}
	out, err := c.run(ctx, gitCall{own: true, stdin: []byte("url=" + address + "\n\n"), env: []string{"GIT_ASKPASS=", "GCM_INTERACTIVE=never"}}, "credential", "fill")
	if err != nil {
		return false
	}
	for l := range strings.Lines(string(out)) {
		if password, is := strings.CutPrefix(strings.TrimRight(l, "\r\n"), "password="); is && password != "" {
			c.Hide(password)
			return true
		}
	}
	return false
}

func (c *Clone) remote(ctx context.Context, r Remote, args ...string) ([]byte, error) {
	helper, env, err := r.credentials(ctx, c)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, gitCall{own: true, set: append(helper, c.stall(ctx)...), env: env}, args...)
}

// stall are the settings by which git gives up on a server that has sent and taken nothing for two minutes: by itself it
// waits for ever. A server at work says so every five seconds. What the user has set counts.
// https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplowSpeedLimit
func (c *Clone) stall(ctx context.Context) []string {
	for _, variable := range c.env {
		if strings.HasPrefix(variable, "GIT_HTTP_LOW_SPEED_") {
			return nil
		}
	}
	if out, err := c.run(ctx, gitCall{own: true}, "config", "--get-regexp", `^http\.(.*\.)?lowspeed(limit|time)$`); err == nil && line(out) != "" {
		return nil
	}
	return []string{"http.lowSpeedLimit=1", "http.lowSpeedTime=120"}
}

// heads are the branches of a remote that publish looks at, and what its HEAD points to.
type heads struct {
	standard string            // the default branch
	commits  map[string]string // by branch
}

// look reads a remote's branches: base ("" for its default one), and everything below dekey/.
func (c *Clone) look(ctx context.Context, r Remote, base string) (heads, error) {
	patterns := []string{"HEAD", "refs/heads/dekey", "refs/heads/dekey/*"}
	if base != "" {
		patterns = append(patterns, "refs/heads/"+base)
	}
	out, err := c.remote(ctx, r, append([]string{"ls-remote", "--symref", "--", r.Name}, patterns...)...)
	if err != nil {
		return heads{}, explainRemote(err, "reading the branches of "+shownRemote(r.Name))
	}
	h := heads{commits: map[string]string{}}
	for l := range strings.Lines(string(out)) {
		l = strings.TrimRight(l, "\r\n")
		value, ref, _ := strings.Cut(l, "\t")
		if target, is := strings.CutPrefix(value, "ref: refs/heads/"); is && ref == "HEAD" {
			h.standard = target
		} else if branch, is := strings.CutPrefix(ref, "refs/heads/"); is {
			h.commits[branch] = value
		} else if ref == "HEAD" && h.standard != "" {
			h.commits[h.standard] = value
		}
	}
	return h, nil
}

// fetch brings commits of branches into the clone, and changes nothing else there: no branch, no FETCH_HEAD.
func (c *Clone) fetch(ctx context.Context, r Remote, branches map[string]string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules", "--no-auto-maintenance", "--", r.Name}
	wanted := len(args)
	for _, branch := range sortedKeys(branches) {
		if !c.has(ctx, branches[branch]) {
			args = append(args, "refs/heads/"+branch)
		}
	}
	if len(args) == wanted {
		return nil
	}
	if _, err := c.remote(ctx, r, args...); err != nil {
		return explainRemote(err, "fetching from "+shownRemote(r.Name))
	}
	return nil
}

// shownRemote is a remote's name without what an address may carry for its host alone.
func shownRemote(name string) string { return userInfo.ReplaceAllString(name, "://***@") }

// A raceError says that somebody pushed to the branch while it was being made.
type raceError struct{ branch string }

func (e *raceError) Error() string {
	return "pushing " + e.branch + ": somebody else pushed to it at the same time"
}

// push puts a commit on a branch of the remote, which must still be at was ("": must not exist).
func (c *Clone) push(ctx context.Context, r Remote, commit, branch, was string) error {
	ref := "refs/heads/" + branch
	_, err := c.remote(ctx, r, "push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--force-with-lease="+ref+":"+was, "--", r.Name, commit+":"+ref)
	if err == nil {
		return nil
	}
	says := said(err)
	switch {
	case strings.Contains(says, "stale info"), strings.Contains(says, "fetch first"), strings.Contains(says, "cannot lock ref"),
		strings.Contains(says, "reference already exists"), strings.Contains(says, "incorrect old value"):
		return &raceError{branch}
	}
	return explainRemote(err, "pushing "+branch)
}

// explainRemote says what the user can do about a refusal of the remote.
func explainRemote(err error, doing string) error {
	says := strings.ToLower(said(err))
	contains := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(says, word) })
	}
	do := "run the same git command by hand to see more; a second run of publish goes on where this one stopped"
	switch {
	case says == "":
		return fmt.Errorf("%s: %w", doing, err)
	case contains("protected branch", "gh006", "gh013", "repository rule violations"):
		do = "a protection rule of the repository covers this branch: exempt dekey/* from it, or let the account that publishes pass (signed commits: sign with a key that GitHub knows, or --api-commit)"
	case contains("saml sso", "saml enforcement"):
		do = "the organisation enforces single sign-on: authorise the token or the SSH key for it, in its settings on GitHub"
	case contains("archived so"):
		do = "the repository is archived and takes no change: unarchive it first"
	case contains("hook declined", "pre-receive"):
		do = "a hook of the server refused it: its words are above; commits that GitHub signs come with --api-commit, a sign-off with --sign-off"
	case contains("could not read username", "authentication failed", "invalid username", "permission denied (publickey", "terminal prompts disabled", "error: 401"):
		do = "git has no valid credentials for the remote: set GITHUB_TOKEN or GH_TOKEN, or a credential helper; or use an SSH remote whose key is loaded"
	case contains("error: 403", "write access to repository not granted", "permission to "):
		do = "the credentials may not push: the token needs contents: write on the repository (or use --fork OWNER)"
	case contains("operation too slow", "operation timed out"):
		do = "the server stopped sending in the middle: run it again; git's http.lowSpeedTime says how long it is waited for (seconds, with http.lowSpeedLimit)"
	case contains("not found", "does not exist", "does not appear to be a git repository"):
		do = "is the name right, and may the credentials see the repository? --remote NAME names another remote of the clone"
	}
	return &Error{What: doing, Do: do, Err: err}
}
