package githubtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
)

func client(t *testing.T, hub *Server, token string) *github.Client {
	t.Helper()
	c := github.NewClient(nil).WithAuthToken(token)
	address, err := url.Parse(hub.API)
	if err != nil {
		t.Fatal(err)
	}
	c.BaseURL = address
	return c
}

// gitIn runs git as a person does, with the token in an extra header that no file keeps.
func gitIn(t *testing.T, hub *Server, token, dir string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir = dir
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("x-access-token", token)
	command.Env = append(hermetic(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http."+hub.Git+"/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: "+basic.Header.Get("Authorization"))
	output, err := command.CombinedOutput()
	return string(output), err
}

// push clones the repository, changes a file on a branch and pushes it.
func push(t *testing.T, hub *Server, repository *Repository, token, branch, file, content string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if output, err := gitIn(t, hub, token, dir, "clone", "-q", repository.URL(), "."); err != nil {
		return output, err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"checkout", "-q", "-b", branch}, {"add", "-A"}, {"commit", "-q", "-m", "change"}} {
		if output, err := gitIn(t, hub, token, dir, args...); err != nil && branch != "main" {
			t.Fatalf("git %v: %v\n%s", args, err, output)
		}
	}
	return gitIn(t, hub, token, dir, "push", "-q", "origin", "HEAD:refs/heads/"+branch)
}

func shop(t *testing.T, config Config) (*Server, *Repository) {
	t.Helper()
	hub := New(t, config)
	return hub, hub.Repository("acme/shop", map[string]string{"apps/api.yaml": "kind: Pod\n", ".github/CODEOWNERS": "/apps/ @acme/payments\n"})
}

// What a client does for a pull request from beginning to end, in both styles of address. Every call is held to
// GitHub's description, and New's cleanup fails the test for what is not as described.
func TestPullRequestJourney(t *testing.T) {
	for _, config := range []Config{{}, {Enterprise: true}} {
		t.Run(fmt.Sprintf("enterprise %t", config.Enterprise), func(t *testing.T) {
			hub, repository := shop(t, config)
			hub.AddUser("ann")
			hub.AddTeam("payments")
			ctx, c := t.Context(), client(t, hub, hub.Token)
			if output, err := push(t, hub, repository, hub.Token, "dekey/migrate", "apps/api.yaml", "kind: Pod\n# moved\n"); err != nil {
				t.Fatalf("pushing: %v\n%s", err, output)
			}
			ok := func(what string, err error) {
				t.Helper()
				if err != nil && !errors.As(err, new(*github.AcceptedError)) {
					t.Fatalf("%s: %v", what, err)
				}
			}
			opened, _, err := c.PullRequests.Create(ctx, "acme", "shop", &github.NewPullRequest{
				Title: github.String("Move keys"), Head: github.String("dekey/migrate"), Base: github.String("main"), Body: github.String("<!-- marker -->"), Draft: github.Bool(true),
			})
			ok("creating", err)
			found, _, err := c.PullRequests.List(ctx, "acme", "shop", &github.PullRequestListOptions{State: "all", Head: "acme:dekey/migrate", Base: "main"})
			ok("listing", err)
			if len(found) != 1 || found[0].GetNumber() != opened.GetNumber() || found[0].GetHead().GetSHA() != repository.Branch("dekey/migrate") {
				t.Errorf("the pull request is not found by its head: %v", found)
			}
			if found, _, err = c.PullRequests.List(ctx, "acme", "shop", &github.PullRequestListOptions{Head: "other:dekey/migrate"}); err != nil || len(found) != 0 {
				t.Errorf("another owner's head finds %d pull requests, error %v", len(found), err)
			}
			_, _, err = c.PullRequests.Edit(ctx, "acme", "shop", 1, &github.PullRequest{Title: github.String("Move two keys"), Body: github.String("new")})
			ok("editing", err)
			_, _, err = c.Issues.AddLabelsToIssue(ctx, "acme", "shop", 1, []string{"dekey", "bug"})
			ok("labelling", err)
			_, _, err = c.PullRequests.RequestReviewers(ctx, "acme", "shop", 1, github.ReviewersRequest{Reviewers: []string{"ann"}, TeamReviewers: []string{"payments"}})
			ok("asking for reviews", err)
			_, _, err = c.Issues.AddAssignees(ctx, "acme", "shop", 1, []string{"ann", "nobody"})
			ok("assigning", err)
			_, _, err = c.Issues.CreateComment(ctx, "acme", "shop", 1, &github.IssueComment{Body: github.String("hello")})
			ok("commenting", err)
			files, _, err := c.PullRequests.ListFiles(ctx, "acme", "shop", 1, nil)
			ok("listing files", err)
			commits, _, err := c.PullRequests.ListCommits(ctx, "acme", "shop", 1, nil)
			ok("listing commits", err)
			if len(files) != 1 || files[0].GetFilename() != "apps/api.yaml" || files[0].GetAdditions() != 1 || len(commits) != 1 {
				t.Errorf("files %v, %d commits", files, len(commits))
			}
			whole, _, err := c.PullRequests.Get(ctx, "acme", "shop", 1)
			ok("reading", err)
			if !whole.GetMergeable() || whole.GetMergeableState() != "draft" || len(whole.RequestedTeams) != 1 || len(whole.Assignees) != 1 || len(whole.Labels) != 2 {
				t.Errorf("pull request %v", whole)
			}
			_, _, err = c.Issues.ListComments(ctx, "acme", "shop", 1, nil)
			ok("listing comments", err)
			_, _, err = c.Repositories.Get(ctx, "acme", "shop")
			ok("reading the repository", err)
			_, _, err = c.Repositories.GetBranch(ctx, "acme", "shop", "dekey/migrate", 0)
			ok("reading the branch", err)
			_, _, err = c.Git.GetRef(ctx, "acme", "shop", "heads/dekey/migrate")
			ok("reading the reference", err)
			_, _, err = c.Git.ListMatchingRefs(ctx, "acme", "shop", &github.ReferenceListOptions{Ref: "heads/dekey/"})
			ok("matching references", err)
			_, _, err = c.Repositories.CompareCommits(ctx, "acme", "shop", "main", "dekey/migrate", nil)
			ok("comparing", err)
			_, _, err = c.Repositories.ListBranches(ctx, "acme", "shop", nil)
			ok("listing branches", err)
			_, _, err = c.Repositories.ListCommits(ctx, "acme", "shop", &github.CommitsListOptions{SHA: "dekey/migrate"})
			ok("listing commits", err)
			_, _, err = c.Repositories.GetCommit(ctx, "acme", "shop", "dekey/migrate", nil)
			ok("reading a commit", err)
			_, _, err = c.RateLimit.Get(ctx)
			ok("reading the limits", err)
			_, _, err = c.Users.Get(ctx, "")
			ok("reading the user", err)
			owners, _, _, err := c.Repositories.GetContents(ctx, "acme", "shop", ".github/CODEOWNERS", nil)
			ok("reading the code owners", err)
			if text, _ := owners.GetContent(); !strings.Contains(text, "@acme/payments") {
				t.Errorf("code owners %q", text)
			}
			repository.MarkReady(1)
			_, _, err = c.PullRequests.Merge(ctx, "acme", "shop", 1, "", nil)
			ok("merging", err)
			if pulls := repository.Pulls(); len(pulls) != 1 || !pulls[0].Merged || pulls[0].Comments[0] != "robot: hello" {
				t.Errorf("pull requests %+v", pulls)
			}
			if text, _ := repository.File("main", "apps/api.yaml"); text != "kind: Pod\n# moved\n" {
				t.Errorf("merged file %q", text)
			}
			_, _, err = c.Repositories.CreateFork(ctx, "acme", "shop", nil)
			ok("forking", err)
			fork, _, err := c.Repositories.Get(ctx, "robot", "shop")
			ok("reading the fork", err)
			if !fork.GetFork() || fork.GetParent().GetFullName() != "acme/shop" {
				t.Errorf("fork %v", fork)
			}
		})
	}
}

// The same change made by the API's own git data, without a push.
func TestGitDataJourney(t *testing.T) {
	hub, repository := shop(t, Config{})
	ctx, c := t.Context(), client(t, hub, hub.Token)
	head := repository.Branch("main")
	base, _, err := c.Git.GetCommit(ctx, "acme", "shop", head)
	if err != nil {
		t.Fatal(err)
	}
	blob, _, err := c.Git.CreateBlob(ctx, "acme", "shop", &github.Blob{Content: github.String("a\n"), Encoding: github.String("utf-8")})
	if err != nil {
		t.Fatal(err)
	}
	tree, _, err := c.Git.CreateTree(ctx, "acme", "shop", base.GetTree().GetSHA(), []*github.TreeEntry{
		{Path: github.String("new/a.txt"), Mode: github.String("100644"), Type: github.String("blob"), SHA: blob.SHA},
		{Path: github.String("apps/api.yaml"), Mode: github.String("100644"), Type: github.String("blob")}, // deleted
	})
	if err != nil {
		t.Fatal(err)
	}
	commit, _, err := c.Git.CreateCommit(ctx, "acme", "shop", &github.Commit{Message: github.String("by API"), Tree: tree, Parents: []*github.Commit{base}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Git.CreateRef(ctx, "acme", "shop", &github.Reference{Ref: github.String("refs/heads/dekey/api"), Object: &github.GitObject{SHA: commit.SHA}}); err != nil {
		t.Fatal(err)
	}
	if text, found := repository.File("dekey/api", "new/a.txt"); !found || text != "a\n" {
		t.Errorf("new file %q, found %t", text, found)
	}
	if _, found := repository.File("dekey/api", "apps/api.yaml"); found {
		t.Error("the deleted file is still there")
	}
	written, _, err := c.Git.GetTree(ctx, "acme", "shop", tree.GetSHA(), true)
	if err != nil || len(written.Entries) != 4 {
		t.Errorf("tree %v, error %v", written, err)
	}
	if _, _, err := c.Git.GetBlob(ctx, "acme", "shop", blob.GetSHA()); err != nil {
		t.Error(err)
	}
	if _, _, err := c.Git.UpdateRef(ctx, "acme", "shop", &github.Reference{Ref: github.String("refs/heads/dekey/api"), Object: &github.GitObject{SHA: github.String(head)}}, false); status(err) != 422 {
		t.Errorf("an update that is no fast forward: %v", err)
	}
	put, _, err := c.Repositories.CreateFile(ctx, "acme", "shop", "README.md", &github.RepositoryContentFileOptions{Message: github.String("m"), Content: []byte("hi"), Branch: github.String("dekey/api")})
	if err != nil || !put.GetVerification().GetVerified() {
		t.Errorf("a file put by the API: %v, error %v", put, err)
	}
	if _, err := c.Git.DeleteRef(ctx, "acme", "shop", "refs/heads/dekey/api"); err != nil {
		t.Error(err)
	}
}

// status is the status of an error that GitHub answered with, 0 for none.
func status(err error) int {
	var answer *github.ErrorResponse
	if errors.As(err, &answer) {
		return answer.Response.StatusCode
	}
	return 0
}

func TestRefusals(t *testing.T) {
	hub, repository := shop(t, Config{})
	ctx := t.Context()
	repository.Commit("dekey/migrate", "robot", "change", map[string]string{"a": "b"})
	repository.Commit("dekey/other", "robot", "change", map[string]string{"b": "b"})
	reader, stranger := hub.NewToken("reader", Read), hub.NewToken("stranger", None)
	create := func(token, head, base, title, body string) error {
		_, _, err := client(t, hub, token).PullRequests.Create(ctx, "acme", "shop", &github.NewPullRequest{Title: &title, Head: &head, Base: &base, Body: &body})
		return err
	}
	if err := create(hub.Token, "dekey/migrate", "main", "t", ""); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 65537)
	for _, test := range []struct {
		name   string
		err    error
		status int
		text   string
	}{
		{"a second pull request for a head", create(hub.Token, "dekey/migrate", "main", "t", ""), 422, "A pull request already exists for acme:dekey/migrate."},
		{"the same with the owner named", create(hub.Token, "acme:dekey/migrate", "main", "t", ""), 422, "already exists"},
		{"a head that is missing", create(hub.Token, "dekey/none", "main", "t", ""), 422, "Field:head Code:invalid"},
		{"a base that is missing", create(hub.Token, "dekey/other", "none", "t", ""), 422, "Field:base Code:invalid"},
		{"a head without commits", create(hub.Token, "main", "main", "t", ""), 422, "No commits between main and main"},
		{"a body that is too long", create(hub.Token, "dekey/other", "main", "t", long), 422, "body is too long (maximum is 65536 characters)"},
		{"a title that is too long", create(hub.Token, "dekey/other", "main", long[:257], ""), 422, "title is too long"},
		{"a token that is none", create("ghp_none", "dekey/other", "main", "t", ""), 401, "Bad credentials"},
		{"a token that may only read", create(reader, "dekey/other", "main", "t", ""), 403, "Resource not accessible"},
		{"a token that sees nothing", create(stranger, "dekey/other", "main", "t", ""), 404, "Not Found"},
	} {
		if status(test.err) != test.status || !strings.Contains(fmt.Sprintf("%+v", test.err), test.text) {
			t.Errorf("%s: %+v, want %d %s", test.name, test.err, test.status, test.text)
		}
	}
	c := client(t, hub, hub.Token)
	for name, asked := range map[string]github.ReviewersRequest{
		"the author": {Reviewers: []string{"robot"}}, "somebody without access": {Reviewers: []string{"nobody"}}, "a team without access": {TeamReviewers: []string{"nobody"}},
	} {
		if _, _, err := c.PullRequests.RequestReviewers(ctx, "acme", "shop", 1, asked); status(err) != 422 {
			t.Errorf("a review by %s: %v", name, err)
		}
	}
	if _, _, err := c.Issues.AddLabelsToIssue(ctx, "acme", "shop", 1, []string{long[:51]}); status(err) != 422 {
		t.Errorf("a label that is too long: %v", err)
	}
	hub.Expire(hub.Token)
	if err := create(hub.Token, "dekey/other", "main", "t", ""); status(err) != 401 {
		t.Errorf("an expired token: %v", err)
	}
}

func TestPushRefusals(t *testing.T) {
	hub, repository := shop(t, Config{})
	repository.Protect("main", Protection{})
	repository.Protect("signed/*", Protection{Signed: true})
	reader, stranger := hub.NewToken("reader", Read), hub.NewToken("stranger", None)
	for _, test := range []struct{ name, token, branch, text string }{
		{"a protected branch", hub.Token, "main", "GH006: Protected branch update failed for refs/heads/main."},
		{"a branch for signed commits", hub.Token, "signed/deep/x", "Commits must have verified signatures."},
		{"a token that may only read", reader, "dekey/x", "403"},
		{"a token that sees nothing", stranger, "dekey/x", "not found"},
		{"a token that is none", "ghp_none", "dekey/x", "could not read Username"},
		{"a branch of nobody's", hub.Token, "dekey/x", ""},
	} {
		output, err := push(t, hub, repository, test.token, test.branch, "x", "x")
		if (err == nil) != (test.text == "") || !strings.Contains(output, test.text) {
			t.Errorf("%s: %v\n%s", test.name, err, output)
		}
	}
	c := client(t, hub, hub.Token)
	branch, _, err := c.Repositories.GetBranch(t.Context(), "acme", "shop", "main", 0)
	if err != nil || !branch.GetProtected() {
		t.Errorf("the protected branch: %v, error %v", branch, err)
	}
	if _, _, err := c.Repositories.GetBranchProtection(t.Context(), "acme", "shop", "main"); err == nil {
		t.Error("a token without administration reads the protection")
	}
	if _, _, err := client(t, hub, hub.NewToken("boss", Admin)).Repositories.GetBranchProtection(t.Context(), "acme", "shop", "main"); err != nil {
		t.Error(err)
	}
}

// A push of somebody else between what git was told and what it sends is refused by git itself.
func TestConcurrentPush(t *testing.T) {
	hub, repository := shop(t, Config{})
	repository.Commit("dekey/migrate", "robot", "first", map[string]string{"a": "1"})
	hub.Fault(Fault{On: "git/push", Times: 1, Do: func() {
		repository.Commit("dekey/migrate", "ann", "theirs", map[string]string{"b": "2"})
	}})
	dir := t.TempDir()
	for _, args := range [][]string{{"clone", "-q", "-b", "dekey/migrate", repository.URL(), "."}, {"commit", "-q", "--allow-empty", "-m", "ours"}} {
		if output, err := gitIn(t, hub, hub.Token, dir, args...); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	if output, err := gitIn(t, hub, hub.Token, dir, "push", "-q", "--force-with-lease=dekey/migrate", "origin", "HEAD:dekey/migrate"); err == nil {
		t.Errorf("a forced push went over somebody's commit:\n%s", output)
	}
	if got := repository.Log("dekey/migrate"); !slices.Equal(got, []string{"ann: theirs", "robot: first"}) {
		t.Errorf("the branch has %q", got)
	}
}

func TestPullRequestsFollowBranches(t *testing.T) {
	hub, repository := shop(t, Config{})
	ctx, c := t.Context(), client(t, hub, hub.Token)
	open := func(branch string) int {
		repository.Commit(branch, "robot", "change "+branch, map[string]string{branch: "x"})
		p, _, err := c.PullRequests.Create(ctx, "acme", "shop", &github.NewPullRequest{Title: github.String("t"), Head: &branch, Base: github.String("main")})
		if err != nil {
			t.Fatal(err)
		}
		return p.GetNumber()
	}
	deleted, emptied, merged, forced := open("deleted"), open("emptied"), open("merged"), open("forced")
	repository.Reset("deleted", "")
	repository.Reset("emptied", repository.Branch("main"))
	repository.Reset("main", repository.Branch("merged"))
	repository.ClosePull(forced)
	repository.Reset("forced", repository.Branch("main"))
	repository.Commit("forced", "ann", "other", map[string]string{"other": "y"})
	for _, test := range []struct {
		name           string
		number         int
		merged, reopen bool
	}{
		{"head deleted", deleted, false, false}, {"head reset to its base", emptied, false, false}, {"commits in the base", merged, true, false}, {"head replaced while closed", forced, false, false},
	} {
		p, _, err := c.PullRequests.Get(ctx, "acme", "shop", test.number)
		if err != nil || p.GetState() != "closed" || p.GetMerged() != test.merged {
			t.Errorf("%s: state %s, merged %t, error %v", test.name, p.GetState(), p.GetMerged(), err)
		}
		if _, _, err := c.PullRequests.Edit(ctx, "acme", "shop", test.number, &github.PullRequest{State: github.String("open")}); (err == nil) != test.reopen {
			t.Errorf("%s: reopening: %v", test.name, err)
		}
	}
	again := open("again")
	repository.ClosePull(again)
	if p, _, err := c.PullRequests.Edit(ctx, "acme", "shop", again, &github.PullRequest{State: github.String("open")}); err != nil || p.GetState() != "open" {
		t.Errorf("reopening: %v", err)
	}
}

func pullOf(head, base string) *github.NewPullRequest {
	return &github.NewPullRequest{Title: github.String("t"), Head: &head, Base: &base}
}
