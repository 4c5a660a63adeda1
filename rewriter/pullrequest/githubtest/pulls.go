package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// A pull is a pull request.
type pull struct {
	repository     *Repository
	headRepository *Repository // nil when it is gone
	id             int64
	number         int
	author         string
	title, body    string
	state          string // open or closed
	draft          bool
	maintainers    bool // may push to the head
	head, base     string
	headSHA        string
	baseSHA        string
	mergeSHA       string
	created        string
	updated        string
	closed         string
	merged         string
	mergedBy       string
	moved          bool // the head was moved to where the pull request's commits are not, while it was closed
	labels         []string
	assignees      []string
	reviewers      []string
	teams          []string
	comments       []comment
}

type comment struct {
	id               int64
	author, body     string
	created, updated string
}

// A Pull is what a test sees of a pull request.
type Pull struct {
	Number                                 int
	Author, Title, Body, State, Head, Base string // Head is OWNER:BRANCH
	Draft, Merged                          bool
	Labels, Assignees, Reviewers, Teams    []string
	Comments                               []string
	HeadSHA                                string
	Files                                  []string // paths that it changes
}

// Pulls are the repository's pull requests, in the order in which they were opened.
func (r *Repository) Pulls() []Pull {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.settle()
	var list []Pull
	for _, p := range r.pulls {
		seen := Pull{
			Number: p.number, Author: p.author, Title: p.title, Body: p.body, State: p.state, Head: p.label(p.headRepository, p.head), Base: p.base, Draft: p.draft, Merged: p.merged != "",
			Labels: slices.Clone(p.labels), Assignees: slices.Clone(p.assignees), Reviewers: slices.Clone(p.reviewers), Teams: slices.Clone(p.teams), HeadSHA: p.headSHA,
		}
		for _, comment := range p.comments {
			seen.Comments = append(seen.Comments, comment.author+": "+comment.body)
		}
		for _, file := range r.changes(p.mergeBase(), p.headSHA) {
			seen.Files = append(seen.Files, file.path)
		}
		list = append(list, seen)
	}
	return list
}

// Edit changes a pull request as a person does in the browser; change gets its body and returns the new one.
func (r *Repository) Edit(number int, change func(body string) string) {
	r.change(number, func(p *pull) { p.body = change(p.body) })
}

// Retitle gives a pull request another title, as a person does.
func (r *Repository) Retitle(number int, title string) {
	r.change(number, func(p *pull) { p.title = title })
}

// Retarget gives a pull request another base branch, as a person does.
func (r *Repository) Retarget(number int, base string) {
	r.change(number, func(p *pull) { p.base, p.baseSHA = base, r.tip(base) })
}

// ClosePull closes a pull request as a person does.
func (r *Repository) ClosePull(number int) { r.change(number, func(p *pull) { p.close() }) }

// MarkReady takes a pull request out of draft as a person does.
func (r *Repository) MarkReady(number int) { r.change(number, func(p *pull) { p.draft = false }) }

// Merge merges a pull request as a person does.
func (r *Repository) Merge(number int) {
	r.change(number, func(p *pull) {
		if err := p.merge("someone", "Merge pull request"); err != nil {
			r.server.config.Fatalf("githubtest: merging pull request %d: %v", number, err)
		}
	})
}

func (r *Repository) change(number int, change func(*pull)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.settle()
	p := r.pull(number)
	if p == nil {
		r.server.config.Fatalf("githubtest: %s has no pull request %d", r.Name, number)
		return
	}
	change(p)
	p.updated = r.server.now()
}

func (r *Repository) pull(number int) *pull {
	for _, p := range r.pulls {
		if p.number == number {
			return p
		}
	}
	return nil
}

func (r *Repository) open() []*pull {
	return slices.DeleteFunc(slices.Clone(r.pulls), func(p *pull) bool { return p.state != "open" })
}

// settle brings the pull requests up to the branches, as GitHub does after a push: one whose head went away, or has
// nothing that its base lacks, is closed; one whose commits are in its base counts as merged.
func (r *Repository) settle() {
	for _, target := range append(r.forks(), r, r.parent) {
		if target == nil {
			continue
		}
		for _, p := range target.pulls {
			p.settle()
		}
	}
}

func (p *pull) settle() {
	if p.merged != "" {
		return
	}
	head := ""
	if p.headRepository != nil {
		head = p.headRepository.tip(p.head)
	}
	r := p.repository
	if p.state == "closed" {
		p.moved = p.moved || head != p.headSHA && !r.contains(head, p.headSHA)
		return
	}
	base := r.tip(p.base)
	if head == p.headSHA && base == p.baseSHA {
		return
	}
	baseMoved, headMoved := base != p.baseSHA, head != p.headSHA
	p.updated = r.server.now()
	if base != "" {
		p.baseSHA = base
	}
	if head == "" {
		p.close()
		return
	}
	r.fetch(p.headRepository)
	p.headSHA = head
	switch {
	case baseMoved && !headMoved && r.contains(base, head):
		p.state, p.merged, p.closed, p.mergeSHA, p.mergedBy = "closed", p.updated, p.updated, base, "someone"
	case headMoved && r.contains(base, head):
		p.close()
	}
}

