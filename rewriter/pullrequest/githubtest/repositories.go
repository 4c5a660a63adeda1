package githubtest

import (
	"encoding/base64"
	"net/http"
	"path"
	"strconv"
	"strings"
)

func (c *call) getRepository() (int, any, error) {
	return http.StatusOK, c.repository.whole(c.who), nil
}

// SetPublic lets everybody read a repository.
func (r *Repository) SetPublic() {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.public = true
}

// forks are the repositories that are forks of this one.
func (r *Repository) forks() []*Repository {
	var list []*Repository
	for _, other := range r.server.repositories {
		if other.parent == r {
			list = append(list, other)
		}
	}
	return list
}

// Fork makes a fork for somebody, as the browser does.
func (r *Repository) Fork(login string) *Repository {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.fork(login)
}

func (r *Repository) fork(login string) *Repository {
	for _, other := range r.forks() {
		if owner(other.Name) == login {
			return other
		}
	}
	s := r.server
	fork := s.newRepository(login + "/" + path.Base(r.Name))
	fork.parent, fork.public = r, r.public
	s.git(s.dir, "", nil, "clone", "-q", "--bare", r.Dir, fork.Dir)
	fork.configure()
	return fork
}

func (c *call) createFork() (int, any, error) {
	asked := struct{ Organization string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	login := c.who.login
	if asked.Organization != "" {
		login = asked.Organization
	}
	if c.who.app && asked.Organization == "" || login == owner(c.repository.Name) {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return http.StatusAccepted, c.repository.fork(login).whole(c.who), nil
}

func (c *call) listForks() (int, any, error) {
	var list []object
	for _, fork := range c.repository.forks() {
		list = append(list, fork.answer(c.who))
	}
	return page(c, list)
}

func (c *call) listBranches() (int, any, error) {
	var list []object
	for _, name := range c.repository.branches() {
		_, protected := c.repository.protected(name)
		if c.query("protected", strconv.FormatBool(protected)) != strconv.FormatBool(protected) {
			continue
		}
		sha := c.repository.tip(name)
		list = append(list, object{"name": name, "protected": protected, "commit": object{"sha": sha, "url": c.url("repos", c.repository.Name, "commits", sha)}})
	}
	return page(c, list)
}

func (c *call) getBranch() (int, any, error) {
	name := c.values["branch"]
	sha := c.repository.tip(name)
	if sha == "" {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	base := c.url("repos", c.repository.Name, "branches", escape(name))
	_, protected := c.repository.protected(name)
	return http.StatusOK, object{
		"name": name, "commit": c.repository.commit(sha), "protected": protected, "protection": object{"enabled": protected}, "protection_url": base + "/protection",
		"_links": object{"self": base, "html": c.Git + "/" + c.repository.Name + "/tree/" + escape(name)},
	}, nil
}

func (c *call) getProtection() (int, any, error) {
	name := c.values["branch"]
	if c.repository.tip(name) == "" {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	rule, protected := c.repository.protected(name)
	if !protected {
		return refuse(http.StatusNotFound, "Branch not protected")
	}
	base := c.url("repos", c.repository.Name, "branches", escape(name), "protection")
	answer := object{"url": base, "enforce_admins": object{"url": base + "/enforce_admins", "enabled": true}, "allow_force_pushes": object{"enabled": false}, "allow_deletions": object{"enabled": false}}
	if rule.Signed {
		answer["required_signatures"] = object{"url": base + "/required_signatures", "enabled": true}
	} else {
		answer["required_pull_request_reviews"] = object{
			"url": base + "/required_pull_request_reviews", "dismiss_stale_reviews": false, "require_code_owner_reviews": false, "required_approving_review_count": 1,
		}
	}
	return http.StatusOK, answer, nil
}

func (c *call) getPermission() (int, any, error) {
	login := c.values["username"]
	access := None
	for _, who := range c.tokens {
		if who.login == login {
			access = max(access, who.access)
		}
	}
	for _, user := range c.users {
		if user == login {
			access = max(access, Write)
		}
	}
	name := []string{"none", "read", "write", "admin"}[access]
	return http.StatusOK, object{"permission": name, "role_name": name, "user": c.user(login)}, nil
}

func (c *call) getCommit() (int, any, error) {
	sha := c.repository.resolve(c.values["ref"])
	if sha == "" {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.values["ref"])
	}
	answer := c.repository.commit(sha)
	if parents := c.repository.history(sha).parents; len(parents) > 0 {
		additions, deletions := 0, 0
		for _, file := range c.repository.changes(parents[0], sha) {
			additions, deletions = additions+file.additions, deletions+file.deletions
		}
		answer["files"], answer["stats"] = c.repository.diff(parents[0], sha), object{"additions": additions, "deletions": deletions, "total": additions + deletions}
	}
	return http.StatusOK, answer, nil
}

func (c *call) listCommits() (int, any, error) {
	sha := c.repository.resolve(c.query("sha", "main"))
	if sha == "" {
		return notFound()
	}
	arguments := []string{"rev-list", sha}
	if path := c.query("path", ""); path != "" {
		arguments = append(arguments, "--", path)
	}
	var list []object
	for _, commit := range fields(c.repository.git(arguments...)) {
		list = append(list, c.repository.commit(commit))
	}
	return page(c, list)
}

func (c *call) commitPulls() (int, any, error) {
	var list []object
	for _, p := range c.repository.pulls {
		for _, sha := range p.commits() {
			if sha == c.values["commit_sha"] {
				list = append(list, p.simple(c.who))
			}
		}
	}
	return page(c, list)
}

// compare answers for BASE...HEAD, where HEAD may be OWNER:BRANCH.
func (c *call) compare() (int, any, error) {
	from, to, found := strings.Cut(c.values["basehead"], "...")
	side := func(name string) string {
		in := c.repository
		if login, branch, qualified := strings.Cut(name, ":"); qualified {
			if in, name = c.relative(login), branch; in == nil {
				return ""
			}
			c.repository.fetch(in)
		}
		if sha := in.tip(name); sha != "" {
			return sha
		}
		return in.resolve(name)
	}
	base, head := side(from), side(to)
	if !found || base == "" || head == "" {
		return notFound()
	}
	merge, err := c.repository.try("merge-base", base, head)
	if err != nil {
		return refuse(http.StatusNotFound, "No common ancestor between "+from+" and "+to+".")
	}
	merge = strings.TrimSpace(merge)
	ahead, behind := fields(c.repository.git("rev-list", "--reverse", head, "^"+base)), fields(c.repository.git("rev-list", base, "^"+head))
	commits := make([]object, 0, len(ahead))
	for _, sha := range ahead {
		commits = append(commits, c.repository.commit(sha))
	}
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	html := c.Git + "/" + c.repository.Name + "/compare/" + escape(c.values["basehead"])
	return http.StatusOK, object{
		"url": c.url("repos", c.repository.Name, "compare", escape(c.values["basehead"])), "html_url": html, "permalink_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
		"base_commit": c.repository.commit(base), "merge_base_commit": c.repository.commit(merge), "status": status, "ahead_by": len(ahead), "behind_by": len(behind),
		"total_commits": len(ahead), "commits": commits, "files": c.repository.diff(merge, head),
	}, nil
}

func (r *Repository) content(ref, name, sha string, size int, kind string) object {
	base := r.server.url("repos", r.Name, "contents", strings.ReplaceAll(escape(name), "%2F", "/")) + "?ref=" + escape(ref)
	blob := r.server.url("repos", r.Name, "git/blobs", sha)
	html := r.server.Git + "/" + r.Name + "/blob/" + escape(ref) + "/" + escape(name)
	return object{
		"type": kind, "name": path.Base(name), "path": name, "sha": sha, "size": size, "url": base, "git_url": blob, "html_url": html, "download_url": html,
		"_links": object{"self": base, "git": blob, "html": html},
	}
}

func (c *call) getContent() (int, any, error) {
	ref, name := c.query("ref", "main"), strings.Trim(c.values["path"], "/")
	commit := c.repository.tip(ref)
	if commit == "" {
		commit = c.repository.resolve(ref)
	}
	if commit == "" {
		return refuse(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	kind, err := c.repository.try("cat-file", "-t", commit+":"+name)
	switch strings.TrimSpace(kind) {
	case "tree":
		list := make([]object, 0)
		for _, entry := range c.tree(strings.TrimSpace(c.repository.git("rev-parse", commit+":"+name)), []string{"ls-tree", "-z", "-l", "--full-tree"})["tree"].([]object) {
			size, _ := entry["size"].(int)
			list = append(list, c.repository.content(ref, path.Join(name, entry["path"].(string)), entry["sha"].(string), size, map[string]string{"tree": "dir", "blob": "file"}[entry["type"].(string)]))
		}
		return http.StatusOK, list, nil
	case "blob":
		text := c.repository.git("cat-file", "blob", commit+":"+name)
		answer := c.repository.content(ref, name, strings.TrimSpace(c.repository.git("rev-parse", commit+":"+name)), len(text), "file")
		answer["encoding"], answer["content"] = "base64", base64.StdEncoding.EncodeToString([]byte(text))
		return http.StatusOK, answer, nil
	}
	if err != nil {
		return notFound()
	}
	return notFound()
}

func (c *call) putContent() (int, any, error) {
	asked := struct {
		Message, Content, SHA, Branch string
		Author, Committer             *person
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if asked.Branch == "" {
		asked.Branch = "main"
	}
	name := c.values["path"]
	text, err := base64.StdEncoding.DecodeString(asked.Content)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
	}
	tip := c.repository.tip(asked.Branch)
	if tip == "" {
		return refuse(http.StatusNotFound, "Branch "+asked.Branch+" not found")
	}
	old, missing := c.repository.try("rev-parse", "--verify", "--quiet", tip+":"+name)
	switch old = strings.TrimSpace(old); {
	case missing == nil && asked.SHA == "":
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
	case asked.SHA != "" && asked.SHA != old:
		return refuse(http.StatusConflict, name+" does not match "+asked.SHA)
	}
	blob := strings.TrimSpace(c.git(c.repository.Dir, string(text), nil, "hash-object", "-w", "--stdin"))
	tree, err := c.repository.writeTree(tip, map[string]treeEntry{name: {mode: "100644", sha: blob}})
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "path contains a malformed path component")
	}
	sha := c.repository.writeCommit(c.who, asked.Message, tree, []string{tip}, asked.Author, asked.Committer)
	c.repository.verified[sha] = asked.Author == nil && asked.Committer == nil
	if _, answer, err := c.setRef("refs/heads/"+asked.Branch, sha, 0); err != nil {
		return 0, answer, err
	}
	status := http.StatusCreated
	if missing == nil {
		status = http.StatusOK
	}
	return status, object{"content": c.repository.content(asked.Branch, name, blob, len(text), "file"), "commit": c.repository.gitCommit(sha)}, nil
}
