package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// escape is a text as one segment of an address.
func escape(text string) string { return url.PathEscape(text) }

// contains says whether a commit has another in its history. One that is not there contains nothing.
func (r *Repository) contains(commit, other string) bool {
	if commit == "" || other == "" {
		return false
	}
	_, err := r.try("merge-base", "--is-ancestor", other, commit)
	return err == nil
}

// fetch brings the objects of a fork in, as GitHub's shared storage has them.
func (r *Repository) fetch(from *Repository) {
	if from != nil && from != r {
		r.git("fetch", "-q", "--no-tags", "--no-write-fetch-head", from.Dir, "+refs/heads/*:refs/forks/"+owner(from.Name)+"/*")
	}
}

// A change is a file that differs between two commits.
type change struct {
	path, status, sha    string
	additions, deletions int
}

func (r *Repository) changes(from, to string) []change {
	var list []change
	for line := range strings.SplitSeq(r.git("diff-tree", "-r", "-z", "--no-renames", "--numstat", from, to), "\x00") {
		columns := strings.SplitN(line, "\t", 3)
		if len(columns) < 3 {
			continue
		}
		additions, _ := strconv.Atoi(columns[0])
		deletions, _ := strconv.Atoi(columns[1])
		file := change{path: columns[2], status: "modified", additions: additions, deletions: deletions}
		before, gone := r.try("rev-parse", "--verify", "--quiet", from+":"+file.path)
		after, missing := r.try("rev-parse", "--verify", "--quiet", to+":"+file.path)
		switch {
		case gone != nil:
			file.status, file.sha = "added", after
		case missing != nil:
			file.status, file.sha = "removed", before
		default:
			file.sha = after
		}
		file.sha = strings.TrimSpace(file.sha)
		list = append(list, file)
	}
	return list
}

// diff are the differing files as the API shows them.
func (r *Repository) diff(from, to string) []object {
	list := make([]object, 0)
	for _, file := range r.changes(from, to) {
		patch := r.git("diff-tree", "-p", "--no-renames", from, to, "--", file.path)
		if at := strings.Index(patch, "\n@@"); at >= 0 {
			patch = strings.TrimSuffix(patch[at+1:], "\n")
		}
		base := r.server.Git + "/" + r.Name
		list = append(list, object{
			"sha": file.sha, "filename": file.path, "status": file.status, "additions": file.additions, "deletions": file.deletions, "changes": file.additions + file.deletions, "patch": patch,
			"blob_url": base + "/blob/" + to + "/" + escape(file.path), "raw_url": base + "/raw/" + to + "/" + escape(file.path),
			"contents_url": r.server.url("repos", r.Name, "contents", escape(file.path)+"?ref="+to),
		})
	}
	return list
}

// history is what git says of a commit.
type history struct {
	sha, tree, message string
	parents            []string
	author, committer  object
}

