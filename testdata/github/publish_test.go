package github

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-github/v60/github"
)

// program builds dekey once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dekey-ring-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "dekey")
	command := exec.Command("go", "build", "-o", file, "./cmd/dekey")
	command.Dir = filepath.Join("..", "..")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building dekey: %w\n%s", err, output)
	}
	return file, nil
})

// A user has a clone of the repository and a changeset that was made there.
type user struct {
	*hub
	t          *testing.T
	clone, out string
}

// shop is the example of the README as a repository.
func shop(t *testing.T) *user {
	t.Helper()
	root := filepath.Join("..", "shop")
	content := make(map[string]string)
	if err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		path, _ := filepath.Rel(root, name)
		content[filepath.ToSlash(path)] = string(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	u := &user{hub: start(t, "acme/shop", content), t: t, clone: filepath.Join(t.TempDir(), "clone")}
	if output, err := exec.CommandContext(t.Context(), "git", "clone", "-q", u.Repository.Dir, u.clone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	u.git("remote", "set-url", "origin", u.URL+"/acme/shop.git")
	u.draft("")
	return u
}

// draft drafts by the example's policy, with more behind it.
func (u *user) draft(more string) {
	u.t.Helper()
	policy, err := os.ReadFile(filepath.Join("..", "shop", "dekey.yaml"))
	if err != nil {
		u.t.Fatal(err)
	}
	dir := u.t.TempDir()
	u.out = filepath.Join(dir, "out")
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, append(policy, more...), 0o666); err != nil {
		u.t.Fatal(err)
	}
	if stdout, stderr, code := u.run("draft", u.clone, "--policy", file, "--out", u.out); code != 0 {
		u.t.Fatalf("draft: exit code %d\n%s%s", code, stdout, stderr)
	}
}

func (u *user) git(args ...string) {
	u.t.Helper()
	if output, err := exec.CommandContext(u.t.Context(), "git", append([]string{"-C", u.clone}, args...)...).CombinedOutput(); err != nil {
		u.t.Fatalf("git %v: %v\n%s", args, err, output)
	}
}

// run runs dekey as a user does, and gives what it prints and its exit code. Nothing of it may hold the token.
func (u *user) run(args ...string) (stdout, stderr string, code int) {
	u.t.Helper()
	file, err := program()
	if err != nil {
		u.t.Fatal(err)
	}
	command := exec.CommandContext(u.t.Context(), file, args...)
	command.Dir = u.t.TempDir()
	home := u.t.TempDir()
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GITHUB_TOKEN=" + u.Token, "GIT_CONFIG_NOSYSTEM=1", "TZ=UTC",
		"GIT_AUTHOR_NAME=robot", "GIT_AUTHOR_EMAIL=robot@example.com", "GIT_COMMITTER_NAME=robot", "GIT_COMMITTER_EMAIL=robot@example.com"}
	var out, complaint strings.Builder
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil && command.ProcessState == nil {
		u.t.Fatal(err)
	}
	if strings.Contains(out.String()+complaint.String(), u.Token) {
		u.t.Error("the token is printed")
	}
	if data, err := os.ReadFile(filepath.Join(u.clone, ".git", "config")); err != nil || strings.Contains(string(data), u.Token) {
		u.t.Errorf("the clone's configuration holds the token, or cannot be read: %v", err)
	}
	return out.String(), complaint.String(), command.ProcessState.ExitCode()
}

// A publication is what publish -o json prints.
type publication struct {
	PullRequests []struct {
		Number                             int
		Status, Branch, URL, Reason, Title string
		Draft                              bool
	}
}

// publish publishes and demands an outcome for the one pull request.
func (u *user) publish(want string, args ...string) publication {
	u.t.Helper()
	stdout, stderr, code := u.run(append([]string{"publish", u.out, "--repo", u.clone, "--github", "acme/shop", "--github-url", u.URL, "-o", "json"}, args...)...)
	var got publication
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		u.t.Fatalf("exit code %d, no document: %v\n%s\n%s", code, err, stdout, stderr)
	}
	if len(got.PullRequests) != 1 || got.PullRequests[0].Status != want || code != map[bool]int{true: 1, false: 0}[want == "failed"] {
		u.t.Fatalf("publish %q: exit code %d, want %s of one pull request:\n%s%s", args, code, want, stdout, stderr)
	}
	return got
}

// pull is the pull request as the person ann sees it.
func (u *user) pull(number int) *github.PullRequest {
	u.t.Helper()
	p, _, err := u.person().PullRequests.Get(u.t.Context(), "acme", "shop", number)
	if err != nil {
		u.t.Fatal(err)
	}
	return p
}

func (u *user) person() *github.Client {
	return world{api: u.URL + "/api/v3/"}.client(u.t, u.Other)
}

func (u *user) edit(number int, change *github.PullRequest) {
	u.t.Helper()
	if _, _, err := u.person().PullRequests.Edit(u.t.Context(), "acme", "shop", number, change); err != nil {
		u.t.Fatal(err)
	}
}

func (u *user) log() string { return strings.Join(u.Repository.Log("dekey/migrate"), "\n") }

