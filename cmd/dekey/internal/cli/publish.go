package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dekey/rewriter/pullrequest"
	"dekey/scanner"
)

// publishing are the flags of publish.
type publishing struct {
	github, githubURL, repo, remote, fork, base   string
	stage, split                                  string
	maxOpen, maxHour                              int
	draft, reopen, signOff, apiCommit             bool
	labels, reviewers, teamReviewers, assignees   []string
	author, titleTemplate, bodyTemplate           string
	reportPath, format                            string
	appID, appInstallation                        int64
	appKey                                        string
	wait                                          time.Duration
	list, closeAll, deleteBranches, print, pushed bool

	flags *pflag.FlagSet
}

func newPublish(sys System) *cobra.Command {
	var p publishing
	cmd := &cobra.Command{
		Use:   "publish OUT --github OWNER/NAME",
		Short: "Put a changeset on a branch and propose it as a pull request",
		Long: `Takes the changeset folder OUT as it was reviewed, every digest checked, puts the change on
the branch dekey/migrate (dekey/migrate/GROUP with --split, dekey/cleanup for the second
stage) and opens or updates its pull request. The same changeset twice changes nothing.
It needs a clone of the repository and never touches its work tree, index or branches.

The token is GITHUB_TOKEN or GH_TOKEN, or a GitHub App's. git pushes with your own
credentials, and with the token where there are none. A base branch that moved on is
refused where it changed a file of the changeset. A commit of somebody else on the branch
is never forced over, a pull request that a person closed is not reopened unless --reopen
is given, text around dekey's part of the body and ticked boxes stay.

--stage cleanup is for after the deletion: the first stage is merged, and
runbook/evidence in OUT reports every key as deleted.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), sys, args) },
	}
	p.add(cmd.Flags())
	return cmd
}

func (p *publishing) add(f *pflag.FlagSet) {
	p.flags = f
	f.StringVar(&p.github, "github", "", "the repository, `OWNER/NAME` or HOST/OWNER/NAME")
	f.StringVar(&p.githubURL, "github-url", "https://github.com", "the `ADDRESS` of GitHub: of an Enterprise server, for one")
	f.StringVar(&p.repo, "repo", ".", "the clone, `DIR`")
	f.StringVar(&p.remote, "remote", "", "the `REMOTE` of the clone to push to (default: the one whose address is the repository's)")
	f.StringVar(&p.fork, "fork", "", "push to the fork of `OWNER` (or OWNER/NAME)")
	f.StringVar(&p.base, "base", "", "the `BRANCH` that the pull request is for (default: the repository's default branch)")
	f.StringVar(&p.stage, "stage", pullrequest.Migrate, "`STAGE`: migrate, or cleanup when the keys are deleted")
	f.StringVar(&p.split, "split", "", "a pull request for each `WHAT`: "+strings.Join(pullrequest.Splits, ", "))
	f.IntVar(&p.maxOpen, "max-open", 0, "at most `N` open pull requests of dekey at once; 0: any number")
	f.IntVar(&p.maxHour, "max-per-hour", 0, "open at most `N` pull requests an hour; 0: any number")
	f.BoolVar(&p.draft, "draft", true, "open drafts; --draft=false marks those that are open as ready for review")
	f.BoolVar(&p.reopen, "reopen", false, "reopen a pull request that a person closed")
	f.StringSliceVar(&p.labels, "labels", nil, "`LABELS` of a new pull request")
	f.StringSliceVar(&p.reviewers, "reviewers", nil, "`USERS` who are asked to review a new pull request")
	f.StringSliceVar(&p.teamReviewers, "team-reviewers", nil, "`TEAMS` that are asked to review it, by their short names")
	f.StringSliceVar(&p.assignees, "assignees", nil, "`USERS` whom it is assigned to")
	f.StringVar(&p.author, "author", "", "the commit's `AUTHOR`, as NAME <EMAIL> (default: as git is configured)")
	f.BoolVar(&p.signOff, "sign-off", false, "end the commit's message with Signed-off-by")
	f.BoolVar(&p.apiCommit, "api-commit", false, "let GitHub make the commits, which it then signs")
	f.StringVar(&p.titleTemplate, "title", "", "the title, a `TEMPLATE` of text/template over pullrequest.Parts")
	f.StringVar(&p.bodyTemplate, "body-template", "", "the body's template, a `FILE` of text/template over pullrequest.Parts")
	f.StringVar(&p.reportPath, "report-in-branch", "", "put the whole report on the branch too, at `PATH`")
	f.Int64Var(&p.appID, "app-id", 0, "the GitHub App's `ID`")
	f.Int64Var(&p.appInstallation, "app-installation", 0, "the `ID` of its installation")
	f.StringVar(&p.appKey, "app-key", "", "the `FILE` of the GitHub App's private key")
	f.DurationVar(&p.wait, "wait", 15*time.Minute, "wait for GitHub's rate limits no longer than `TIME` in all")
	f.BoolVar(&p.list, "list", false, "list the open pull requests of dekey, and do nothing else")
	f.BoolVar(&p.closeAll, "close", false, "close the open pull requests of dekey (of --stage, where it is given)")
	f.BoolVar(&p.deleteBranches, "delete-branches", false, "with --close: delete their branches too, where nobody else has a commit on them")
	f.BoolVar(&p.print, "print", false, "print what would be opened, and open nothing: no network, no token")
	f.BoolVar(&p.pushed, "push-only", false, "push the branches and open no pull request: works without GitHub")
	f.StringVarP(&p.format, "output", "o", "text", "`FORMAT` of standard output: text or json")
}

func (p *publishing) run(ctx context.Context, sys System, args []string) error {
	if err := p.check(args); err != nil {
		return err
	}
	owner, name, err := p.repository()
	if err != nil {
		return err
	}
	var forge *pullrequest.GitHub
	if !p.print && !p.pushed || p.apiCommit {
		if forge, err = p.forge(sys, owner, name); err != nil {
			return err
		}
	}
	if p.list {
		return p.printList(ctx, sys, forge)
	}
	if p.closeAll && !p.deleteBranches {
		return p.close(ctx, sys, forge, nil, owner, name)
	}
	clone, err := pullrequest.OpenClone(ctx, p.repo, os.Environ())
	if err != nil {
		return hinting(err)
	}
	for _, name := range []string{"GITHUB_TOKEN", "GH_TOKEN"} {
		if token, found := sys.LookupEnv(name); found {
			clone.Hide(token)
		}
	}
	if p.closeAll {
		return p.close(ctx, sys, forge, clone, owner, name)
	}
	r, err := p.request(sys, args[0], clone)
	if err != nil {
		return err
	}
	r.Repository = strings.Trim(owner+"/"+name, "/")
	if p.print {
		return p.show(sys, func() (pullrequest.Result, error) { return p.printed(ctx, r) })
	}
	if r.Upstream, r.Push, err = p.remotes(ctx, sys, clone, forge, owner, name); err != nil {
		return err
	}
	if forge != nil {
		r.Forge = forge
	}
	if p.pushed {
		r.Forge = nil
	}
	return p.show(sys, func() (pullrequest.Result, error) { return pullrequest.Publish(ctx, r) })
}

// check refuses command lines that contradict themselves.
func (p *publishing) check(args []string) error {
	switch {
	case p.format != "text" && p.format != "json":
		return usagef("--output %q: it is text or json (a format, never a path)", p.format)
	case p.stage != pullrequest.Migrate && p.stage != pullrequest.Cleanup:
		return usagef("--stage %q: it is migrate or cleanup", p.stage)
	case len(args) == 0 && !p.list && !p.closeAll:
		return hintf(usagef("publish needs OUT, the changeset folder"), "dekey publish out --github OWNER/NAME")
	case p.github == "" && !p.print && !p.pushed:
		return hintf(usagef("publish needs --github OWNER/NAME"), "--push-only pushes the branches alone, --print shows what would be opened")
	case p.apiCommit && p.pushed:
		return usagef("--api-commit and --push-only exclude each other: GitHub makes those commits")
	case p.split != "" && !isOneOf(p.split, pullrequest.Splits):
		return usagef("--split %q: it is one of %s", p.split, strings.Join(pullrequest.Splits, ", "))
	case strings.HasPrefix(p.base, "-"), strings.HasPrefix(p.remote, "-"), strings.ContainsAny(p.base, "*?[\\^:~ "):
		return usagef("--base %q, --remote %q: no such name can be", p.base, p.remote)
	case p.reportPath != "" && (!fs.ValidPath(p.reportPath) || strings.HasPrefix(p.reportPath, ".git/")):
		return usagef("--report-in-branch %q: it is a path in the repository, with forward slashes", p.reportPath)
	}
	return nil
}

func isOneOf(word string, list []string) bool {
	for _, one := range list {
		if one == word {
			return true
		}
	}
	return false
}

var repositoryName = regexp.MustCompile(`^(?:([A-Za-z0-9.-]+(?::[0-9]+)?)/)?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)$`)

// repository splits --github; HOST/OWNER/NAME sets the address too.
func (p *publishing) repository() (owner, name string, err error) {
	if p.github == "" {
		return "", "", nil
	}
	m := repositoryName.FindStringSubmatch(p.github)
	if m == nil {
		return "", "", hintf(usagef("--github %q: it is OWNER/NAME", p.github), "--github-url gives the address of an Enterprise server")
	}
	if m[1] != "" {
		p.githubURL = "https://" + m[1]
	}
	return m[2], m[3], nil
}

// forkOf is the owner and name of the repository that is pushed to.
func (p *publishing) forkOf(owner, name string) (string, string) {
	if p.fork == "" {
		return owner, name
	}
	forkOwner, forkName, _ := strings.Cut(p.fork, "/")
	return forkOwner, cmp.Or(forkName, name)
}

func (p *publishing) forge(sys System, owner, name string) (*pullrequest.GitHub, error) {
	o := pullrequest.GitHubOptions{
		Server: p.githubURL, Owner: owner, Name: name, Clock: systemClock{sys}, Wait: p.wait, Agent: tool(),
		Notify: func(text string) { fmt.Fprintf(sys.Stderr, "%s\n", visible(text)) },
	}
	o.Head, o.HeadName = p.forkOf(owner, name)
	if p.appID != 0 || p.appInstallation != 0 || p.appKey != "" {
		key, err := readNamed(p.appKey)
		if err != nil {
			return nil, usagef("reading --app-key: %w", causeOf(err))
		}
		o.App = &pullrequest.App{ID: p.appID, Installation: p.appInstallation, Key: key}
	} else if o.Token = token(sys); o.Token == "" {
		return nil, hintf(usagef("there is no token for %s", p.githubURL), "set GITHUB_TOKEN or GH_TOKEN: it needs contents: write and pull-requests: write on %s/%s", owner, name)
	}
	forge, err := pullrequest.NewGitHub(o)
	if err != nil {
		return nil, usageError{hinting(err)}
	}
	return forge, nil
}

func token(sys System) string {
	for _, name := range []string{"GITHUB_TOKEN", "GH_TOKEN"} {
		if value, _ := sys.LookupEnv(name); value != "" {
			return value
		}
	}
	return ""
}

// remotes are where the base branch is read and where branches are pushed to.
func (p *publishing) remotes(ctx context.Context, sys System, clone *pullrequest.Clone, forge *pullrequest.GitHub, owner, name string) (up, push pullrequest.Remote, err error) {
	if owner == "" {
		up.Name = cmp.Or(p.remote, "origin")
		return up, up, nil
	}
	resolve := func(owner, name, given string) (pullrequest.Remote, error) {
		r := pullrequest.Remote{Name: given}
		if given == "" {
			if r, err = clone.Resolve(ctx, p.githubURL, owner, name); err != nil {
				return r, err
			}
		}
		if u, err := url.Parse(p.githubURL); err == nil {
			r.Host = u.Scheme + "://" + u.Host
			if forge != nil {
				r.Token = forge.Token
			} else if secret := token(sys); secret != "" {
				r.Token = func(context.Context) (string, error) { return secret, nil }
			}
		}
		return r, nil
	}
	forkOwner, forkName := p.forkOf(owner, name)
	same := forkOwner == owner && forkName == name
	if push, err = resolve(forkOwner, forkName, p.remote); err != nil {
		return up, push, hinting(err)
	}
	if up = push; !same {
		if up, err = resolve(owner, name, ""); err != nil {
			return up, push, hinting(err)
		}
	}
	return up, push, nil
}

// request reads the changeset folder.
func (p *publishing) request(sys System, out string, clone *pullrequest.Clone) (pullrequest.Request, error) {
	r := pullrequest.Request{
		Clone: clone, Clock: systemClock{sys}, Stage: p.stage, Split: p.split, Base: p.base, MaxOpen: p.maxOpen, MaxHour: p.maxHour,
		Draft: p.draft, Reopen: p.reopen, APICommit: p.apiCommit, Report: p.reportPath,
		Dress:        pullrequest.Dress{Labels: p.labels, Assignees: p.assignees, Reviewers: p.reviewers, TeamReviewers: p.teamReviewers},
		Commit:       pullrequest.Commit{Author: p.author, SignOff: p.signOff},
		Templates:    pullrequest.Templates{Title: p.titleTemplate},
		DraftCommand: "dekey draft " + p.repo + " --out OUT",
	}
	input, err := readChangeset(out)
	if err != nil {
		return r, err
	}
	for _, name := range []string{"cleanup.patch", "report.md"} {
		if input.Files[name], err = os.ReadFile(filepath.Join(out, name)); err != nil {
			return r, usagef("reading %s: %w", filepath.Join(out, name), causeOf(err))
		}
	}
	input.Tool = tool()
	evidenceFolder := os.DirFS(filepath.Join(out, filepath.FromSlash(evidence)))
	if r.Changeset, err = pullrequest.Read(input, evidenceFolder); err != nil {
		return r, hinting(err)
	}
	if p.bodyTemplate != "" {
		text, err := readNamed(p.bodyTemplate)
		if err != nil {
			return r, usagef("reading --body-template: %w", causeOf(err))
		}
		r.Templates.Body = string(text)
	}
	return r, nil
}

// printed is what would be opened on the commit that the changeset was made from.
func (p *publishing) printed(ctx context.Context, r pullrequest.Request) (pullrequest.Result, error) {
	base := cmp.Or(r.Changeset.Input.Changeset.Commit, "HEAD")
	return pullrequest.Print(ctx, r, base)
}

// show prints a result. Failures are said on standard error too, and make the exit code 1.
func (p *publishing) show(sys System, do func() (pullrequest.Result, error)) error {
	result, err := do()
	if err != nil && (result.Kind == "" || p.format == "text" && len(result.PullRequests) == 0) {
		return hinting(err)
	}
	if printErr := p.printResult(sys, result); printErr != nil {
		return errors.Join(err, printErr)
	}
	if errors.Is(err, context.Canceled) {
		return hintf(errors.New("interrupted: what is listed was done"), "run the same command again: it goes on where this one stopped")
	}
	if err != nil {
		return hinting(err)
	}
	for _, o := range result.PullRequests {
		if o.Status == pullrequest.Failed {
			fmt.Fprintf(sys.Stderr, "dekey: %s: %s\n", visible(o.Branch), visible(o.Reason))
			if o.Hint != "" {
				fmt.Fprintf(sys.Stderr, "hint: %s\n", visible(o.Hint))
			}
		}
	}
	if result.Failures() > 0 {
		return outcome(exitFailed)
	}
	return nil
}

func (p *publishing) printResult(sys System, result pullrequest.Result) error {
	if p.format == "json" {
		data, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sys.Stdout, "%s\n", data)
		return err
	}
	if len(result.PullRequests) == 0 {
		_, err := fmt.Fprintln(sys.Stdout, "nothing to propose: the changeset edits no file in this stage")
		return err
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	for _, o := range result.PullRequests {
		at := o.URL
		if at == "" {
			at = o.Branch
		}
		if o.Body != "" {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", o.Status, visible(at), visible(strings.Join(append([]string{firstLine(cmp.Or(o.Reason, o.Title, o.Branch))}, o.Notes...), "; ")))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, o := range result.PullRequests {
		if o.Body != "" {
			fmt.Fprintf(&b, "branch  %s\ntitle   %s\nfiles   %s\n\n%s\n", visible(o.Branch), visible(o.Title), visible(strings.Join(o.Files, " ")), o.Body)
		}
	}
	_, err := sys.Stdout.Write(b.Bytes())
	return err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (p *publishing) printList(ctx context.Context, sys System, forge pullrequest.Forge) error {
	list, err := pullrequest.List(ctx, forge)
	if err != nil {
		return hinting(err)
	}
	result := pullrequest.Result{APIVersion: scanner.APIVersion, Kind: "Publication", Repository: p.github, PullRequests: []pullrequest.Outcome{}}
	for _, pr := range list {
		o := pullrequest.Outcome{Branch: pr.Branch, Status: pullrequest.Unchanged, Number: pr.Number, URL: pr.URL, Title: pr.Title, Draft: pr.Draft, Commit: pr.Commit, Files: []string{}, Notes: []string{}}
		if o.Reason = "it is open"; pr.Draft {
			o.Reason = "it is open, as a draft"
		}
		result.PullRequests = append(result.PullRequests, o)
	}
	return p.printResult(sys, result)
}

func (p *publishing) close(ctx context.Context, sys System, forge pullrequest.Forge, clone *pullrequest.Clone, owner, name string) error {
	r := pullrequest.CloseRequest{Forge: forge, Clone: clone, Delete: p.deleteBranches}
	if p.flags.Changed("stage") {
		r.Stage = p.stage
	}
	github, _ := forge.(*pullrequest.GitHub)
	var err error
	if p.deleteBranches {
		if _, r.Push, err = p.remotes(ctx, sys, clone, github, owner, name); err != nil {
			return err
		}
	}
	return p.show(sys, func() (pullrequest.Result, error) {
		outcomes, err := pullrequest.Close(ctx, r)
		return pullrequest.Result{APIVersion: scanner.APIVersion, Kind: "Publication", Repository: p.github, Stage: r.Stage, PullRequests: outcomes}, err
	})
}

// hinting gives an error of the pull request's room its hint.
func hinting(err error) error {
	var e *pullrequest.Error
	if errors.As(err, &e) && e.Hint() != "" {
		return hintf(err, "%s", e.Hint())
	}
	return err
}

// systemClock is the System's clock.
type systemClock struct{ sys System }

func (c systemClock) Now() time.Time { return c.sys.Now() }

func (c systemClock) Sleep(ctx context.Context, d time.Duration) error {
	if c.sys.Sleep != nil {
		return c.sys.Sleep(ctx, d)
	}
	return pullrequest.WallClock{}.Sleep(ctx, d)
}