func (r *Repository) history(sha string) history {
	parts := strings.SplitN(r.git("show", "-s", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B", sha), "\x00", 10)
	person := func(at int) object {
		date, err := time.Parse(time.RFC3339, parts[at+2])
		r.server.check(err)
		return object{"name": parts[at], "email": parts[at+1], "date": date.UTC().Format(time.RFC3339)}
	}
	return history{
		sha: parts[0], tree: parts[1], parents: strings.Fields(parts[2]), author: person(3), committer: person(6), message: strings.TrimRight(parts[9], "\n"),
	}
}

func (r *Repository) verification(sha string) object {
	if r.verified[sha] {
		return object{"verified": true, "reason": "valid", "signature": "signed by GitHub", "payload": sha, "verified_at": "2026-01-01T00:00:00Z"}
	}
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func (r *Repository) parents(shas []string) []object {
	list := make([]object, 0, len(shas))
	for _, sha := range shas {
		list = append(list, object{"sha": sha, "url": r.server.url("repos", r.Name, "commits", sha), "html_url": r.server.Git + "/" + r.Name + "/commit/" + sha})
	}
	return list
}

// commit is a commit as the API of repositories shows it.
func (r *Repository) commit(sha string) object {
	h := r.history(sha)
	base := r.server.url("repos", r.Name, "commits", h.sha)
	return object{
		"sha": h.sha, "node_id": node("Commit", r.id) + h.sha, "url": base, "html_url": r.server.Git + "/" + r.Name + "/commit/" + h.sha, "comments_url": base + "/comments",
		"author": nil, "committer": nil, "parents": r.parents(h.parents),
		"commit": object{
			"author": h.author, "committer": h.committer, "message": h.message, "comment_count": 0, "url": r.server.url("repos", r.Name, "git/commits", h.sha),
			"tree": object{"sha": h.tree, "url": r.server.url("repos", r.Name, "git/trees", h.tree)}, "verification": r.verification(h.sha),
		},
	}
}

// gitCommit is a commit as the API of git's data shows it.
func (r *Repository) gitCommit(sha string) object {
	h := r.history(sha)
	return object{
		"sha": h.sha, "node_id": node("Commit", r.id) + h.sha, "url": r.server.url("repos", r.Name, "git/commits", h.sha), "html_url": r.server.Git + "/" + r.Name + "/commit/" + h.sha,
		"author": h.author, "committer": h.committer, "message": h.message, "parents": r.parents(h.parents),
		"tree": object{"sha": h.tree, "url": r.server.url("repos", r.Name, "git/trees", h.tree)}, "verification": r.verification(h.sha),
	}
}

func (r *Repository) ref(name, sha string) object {
	return object{
		"ref": name, "node_id": node("Ref", r.id) + name, "url": r.server.url("repos", r.Name, "git", name),
		"object": object{"type": "commit", "sha": sha, "url": r.server.url("repos", r.Name, "git/commits", sha)},
	}
}

func (c *call) getRef() (int, any, error) {
	name := "refs/" + c.values["ref"]
	if sha := c.repository.resolve(name); sha != "" {
		return http.StatusOK, c.repository.ref(name, sha), nil
	}
	return notFound()
}

func (c *call) matchingRefs() (int, any, error) {
	list := make([]object, 0)
	for _, line := range fields(c.repository.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")) {
		if sha, name, _ := strings.Cut(line, " "); strings.HasPrefix(name, "refs/"+c.values["ref"]) {
			list = append(list, c.repository.ref(name, sha))
		}
	}
	return http.StatusOK, list, nil
}

func (c *call) createRef() (int, any, error) {
	asked := struct{ Ref, SHA string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	_, bad := c.repository.try("check-ref-format", asked.Ref)
	switch {
	case bad != nil || strings.Count(asked.Ref, "/") < 2 || !strings.HasPrefix(asked.Ref, "refs/"):
		return refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and have at least two slashes")
	case c.repository.resolve(asked.Ref) != "":
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	case c.repository.resolve(asked.SHA) == "":
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	}
	return c.setRef(asked.Ref, asked.SHA, http.StatusCreated)
}

func (c *call) updateRef() (int, any, error) {
	asked := struct {
		SHA   string
		Force bool
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	name := "refs/" + c.values["ref"]
	old := c.repository.resolve(name)
	switch {
	case old == "":
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	case c.repository.resolve(asked.SHA) == "":
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case !asked.Force && !c.repository.contains(asked.SHA, old):
		return refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	return c.setRef(name, asked.SHA, http.StatusOK)
}

// setRef points a reference at a commit, unless a rule protects it.
func (c *call) setRef(name, sha string, status int) (int, any, error) {
	if branch, is := strings.CutPrefix(name, "refs/heads/"); is {
		if rule, protected := c.repository.protected(branch); protected && !(rule.Signed && c.repository.verified[sha]) {
			return refuse(http.StatusUnprocessableEntity, rule.message())
		}
	}
	c.repository.git("update-ref", name, sha)
	c.repository.settle()
	return status, c.repository.ref(name, sha), nil
}

func (c *call) deleteRef() (int, any, error) {
	name := "refs/" + c.values["ref"]
	if c.repository.resolve(name) == "" {
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if rule, protected := c.repository.protected(strings.TrimPrefix(name, "refs/heads/")); protected {
		return refuse(http.StatusUnprocessableEntity, rule.message())
	}
	c.repository.git("update-ref", "-d", name)
	c.repository.settle()
	return http.StatusNoContent, nil, nil
}

func (c *call) createBlob() (int, any, error) {
	asked := struct{ Content, Encoding string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	content := asked.Content
	if asked.Encoding == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(asked.Content, "\n", ""))
		if err != nil {
			return refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
		}
		content = string(decoded)
	}
	sha := strings.TrimSpace(c.git(c.repository.Dir, content, nil, "hash-object", "-w", "--stdin"))
	return http.StatusCreated, object{"sha": sha, "url": c.url("repos", c.repository.Name, "git/blobs", sha)}, nil
}

func (c *call) getBlob() (int, any, error) {
	sha := c.values["file_sha"]
	content, err := c.repository.try("cat-file", "blob", sha)
	if err != nil {
		return notFound()
	}
	return http.StatusOK, object{
		"sha": sha, "node_id": node("Blob", c.repository.id) + sha, "size": len(content), "url": c.url("repos", c.repository.Name, "git/blobs", sha),
		"encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(content)),
	}, nil
}

func (c *call) getTree() (int, any, error) {
	arguments := []string{"ls-tree", "-z", "-l", "--full-tree"}
	if c.r.URL.Query().Has("recursive") {
		arguments = append(arguments, "-r", "-t")
	}
	name, err := c.repository.try("rev-parse", "--verify", "--quiet", "--end-of-options", c.values["tree_sha"]+"^{tree}")
	if err != nil {
		return notFound()
	}
	return http.StatusOK, c.tree(strings.TrimSpace(name), arguments), nil
}

func (c *call) tree(sha string, arguments []string) object {
	list := make([]object, 0)
	for line := range strings.SplitSeq(c.repository.git(append(arguments, sha)...), "\x00") {
		about, path, found := strings.Cut(line, "\t")
		columns := strings.Fields(about)
		if !found || len(columns) != 4 {
			continue
		}
		entry := object{"mode": columns[0], "type": columns[1], "sha": columns[2], "path": path, "url": c.url("repos", c.repository.Name, "git", columns[1]+"s", columns[2])}
		if size, err := strconv.Atoi(columns[3]); err == nil {
			entry["size"] = size
		}
		list = append(list, entry)
	}
	return object{"sha": sha, "url": c.url("repos", c.repository.Name, "git/trees", sha), "truncated": false, "tree": list}
}

func (c *call) createTree() (int, any, error) {
	asked := struct {
		Base string `json:"base_tree"`
		Tree []struct {
			Path, Mode, Type string
			SHA, Content     *string
		}
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	files := make(map[string]treeEntry, len(asked.Tree))
	for _, entry := range asked.Tree {
		switch {
		case entry.SHA != nil:
			if _, err := c.repository.try("cat-file", "-e", *entry.SHA); err != nil {
				return refuse(http.StatusUnprocessableEntity, "tree.sha "+*entry.SHA+" is not a valid "+entry.Type)
			}
			files[entry.Path] = treeEntry{mode: entry.Mode, sha: *entry.SHA}
		case entry.Content != nil:
			files[entry.Path] = treeEntry{mode: entry.Mode, sha: strings.TrimSpace(c.git(c.repository.Dir, *entry.Content, nil, "hash-object", "-w", "--stdin"))}
		default:
			files[entry.Path] = treeEntry{}
		}
	}
	sha, err := c.repository.writeTree(asked.Base, files)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "tree.path contains a malformed path component")
	}
	return http.StatusCreated, c.tree(sha, []string{"ls-tree", "-z", "-l", "--full-tree"}), nil
}

// A treeEntry is a file of a tree to be made; an empty one is deleted.
type treeEntry struct{ mode, sha string }

// writeTree makes a tree of another one, or of nothing, and these files.
func (r *Repository) writeTree(base string, files map[string]treeEntry) (string, error) {
	index := []string{"GIT_INDEX_FILE=" + r.server.folder("index") + "/" + strconv.FormatInt(r.server.next(), 10)}
	var input strings.Builder
	for path, file := range files {
		if file.sha == "" {
			file = treeEntry{mode: "0", sha: strings.Repeat("0", 40)}
		}
		fmt.Fprintf(&input, "%s %s\t%s\x00", file.mode, file.sha, path)
	}
	if base != "" {
		if _, err := run(r.Dir, "", index, "read-tree", base); err != nil {
			return "", err
		}
	}
	if _, err := run(r.Dir, input.String(), index, "update-index", "-z", "--index-info"); err != nil {
		return "", err
	}
	sha, err := run(r.Dir, "", index, "write-tree")
	return strings.TrimSpace(sha), err
}

func (c *call) getGitCommit() (int, any, error) {
	if c.repository.resolve(c.values["commit_sha"]) == "" {
		return notFound()
	}
	return http.StatusOK, c.repository.gitCommit(c.values["commit_sha"]), nil
}

// A person is an author or a committer in a request.
type person struct{ Name, Email, Date string }

func (p *person) environment(who string) []string {
	if p == nil {
		return nil
	}
	list := []string{"GIT_" + who + "_NAME=" + p.Name, "GIT_" + who + "_EMAIL=" + p.Email}
	if p.Date != "" {
		list = append(list, "GIT_"+who+"_DATE="+p.Date)
	}
	return list
}

func (c *call) createCommit() (int, any, error) {
	asked := struct {
		Message, Tree, Signature string
		Parents                  []string
		Author, Committer        *person
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if _, err := c.repository.try("cat-file", "-e", asked.Tree+"^{tree}"); err != nil {
		return refuse(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	for _, parent := range asked.Parents {
		if c.repository.resolve(parent) == "" {
			return refuse(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
	}
	committer := asked.Committer
	if committer == nil {
		committer = asked.Author
	}
	sha := c.repository.writeCommit(c.who, asked.Message, asked.Tree, asked.Parents, asked.Author, committer)
	if c.who.app && asked.Author == nil && asked.Committer == nil && asked.Signature == "" {
		c.repository.verified[sha] = true
	}
	return http.StatusCreated, c.repository.gitCommit(sha), nil
}

// writeCommit makes a commit; without an author it is the one whose token it is.
func (r *Repository) writeCommit(who account, message, tree string, parents []string, author, committer *person) string {
	self := &person{Name: who.login, Email: who.login + "@users.noreply.github.com", Date: r.server.now()}
	arguments := []string{"commit-tree", tree}
	for _, parent := range parents {
		arguments = append(arguments, "-p", parent)
	}
	environment := append(self.environment("AUTHOR"), self.environment("COMMITTER")...)
	environment = append(append(environment, author.environment("AUTHOR")...), committer.environment("COMMITTER")...)
	return strings.TrimSpace(r.server.git(r.Dir, message, environment, arguments...))
}
