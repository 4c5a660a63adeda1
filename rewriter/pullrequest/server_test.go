package pullrequest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dekey/rewriter/pullrequest/githubtest"
)

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(withoutGit(os.Environ()), quiet...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// quiet keeps the machine's configuration out of a test.
var quiet = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com"}

// cloned is a server with a repository, and a clone of it without credentials.
func cloned(t *testing.T) (*githubtest.Server, *githubtest.Repository, *Clone, string) {
	t.Helper()
	hub := githubtest.New(t, githubtest.Config{Enterprise: true})
	repository := hub.Repository("acme/shop", map[string]string{"a.yaml": "a: 1\n"})
	dir := filepath.Join(t.TempDir(), "shop")
	gitIn(t, ".", "clone", "--quiet", repository.Dir, dir)
	gitIn(t, dir, "remote", "set-url", "origin", repository.URL())
	clone, err := OpenClone(t.Context(), dir, append(withoutGit(os.Environ()), quiet...))
	if err != nil {
		t.Fatal(err)
	}
	return hub, repository, clone, dir
}

func pushed(t *testing.T, clone *Clone, r Remote, branch string) error {
	t.Helper()
	h, err := clone.look(t.Context(), r, "")
	if err != nil {
		return err
	}
	e, err := clone.store(t.Context(), "100644", []byte("a: 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	base := h.commits["main"]
	tree, err := clone.tree(t.Context(), base, map[string]entry{"a.yaml": e})
	if err != nil {
		t.Fatal(err)
	}
	commit, err := clone.commit(t.Context(), base, tree, []string{"a.yaml"}, message("title", "", "plan", base, "", tree), Commit{})
	if err != nil {
		t.Fatal(err)
	}
	return clone.push(t.Context(), r, commit, branch, h.commits[branch])
}

// A GitHub App's installation: its token opens the pull request and pushes, and its key goes nowhere.
func TestApp(t *testing.T) {
	hub, repository, clone, _ := cloned(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hub.Install(12, 34, &key.PublicKey)
	options := GitHubOptions{Server: hub.Git, Owner: "acme", Name: "shop", Clock: &fakeClock{now: time.Now()}, Wait: time.Minute,
		App: &App{ID: 12, Installation: 34, Key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})}}
	forge, err := NewGitHub(options)
	if err != nil {
		t.Fatal(err)
	}
	r := Remote{Name: "origin", Host: hub.Git, Token: forge.Token}
	if err := pushed(t, clone, r, "dekey/migrate"); err != nil {
		t.Fatal(err)
	}
	pr, err := forge.Create(t.Context(), Proposal{Branch: "dekey/migrate", Base: "main", Title: "t", Body: managed(marker{}, "b"), Draft: true})
	if err != nil || !pr.Draft || repository.Branch("dekey/migrate") == "" {
		t.Fatalf("%+v, %v", pr, err)
	}
	options.App = &App{ID: 12, Installation: 99, Key: options.App.Key}
	if forge, err = NewGitHub(options); err != nil {
		t.Fatal(err)
	}
	if _, err = forge.Find(t.Context(), "x"); err == nil || !strings.Contains(hintOf(err), "--app-installation") {
		t.Errorf("another installation: %v, hint %q", err, hintOf(err))
	}
	options.App = &App{Key: []byte("no key, but a secret")}
	if _, err = NewGitHub(options); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no key: %v", err)
	}
}

// The token is git's last resort, for the one host: the user's own helper comes first, another host gets nothing, and no
// file of the clone has it.
func TestCredentials(t *testing.T) {
	hub, _, clone, dir := cloned(t)
	token := func(text string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return text, nil }
	}
	r := Remote{Name: "origin", Host: hub.Git, Token: token(hub.Token)}
	if err := pushed(t, clone, r, "dekey/one"); err != nil {
		t.Fatal(err)
	}
	// The server at Elsewhere records a token that reaches it as a violation.
	elsewhere := Remote{Name: hub.Elsewhere + "/acme/shop.git", Host: hub.Git, Token: token(hub.Token)}
	if _, err := clone.look(t.Context(), elsewhere, ""); err == nil || hintOf(err) == "" {
		t.Errorf("elsewhere: %v", err)
	}
	for _, request := range hub.Requests() {
		if request.Host == "elsewhere" && request.User != "" {
			t.Errorf("another host got a token: %+v", request)
		}
	}
	// The user's helper knows a good password, ours is never asked.
	gitIn(t, dir, "config", "credential.helper", `!f() { test "$1" = get && printf 'username=robot\npassword=%s\n' "$OWN_PASSWORD"; }; f`)
	clone.env = append(clone.env, "OWN_PASSWORD="+hub.Token)
	r.Token = token("ghp_wrong")
	if err := pushed(t, clone, r, "dekey/two"); err != nil {
		t.Errorf("the user's own helper: %v", err)
	}
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte(hub.Token)) {
			t.Errorf("the token is in %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What git prints is shown without secrets: not the token, not the user part of an address.
func TestScrub(t *testing.T) {
	c := &Clone{}
	c.Hide("")
	c.Hide("tok-en")
	got := c.scrub("fatal: https://robot:pass@github.com/x refused tok-en  \nremote: \n")
	if got != "fatal: https://***@github.com/x refused ***\n" {
		t.Errorf("%q", got)
	}
}

// A clone's configuration runs nothing while it is read: no hook, no monitor, no filter, no helper of a diff.
func TestReadingRunsNothing(t *testing.T) {
	_, _, clone, dir := cloned(t)
	ran := filepath.Join(t.TempDir(), "ran")
	trap := "touch " + ran + "; cat"
	for _, setting := range [][2]string{
		{"core.fsmonitor", "!" + trap}, {"diff.external", trap}, {"filter.x.smudge", trap}, {"filter.x.clean", trap}, {"diff.x.textconv", trap},
		{"core.sshCommand", trap}, {"core.pager", trap}, {"credential.helper", "!" + trap}, {"gpg.program", trap}, {"core.editor", trap},
	} {
		gitIn(t, dir, "config", setting[0], setting[1])
	}
	for _, hook := range []string{"post-checkout", "post-index-change", "reference-transaction"} {
		if err := os.WriteFile(filepath.Join(dir, ".git", "hooks", hook), []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".git", "info", "attributes"), []byte("* filter=x diff=x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	head := line(must(clone.read(t.Context(), nil, "rev-parse", "HEAD")))
	at := must(clone.entries(t.Context(), head, []string{"a.yaml"}))
	if text := must(clone.blob(t.Context(), at["a.yaml"])); string(text) != "a: 1\n" {
		t.Errorf("read %q", text)
	}
	e := must(clone.store(t.Context(), "100644", []byte("a: 2\n")))
	must(clone.tree(t.Context(), head, map[string]entry{"a.yaml": e}))
	must(clone.branch(t.Context(), "dekey/x", head, head, nil))
	must(clone.owners(t.Context(), head))
	if _, err := os.Stat(ran); err == nil {
		t.Error("a command of the repository's configuration ran")
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
