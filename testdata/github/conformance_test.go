package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"dekey/rewriter/pullrequest/githubtest"
)

// A world is a GitHub and how to reach it.
type world struct {
	api, token, other string
	repository        *githubtest.Repository
}

func (w world) client(t *testing.T, token string) *github.Client {
	t.Helper()
	address, err := url.Parse(w.api)
	if err != nil {
		t.Fatal(err)
	}
	c := github.NewClient(nil).WithAuthToken(token)
	c.BaseURL = address
	return c
}

var files = map[string]string{"apps/api.yaml": "kind: Pod\n", "CODEOWNERS": "* @acme/all\n", "deep/er/file.txt": "x\n"}

// differences are the steps whose outcomes differ, and why that is right.
var differences = map[string]string{
	"assigned":                        "a pull request is an issue for GitHub, with assignees; emulate answers 404",
	"commits":                         "a pull request's commits are those that its base lacks; emulate lists the merge base too",
	"files":                           "emulate lists no files",
	"branch deleted twice":            "GitHub answers 422 where a reference does not exist, emulate 404",
	"read after the head was deleted": "GitHub closes a pull request whose head branch is deleted; emulate leaves it open",
}

// The same calls get the same outcomes from emulate and from the GitHub of dekey's own tests.
func TestConformance(t *testing.T) {
	h := start(t, "acme/shop", files)
	ours := githubtest.New(t, githubtest.Config{Enterprise: true})
	other := ours.NewToken("ann", githubtest.Write)
	theirs := journey(t, world{api: h.URL + "/api/v3/", token: h.Token, other: h.Other, repository: h.Repository})
	mine := journey(t, world{api: ours.API, token: ours.Token, other: other, repository: ours.Repository("acme/shop", files)})
	if len(theirs) != len(mine) {
		t.Fatalf("%d steps and %d", len(theirs), len(mine))
	}
	for i := range mine {
		name, _, _ := strings.Cut(mine[i], ": ")
		reason, known := differences[name]
		switch same := mine[i] == theirs[i]; {
		case !same && !known:
			t.Errorf("githubtest  %s\nemulate     %s", mine[i], theirs[i])
		case same && known:
			t.Errorf("%s: the outcomes are the same, and the table says that they differ: %s", name, reason)
		}
	}
}