// A pull request from its first draft to its merge, as people and dekey work on it in turns.
func TestPublish(t *testing.T) {
	u := shop(t)
	first := u.publish("created", "--labels", "security,keys", "--reviewers", "ann")
	opened := u.pull(1)
	if opened.GetState() != "open" || !opened.GetDraft() || opened.GetHead().GetLabel() != "acme:dekey/migrate" || len(opened.Labels) != 2 || len(opened.RequestedReviewers) != 1 {
		t.Errorf("pull request %v", opened)
	}
	if !strings.Contains(opened.GetBody(), "```mermaid") || len(opened.GetBody()) > 65536 {
		t.Errorf("body of %d bytes:\n%s", len(opened.GetBody()), opened.GetBody())
	}
	if first.PullRequests[0].Number != 1 {
		t.Errorf("result %+v", first)
	}
	head := u.Repository.Branch("dekey/migrate")

	u.publish("unchanged")
	if u.Repository.Branch("dekey/migrate") != head || u.pull(1).GetBody() != opened.GetBody() {
		t.Error("a second run with nothing new changed something")
	}

	// A person writes around dekey's part, ticks a box, and pushes a commit. All of it stays.
	body := "Please look at this first.\n\n" + strings.Replace(opened.GetBody(), "- [ ]", "- [x]", 1) + "\n\nThanks."
	u.edit(1, &github.PullRequest{Body: &body, Title: github.String("A better title")})
	u.Repository.Commit("dekey/migrate", "ann", "a note", map[string]string{"NOTES.md": "by hand\n"})
	u.publish("unchanged")
	if got := u.pull(1); got.GetBody() != body || got.GetTitle() != "A better title" {
		t.Errorf("title %q, body:\n%s", got.GetTitle(), got.GetBody())
	}
	if !strings.HasPrefix(u.log(), "ann: a note\nrobot: ") {
		t.Errorf("the branch has\n%s", u.log())
	}

	// Another plan comes on top of it, in the same pull request.
	u.draft(`  frontend/web-gcp: web@acme-shop.iam.gserviceaccount.com
workloads:
- workload: frontend/Deployment/web
  answers: {program-reads-key: reads-adc, by: ann, reason: looked}
`)
	u.Limit(403, 429)
	u.publish("updated")
	if got := u.log(); strings.Count(got, "robot: ") != 2 || !strings.Contains(got, "ann: a note") {
		t.Errorf("the branch has\n%s", got)
	}
	changed := u.pull(1)
	if text := changed.GetBody(); !strings.HasPrefix(text, "Please look at this first.") || !strings.HasSuffix(text, "Thanks.") || !strings.Contains(text, "- [x]") || !strings.Contains(text, "frontend/Deployment/web") {
		t.Errorf("body:\n%s", text)
	}
	u.publish("unchanged")

	// The base moves on elsewhere: the pull request stays as it is, and can be merged.
	u.Repository.Commit("main", "ann", "elsewhere", map[string]string{"OTHER.md": "x\n"})
	u.publish("unchanged")

	u.publish("updated", "--draft=false")
	if u.pull(1).GetDraft() {
		t.Error("it is still a draft")
	}

	// Closed by a person it stays closed, until somebody asks for more.
	u.edit(1, &github.PullRequest{State: github.String("closed")})
	u.publish("unchanged", "--draft=false")
	if u.pull(1).GetState() != "closed" {
		t.Error("what a person closed is open again")
	}
	u.publish("updated", "--draft=false", "--reopen")
	if got := u.pull(1); got.GetState() != "open" {
		t.Errorf("state %s", got.GetState())
	}
}

// Merged, there is nothing left to propose. (emulate merges the head that a pull request was opened with.)
func TestPublishMerged(t *testing.T) {
	u := shop(t)
	u.publish("created", "--draft=false")
	if _, _, err := u.person().PullRequests.Merge(t.Context(), "acme", "shop", 1, "", nil); err != nil {
		t.Fatal(err)
	}
	after := u.publish("unchanged", "--draft=false")
	if after.PullRequests[0].Number != 1 || len(u.Repository.Branches()) != 2 || u.pull(1).GetState() != "closed" {
		t.Errorf("after the merge: %+v, branches %q", after, u.Repository.Branches())
	}
}

// GitHub itself makes the commit, which it signs; what git has then is what emulate made.
func TestPublishByAPI(t *testing.T) {
	u := shop(t)
	u.publish("created", "--api-commit")
	want, err := os.ReadFile(filepath.Join(u.out, "changes.patch"))
	if err != nil {
		t.Fatal(err)
	}
	u.git("fetch", "-q", u.Repository.Dir, "dekey/migrate:theirs")
	u.git("apply", "--index", filepath.Join(u.out, "changes.patch"))
	u.git("diff", "--cached", "--exit-code", "theirs")
	if len(want) == 0 {
		t.Error("the example has nothing to publish")
	}
	u.publish("unchanged", "--api-commit")
}

// dekey closes what it opened.
func TestPublishClose(t *testing.T) {
	u := shop(t)
	u.publish("created")
	if stdout, stderr, code := u.run("publish", "--repo", u.clone, "--github", "acme/shop", "--github-url", u.URL, "--close", "--delete-branches"); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if got := u.pull(1); got.GetState() != "closed" || len(u.Repository.Branches()) != 1 {
		t.Errorf("state %s, branches %q", got.GetState(), u.Repository.Branches())
	}
}