func (p *pull) close() {
	if p.state == "open" {
		p.state, p.closed = "closed", p.repository.server.now()
	}
}

// label is OWNER:BRANCH.
func (p *pull) label(in *Repository, branch string) string {
	if in == nil {
		return "unknown repository"
	}
	return owner(in.Name) + ":" + branch
}

func (p *pull) node() string { return node("PullRequest", p.id) }

func (p *pull) mergeBase() string {
	base, err := p.repository.try("merge-base", p.baseSHA, p.headSHA)
	if err != nil {
		return p.baseSHA
	}
	return strings.TrimSpace(base)
}

func (p *pull) commits() []string {
	return fields(p.repository.git("rev-list", "--reverse", "--topo-order", p.headSHA, "^"+p.mergeBase()))
}

func (p *pull) mergeable() bool {
	_, err := p.repository.try("merge-tree", "--write-tree", p.baseSHA, p.headSHA)
	return err == nil
}

func (p *pull) merge(who, title string) error {
	r := p.repository
	tree, err := r.try("merge-tree", "--write-tree", p.baseSHA, p.headSHA)
	if err != nil {
		return fmt.Errorf("it has conflicts: %w", err)
	}
	sha := strings.TrimSpace(r.git("commit-tree", "-m", fmt.Sprintf("%s #%d", title, p.number), "-p", p.baseSHA, "-p", p.headSHA, fields(tree)[0]))
	r.git("update-ref", "refs/heads/"+p.base, sha)
	p.mergeSHA, p.mergedBy, p.merged = sha, who, r.server.now()
	p.state, p.closed = "closed", p.merged
	r.settle()
	return nil
}

func (c *call) thePull(name string) (*pull, error) {
	if p := c.repository.pull(c.number(name)); p != nil {
		return p, nil
	}
	return nil, &refused{status: http.StatusNotFound, message: "Not Found"}
}