// journey makes the calls, and gives an outcome for each.
func journey(t *testing.T, w world) []string {
	t.Helper()
	ctx, c, r := t.Context(), w.client(t, w.token), w.repository
	var outcomes []string
	step := func(name string, err error, seen ...any) {
		outcome := name + ": "
		var refused *github.ErrorResponse
		switch {
		case errors.As(err, &refused):
			outcome += fmt.Sprint(refused.Response.StatusCode)
			if refused.Response.StatusCode >= 500 {
				t.Fatalf("%s: %v", name, err)
			}
		case err != nil && !errors.As(err, new(*github.AcceptedError)):
			outcome += err.Error()
		default:
			outcome += fmt.Sprint(seen...)
		}
		outcomes = append(outcomes, outcome)
	}
	show := func(p *github.PullRequest) string {
		if p == nil {
			return ""
		}
		return fmt.Sprintf("#%d %s draft=%t merged=%t %q %q %s->%s by %s", p.GetNumber(), p.GetState(), p.GetDraft(), p.GetMerged(), p.GetTitle(), p.GetBody(),
			p.GetHead().GetLabel(), p.GetBase().GetRef(), p.GetUser().GetLogin())
	}
	create := func(name, head, base, body string, draft bool) *github.PullRequest {
		p, _, err := c.PullRequests.Create(ctx, "acme", "shop", &github.NewPullRequest{Title: github.String("Move keys"), Head: &head, Base: &base, Body: &body, Draft: &draft})
		step(name, err, show(p))
		return p
	}
	get := func(name string, number int) *github.PullRequest {
		p, _, err := c.PullRequests.Get(ctx, "acme", "shop", number)
		step(name, err, show(p))
		return p
	}
	list := func(name string, o github.PullRequestListOptions) {
		found, _, err := c.PullRequests.List(ctx, "acme", "shop", &o)
		var all []string
		for _, p := range found {
			all = append(all, fmt.Sprintf("#%d %s", p.GetNumber(), p.GetState()))
		}
		step(name, err, all)
	}
	repo, _, err := c.Repositories.Get(ctx, "acme", "shop")
	step("repository", err, repo.GetFullName(), repo.GetDefaultBranch(), repo.GetFork())
	_, _, err = c.Repositories.Get(ctx, "acme", "nothing")
	step("no repository", err)
	_, _, err = w.client(t, "ghp_none").Repositories.Get(ctx, "acme", "shop")
	step("bad token", err)
	me, _, err := c.Users.Get(ctx, "")
	step("user", err, me.GetLogin())
	list("no pull requests", github.PullRequestListOptions{State: "all"})
	create("head missing", "dekey/migrate", "main", "", true)

	first := r.Commit("dekey/migrate", "robot", "change", map[string]string{"apps/api.yaml": "kind: Pod\n# moved\n"})
	ref, _, err := c.Git.GetRef(ctx, "acme", "shop", "heads/dekey/migrate")
	step("ref", err, ref.GetObject().GetSHA() == first, ref.GetRef())
	_, _, err = c.Git.GetRef(ctx, "acme", "shop", "heads/none")
	step("no ref", err)
	branch, _, err := c.Repositories.GetBranch(ctx, "acme", "shop", "dekey/migrate", 0)
	step("branch", err, branch.GetName(), branch.GetProtected(), branch.GetCommit().GetSHA() == first)
	_, _, err = c.Repositories.GetBranch(ctx, "acme", "shop", "none", 0)
	step("no branch", err)
	refs, _, err := c.Git.ListMatchingRefs(ctx, "acme", "shop", &github.ReferenceListOptions{Ref: "heads/dekey/"})
	step("matching refs", err, len(refs))
	create("base missing", "dekey/migrate", "none", "", true)
	create("created", "dekey/migrate", "main", "<!-- marker -->\ntext", true)
	create("created twice", "dekey/migrate", "main", "", true)
	create("created twice with owner", "acme:dekey/migrate", "main", "", false)
	list("by head", github.PullRequestListOptions{Head: "acme:dekey/migrate"})
	list("by another owner's head", github.PullRequestListOptions{Head: "ann:dekey/migrate"})
	list("by head and base", github.PullRequestListOptions{Head: "acme:dekey/migrate", Base: "none"})
	get("no pull request", 99)
	one := get("read", 1)
	step("head", nil, one.GetHead().GetSHA() == first)
	edited, _, err := c.PullRequests.Edit(ctx, "acme", "shop", 1, &github.PullRequest{Title: github.String("Move two"), Body: github.String("new\nbody")})
	step("edited", err, show(edited))
	labels, _, err := c.Issues.AddLabelsToIssue(ctx, "acme", "shop", 1, []string{"dekey", "security"})
	step("labelled", err, labelNames(labels))
	labels, _, err = c.Issues.AddLabelsToIssue(ctx, "acme", "shop", 1, []string{"dekey"})
	step("labelled again", err, labelNames(labels))
	assigned, _, err := c.Issues.AddAssignees(ctx, "acme", "shop", 1, []string{"ann"})
	step("assigned", err, logins(assigned != nil, func() []*github.User { return assigned.Assignees }))
	asked, _, err := c.PullRequests.RequestReviewers(ctx, "acme", "shop", 1, github.ReviewersRequest{Reviewers: []string{"ann"}})
	step("reviewers", err, logins(asked != nil, func() []*github.User { return asked.RequestedReviewers }))
	_, _, err = c.PullRequests.RequestReviewers(ctx, "acme", "shop", 1, github.ReviewersRequest{Reviewers: []string{"nobody"}})
	step("reviewer without access", err)
	comment, _, err := c.Issues.CreateComment(ctx, "acme", "shop", 1, &github.IssueComment{Body: github.String("hello")})
	step("comment", err, comment.GetBody(), comment.GetUser().GetLogin())
	comments, _, err := c.Issues.ListComments(ctx, "acme", "shop", 1, nil)
	step("comments", err, len(comments))
	commits, _, err := c.PullRequests.ListCommits(ctx, "acme", "shop", 1, nil)
	step("commits", err, len(commits))
	changed, _, err := c.PullRequests.ListFiles(ctx, "acme", "shop", 1, nil)
	step("files", err, len(changed))
	second := r.Commit("dekey/migrate", "ann", "by hand", map[string]string{"new.txt": "y\n"})
	step("pushed to", nil, get("read after a push", 1).GetHead().GetSHA() == second)
	compared, _, err := c.Repositories.CompareCommits(ctx, "acme", "shop", "main", "dekey/migrate", nil)
	step("compared", err, compared.GetStatus(), compared.GetAheadBy(), compared.GetBehindBy())
	owners, _, _, err := c.Repositories.GetContents(ctx, "acme", "shop", "CODEOWNERS", nil)
	step("contents", err, owners.GetPath(), owners.GetSize())
	_, _, _, err = c.Repositories.GetContents(ctx, "acme", "shop", "nothing", nil)
	step("no contents", err)
	person := w.client(t, w.other)
	closed, _, err := person.PullRequests.Edit(ctx, "acme", "shop", 1, &github.PullRequest{State: github.String("closed")})
	step("closed by a person", err, show(closed))
	list("open", github.PullRequestListOptions{})
	list("closed", github.PullRequestListOptions{State: "closed", Head: "acme:dekey/migrate"})
	open, _, err := c.PullRequests.Edit(ctx, "acme", "shop", 1, &github.PullRequest{State: github.String("open")})
	step("reopened", err, show(open))
	apiCommit(ctx, c, step)
	create("second pull request", "dekey/api", "main", "", false)
	list("two", github.PullRequestListOptions{})
	merged, _, err := person.PullRequests.Merge(ctx, "acme", "shop", 2, "", nil)
	step("merged", err, merged.GetMerged())
	get("read merged", 2)
	reopened, _, err := c.PullRequests.Edit(ctx, "acme", "shop", 2, &github.PullRequest{State: github.String("open")})
	step("reopen merged", err, show(reopened))
	text, found := r.File("main", "by-api.txt")
	step("merged file", nil, text, found)
	_, err = c.Git.DeleteRef(ctx, "acme", "shop", "refs/heads/dekey/api")
	step("branch deleted", err)
	_, err = c.Git.DeleteRef(ctx, "acme", "shop", "refs/heads/dekey/api")
	step("branch deleted twice", err)
	r.Reset("dekey/migrate", "")
	get("read after the head was deleted", 1)
	return outcomes
}

// apiCommit makes a commit by the API alone.
func apiCommit(ctx context.Context, c *github.Client, step func(string, error, ...any)) {
	ref, _, err := c.Git.GetRef(ctx, "acme", "shop", "heads/main")
	step("main", err, ref.GetRef())
	base, _, err := c.Git.GetCommit(ctx, "acme", "shop", ref.GetObject().GetSHA())
	step("commit", err, base.GetMessage())
	tree, _, err := c.Git.CreateTree(ctx, "acme", "shop", base.GetTree().GetSHA(), []*github.TreeEntry{
		{Path: github.String("by-api.txt"), Mode: github.String("100644"), Type: github.String("blob"), Content: github.String("z\n")},
	})
	step("tree made", err, tree.GetSHA())
	made, _, err := c.Git.CreateCommit(ctx, "acme", "shop", &github.Commit{Message: github.String("by API"), Tree: tree, Parents: []*github.Commit{base}}, nil)
	step("commit made", err, made.GetMessage(), made.GetTree().GetSHA())
	at := &github.Reference{Ref: github.String("refs/heads/dekey/api"), Object: &github.GitObject{SHA: made.SHA}}
	_, _, err = c.Git.CreateRef(ctx, "acme", "shop", at)
	step("ref made", err)
	_, _, err = c.Git.CreateRef(ctx, "acme", "shop", at)
	step("ref made twice", err)
	_, _, err = c.Git.UpdateRef(ctx, "acme", "shop", &github.Reference{Ref: at.Ref, Object: &github.GitObject{SHA: base.SHA}}, false)
	step("no fast forward", err)
	_, _, err = c.Git.CreateRef(ctx, "acme", "shop", &github.Reference{Ref: github.String("refs/heads/none"), Object: &github.GitObject{SHA: github.String(strings.Repeat("1", 40))}})
	step("ref to nothing", err)
}

// logins are the names of an answer's users, where there is an answer.
func logins(answered bool, users func() []*github.User) []string {
	var list []string
	if answered {
		for _, user := range users() {
			list = append(list, user.GetLogin())
		}
	}
	return list
}

func labelNames(labels []*github.Label) []string {
	var list []string
	for _, label := range labels {
		list = append(list, label.GetName())
	}
	slices.Sort(list)
	return list
}