func (c *call) createPull() (int, any, error) {
	asked := struct {
		Title, Body, Head, Base string
		Draft                   bool
		Maintainers             *bool `json:"maintainer_can_modify"`
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	r := c.repository
	detail := func(field, code, message string) object {
		details := object{"resource": "PullRequest", "code": code}
		if field != "" {
			details["field"] = field
		}
		if message != "" {
			details["message"] = message
		}
		return details
	}
	if asked.Title == "" {
		return invalid(detail("title", "missing_field", ""))
	}
	if wrong := tooLong(asked.Title, asked.Body); wrong != nil {
		return invalid(wrong)
	}
	headIn, branch := r, asked.Head
	if login, rest, qualified := strings.Cut(asked.Head, ":"); qualified {
		headIn, branch = c.relative(login), rest
	}
	switch {
	case r.tip(asked.Base) == "":
		return invalid(detail("base", "invalid", ""))
	case headIn == nil || headIn.tip(branch) == "":
		return invalid(detail("head", "invalid", ""))
	}
	label := owner(headIn.Name) + ":" + branch
	for _, other := range r.open() {
		if other.head == branch && other.headRepository == headIn && other.base == asked.Base {
			return invalid(detail("", "custom", "A pull request already exists for "+label+"."))
		}
	}
	r.fetch(headIn)
	head, base := headIn.tip(branch), r.tip(asked.Base)
	if r.contains(base, head) {
		return invalid(detail("", "custom", fmt.Sprintf("No commits between %s and %s", asked.Base, asked.Head)))
	}
	if !c.mayWrite(c.who, headIn) {
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	r.numbers++
	now := c.now()
	p := &pull{
		repository: r, headRepository: headIn, id: c.next(), number: r.numbers, author: c.who.login, title: asked.Title, body: asked.Body, state: "open", draft: asked.Draft,
		head: branch, base: asked.Base, headSHA: head, baseSHA: base, created: now, updated: now, maintainers: headIn != r && (asked.Maintainers == nil || *asked.Maintainers),
	}
	r.pulls = append(r.pulls, p)
	answer := p.full(c.who, false)
	c.header.Set("Location", answer["url"].(string))
	return http.StatusCreated, answer, nil
}

// tooLong says what of a title and a body GitHub does not take.
func tooLong(title, body string) object {
	switch {
	case utf8.RuneCountInString(title) > 256:
		return object{"resource": "Issue", "code": "custom", "field": "title", "message": "title is too long (maximum is 256 characters)"}
	case utf8.RuneCountInString(body) > 65536:
		return object{"resource": "Issue", "code": "custom", "field": "body", "message": "body is too long (maximum is 65536 characters)"}
	}
	return nil
}

// relative is the repository of the same network that belongs to somebody.
func (c *call) relative(login string) *Repository {
	root := c.repository
	if root.parent != nil {
		root = root.parent
	}
	for _, candidate := range append(root.forks(), root) {
		if strings.EqualFold(owner(candidate.Name), login) {
			return candidate
		}
	}
	return nil
}

func (c *call) getPull() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, p.full(c.who, true), nil
}

func (c *call) listPulls() (int, any, error) {
	state, head, base := c.query("state", "open"), c.query("head", ""), c.query("base", "")
	var list []object
	for _, p := range c.repository.pulls {
		// A head without its owner is none: GitHub passes over it.
		otherHead := strings.Contains(head, ":") && p.label(p.headRepository, p.head) != head
		if state != "all" && p.state != state || base != "" && p.base != base || otherHead {
			continue
		}
		list = append(list, p.simple(c.who))
	}
	if c.query("direction", map[bool]string{true: "desc", false: "asc"}[c.query("sort", "created") == "created"]) == "desc" {
		slices.Reverse(list)
	}
	return page(c, list)
}

func (c *call) updatePull() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	asked := struct {
		Title, Body, State, Base *string
		Maintainers              *bool `json:"maintainer_can_modify"`
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if p.author != c.who.login && !c.mayWrite(c.who, c.repository) {
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	if asked.Base != nil && c.repository.tip(*asked.Base) == "" {
		return invalid(object{"resource": "PullRequest", "field": "base", "code": "invalid"})
	}
	if wrong := p.apply(asked.Title, asked.Body, asked.State); wrong != nil {
		return invalid(wrong)
	}
	if asked.Base != nil {
		p.base, p.baseSHA = *asked.Base, c.repository.tip(*asked.Base)
	}
	if asked.Maintainers != nil {
		p.maintainers = *asked.Maintainers
	}
	p.updated = c.now()
	return http.StatusOK, p.full(c.who, false), nil
}

// apply changes title, body and state, or says what GitHub does not take.
func (p *pull) apply(title, body, state *string) object {
	given := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	if wrong := tooLong(given(title), given(body)); wrong != nil {
		return wrong
	}
	if title != nil && *title == "" {
		return object{"resource": "Issue", "code": "missing_field", "field": "title"}
	}
	if given(state) == "open" && p.state == "closed" {
		if wrong := p.reopen(); wrong != nil {
			return wrong
		}
	}
	if given(state) == "closed" {
		p.close()
	}
	if title != nil {
		p.title = *title
	}
	if body != nil {
		p.body = *body
	}
	return nil
}

// reopen opens a closed pull request again where GitHub lets it.
func (p *pull) reopen() object {
	stays := func(message string) object {
		return object{"resource": "PullRequest", "code": "invalid", "field": "state", "message": message}
	}
	head := ""
	if p.headRepository != nil {
		head = p.headRepository.tip(p.head)
	}
	for _, other := range p.repository.open() {
		if other.head == p.head && other.headRepository == p.headRepository && other.base == p.base {
			return stays("state cannot be changed. There is already an open pull request from " + p.head + " to " + p.base + ".")
		}
	}
	switch {
	case p.merged != "":
		return stays("state cannot be changed. The pull request cannot be reopened.")
	case head == "":
		return stays("state cannot be changed. The " + p.head + " branch has been deleted.")
	case p.moved:
		return stays("state cannot be changed. The " + p.head + " branch was force-pushed or recreated.")
	case p.repository.contains(p.repository.tip(p.base), head):
		return stays("state cannot be changed. There are no new commits on the " + p.head + " branch.")
	}
	p.state, p.closed = "open", ""
	p.settle()
	return nil
}

func (c *call) pullCommits() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	list := make([]object, 0)
	for _, sha := range p.commits() {
		list = append(list, c.repository.commit(sha))
	}
	return page(c, list)
}

func (c *call) pullFiles() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	return page(c, c.repository.diff(p.mergeBase(), p.headSHA))
}

func (c *call) checkMerged() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	if p.merged == "" {
		return notFound()
	}
	return http.StatusNoContent, nil, nil
}

func (c *call) mergePull() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	asked := struct{ SHA string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	switch {
	case asked.SHA != "" && asked.SHA != p.headSHA:
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case p.state != "open" || p.draft || !p.mergeable():
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	if err := p.merge(c.who.login, "Merge pull request"); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"sha": p.mergeSHA, "merged": true, "message": "Pull Request successfully merged"}, nil
}
