package pullrequest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/rewriter/report"
	"dekey/scanner"
)

// A Request is what is to be published, where, and how.
type Request struct {
	Changeset *Changeset
	Clone     *Clone
	// Upstream is the repository that the pull request is for, Push the one that branches are pushed to: a fork, or the
	// same.
	Upstream, Push Remote
	Repository     string // OWNER/NAME, for the result
	// Forge keeps the pull requests; nil: branches are pushed, and that is all.
	Forge Forge
	Clock Clock

	Stage string // Migrate or Cleanup
	Split string // one of Splits, or ""
	Base  string // the base branch; "": the default one
	// MaxOpen is how many pull requests of ours may be open at once, MaxHour how many may be opened within an hour; 0: any
	// number.
	MaxOpen, MaxHour int
	Draft            bool
	Reopen           bool // one that a person closed is opened again
	Dress            Dress
	Commit           Commit
	// APICommit makes commits through the forge, which signs them.
	APICommit bool
	Templates Templates
	// Report is the path under which the changeset's report stands in the branch; "": it does not.
	Report string
	// Draft again is done by this command: it stands in hints.
	DraftCommand string
}

// Publish brings branches and pull requests to what the changeset says. The error is for what concerns all of them; what
// concerns one is its Outcome.
func Publish(ctx context.Context, r Request) (Result, error) {
	p, err := start(ctx, r)
	if err != nil {
		result := r.result()
		result.Reason, result.Hint = err.Error(), hintOf(err)
		return result, err
	}
	for _, g := range p.groups {
		outcome := p.attempt(ctx, g)
		if err := ctx.Err(); err != nil {
			return p.result, err
		}
		p.result.PullRequests = append(p.result.PullRequests, outcome)
	}
	if r.Forge != nil && p.result.Failures() == 0 {
		p.sweepUp(ctx)
	}
	return p.result, ctx.Err()
}

// Print is what Publish would open, with bodies. It asks no forge and pushes nothing; base is a commit of the clone.
func Print(ctx context.Context, r Request, base string) (Result, error) {
	p := &publisher{Request: r, result: r.result()}
	p.base, p.baseName = base, cmp.Or(r.Base, "the base branch")
	if !r.Clone.has(ctx, base) {
		if base == "HEAD" {
			return Result{}, problem("commit what was drafted first", "printing what would be opened: the repository has no commit yet")
		}
		return Result{}, problem("run it in the clone that the changeset was drafted from, or fetch that commit", "printing what would be opened: the clone does not have the commit %.12s", base)
	}
	if err := p.divide(ctx); err != nil {
		return Result{}, err
	}
	for _, g := range p.groups {
		o := Outcome{Branch: g.branch, Group: report.Visible(g.name), Status: Unchanged, Files: []string{}, Notes: []string{}, Draft: r.Draft, Reason: "it is printed, and not opened"}
		if want, notes, err := p.wanted(ctx, g); err != nil {
			o = failed(o, err)
		} else {
			o.Files, o.Notes = sortedKeys(want.files), notes
			if o.Title, o.Body, err = p.words(g, MaxBody-1024); err != nil {
				o = failed(o, err)
			}
		}
		p.result.PullRequests = append(p.result.PullRequests, o)
	}
	return p.result, nil
}

func (r Request) result() Result {
	return Result{APIVersion: scanner.APIVersion, Kind: "Publication", Repository: r.Repository, Plan: r.Changeset.Input.Plan.ID, Stage: r.Stage, Base: r.Base, PullRequests: []Outcome{}}
}

// A publisher is one run.
type publisher struct {
	Request
	result   Result
	base     string // the commit
	baseName string
	heads    map[string]string // where branches are pushed to
	groups   []group
	branches map[string]bool // of all groups, those that may not be published yet too
	report   *report.Report
	opened   int // by this run
	own      []PullRequest
}

func start(ctx context.Context, r Request) (*publisher, error) {
	p := &publisher{Request: r, result: r.result()}
	if err := p.look(ctx); err != nil {
		return nil, err
	}
	if err := p.divide(ctx); err != nil {
		return nil, err
	}
	if r.Stage == Cleanup {
		if err := p.mayCleanUp(ctx); err != nil {
			for _, g := range p.groups {
				p.result.PullRequests = append(p.result.PullRequests, failed(Outcome{Branch: g.branch, Group: report.Visible(g.name), Commit: p.heads[g.branch], Files: []string{}, Notes: []string{}}, err))
			}
			p.groups = nil
		}
	}
	if r.Forge != nil {
		var err error
		if p.own, err = r.Forge.Own(ctx, r.Clock.Now().Add(-time.Hour)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// look reads both remotes and fetches what is needed of them.
func (p *publisher) look(ctx context.Context) error {
	p.Clone.promised = func(ctx context.Context, object string) error {
		if _, err := p.Clone.remote(ctx, p.Upstream, "cat-file", "-e", object); err != nil {
			return explainRemote(err, "fetching what the partial clone has not got yet")
		}
		return nil
	}
	up, err := p.Clone.look(ctx, p.Upstream, p.Base)
	if err != nil {
		return err
	}
	if p.Base == "" && up.standard == "" {
		return problem("push the commit that the changeset was drafted from first, as the branch that the pull request is for", "reading the branches of %s: the repository is empty", shownRemote(p.Upstream.Name))
	}
	p.baseName = cmp.Or(p.Base, up.standard)
	p.base = up.commits[p.baseName]
	if p.base == "" {
		return problem("--base NAME names the branch that the pull request is for", "reading the branches of %s: there is no branch %q", shownRemote(p.Upstream.Name), p.baseName)
	}
	p.result.Base = p.baseName
	if err := p.Clone.fetch(ctx, p.Upstream, map[string]string{p.baseName: p.base}); err != nil {
		return err
	}
	down := up
	if p.Push.Name != p.Upstream.Name {
		if down, err = p.Clone.look(ctx, p.Push, ""); err != nil {
			return err
		}
	}
	p.heads = map[string]string{}
	for name, commit := range down.commits {
		if name == "dekey" || strings.HasPrefix(name, "dekey/") {
			p.heads[name] = commit
		}
	}
	return p.Clone.fetch(ctx, p.Push, p.heads)
}

// divide makes the groups.
func (p *publisher) divide(ctx context.Context) error {
	if p.Split != "" && !slices.Contains(Splits, p.Split) {
		return problem("one of "+strings.Join(Splits, ", "), "splitting by %q: there is no such way", p.Split)
	}
	owners := func(string) []string { return nil }
	if p.Split == ByCodeowners {
		var err error
		if owners, err = p.Clone.owners(ctx, p.base); err != nil {
			return err
		}
	}
	p.groups = p.Changeset.groups(p.Stage, p.Split, owners)
	p.branches = map[string]bool{}
	for _, g := range p.groups {
		p.branches[g.branch] = true
	}
	p.report = report.New(p.Changeset.Input)
	return nil
}

// attempt publishes one group, again when somebody pushed to its branch meanwhile.
func (p *publisher) attempt(ctx context.Context, g group) Outcome {
	for try := 0; ; try++ {
		o, err := p.publish(ctx, g)
		var race *raceError
		if err == nil || !errors.As(err, &race) || try == 2 {
			if err != nil {
				o = failed(o, err)
			}
			return o
		}
		if err := p.look(ctx); err != nil {
			return failed(o, err)
		}
	}
}

func failed(o Outcome, err error) Outcome {
	o.Status, o.Reason, o.Hint = Failed, err.Error(), hintOf(err)
	var race *raceError
	if errors.As(err, &race) {
		o.Hint = "run it again"
	}
	return o
}

// publish brings one group's branch and pull request to what they are to be.
func (p *publisher) publish(ctx context.Context, g group) (Outcome, error) {
	o := Outcome{Branch: g.branch, Group: report.Visible(g.name), Status: Unchanged, Commit: p.heads[g.branch], Files: []string{}, Notes: []string{}}
	for _, one := range g.changes {
		o.Files = append(o.Files, one.path)
	}
	pr, err := p.find(ctx, g.branch)
	if err != nil {
		return o, err
	}
	o.about(pr)
	want, notes, err := p.wanted(ctx, g)
	var stale *StaleError
	if errors.As(err, &stale) && p.wasMerged(pr) {
		o.Reason = "it was merged; " + p.baseName + " changed since"
		return o, nil
	}
	if err != nil {
		return o, err
	}
	o.Notes = notes
	if len(want.files) == 0 {
		return p.vanished(ctx, o, pr, p.baseName+" has all of it already")
	}
	if pr != nil && pr.State == Closed && !p.Reopen && closedBy(pr) != closedVanished {
		o.Reason = "a person closed it; --reopen opens it again"
		return o, nil
	}
	if pr == nil || pr.State != Open {
		if why := p.full(); why != "" {
			o.Reason = why
			return o, nil
		}
	}
	if p.Forge != nil && pr != nil && pr.State == Closed {
		// Before anything is pushed: GitHub reopens no pull request whose branch was written anew.
		if again, err := p.Forge.Update(ctx, pr.Number, Change{State: Open}); err == nil {
			pr = &again
			o.Status = Updated
			o.about(pr)
		} else {
			pr = nil
		}
	}
	pushed, ours, err := p.bring(ctx, g, want, pr, &o)
	if err != nil {
		return o, err
	}
	if p.Forge == nil {
		switch {
		case pushed && p.heads[g.branch] == "":
			o.Status = Created
		case pushed:
			o.Status = Updated
		default:
			o.Reason = "the branch is as it should be"
		}
		p.heads[g.branch] = o.Commit
		return o, nil
	}
	p.heads[g.branch] = o.Commit
	return p.propose(ctx, g, o, pr, pushed, ours)
}

func (o *Outcome) about(pr *PullRequest) {
	if pr != nil {
		o.Number, o.URL, o.Title, o.Draft = pr.Number, pr.URL, pr.Title, pr.Draft
	}
}

// find is our pull request of a branch: the open one, else the newest. One that is open from that branch and is not ours
// is an error.
func (p *publisher) find(ctx context.Context, branch string) (*PullRequest, error) {
	if p.Forge == nil {
		return nil, nil
	}
	list, err := p.Forge.Find(ctx, branch)
	if err != nil {
		return nil, err
	}
	for i, pr := range list {
		if m, ours := readMarker(pr.Body); pr.State == Open && ours {
			if m.Folder != p.Changeset.prefix {
				return nil, problem("draft once at the top of the repository, for all of its folders; or publish this one when the other is merged, or closed (dekey publish --close)",
					"publishing %s: #%d is open from that branch for the changeset of %s, and this one is of %s", branch, pr.Number, folderName(m.Folder), folderName(p.Changeset.prefix))
			}
			return &list[i], nil
		} else if pr.State == Open {
			return nil, problem("close it, or put dekey's part back into its body: dekey changes no pull request that it does not know as its own",
				"finding the pull request of %s: #%d is open from that branch and has no mark of dekey", branch, pr.Number)
		}
	}
	for i, pr := range list {
		if m, ours := readMarker(pr.Body); ours && m.Folder == p.Changeset.prefix {
			return &list[i], nil
		}
	}
	return nil, nil
}

// folderName is how a scanned folder is called.
func folderName(prefix string) string {
	if prefix == "" {
		return "the whole repository"
	}
	return fmt.Sprintf("the folder %q", strings.TrimSuffix(prefix, "/"))
}

// wasMerged says whether the pull request of this very plan is merged: what happened to its files since is nobody's
// mistake.
func (p *publisher) wasMerged(pr *PullRequest) bool {
	if pr == nil || pr.State != Merged {
		return false
	}
	m, _ := readMarker(pr.Body)
	return m.Plan == p.Changeset.Input.Plan.ID
}

func closedBy(pr *PullRequest) string {
	m, _ := readMarker(pr.Body)
	return m.Closed
}

// full says why no further pull request may be opened now, or "".
func (p *publisher) full() string {
	if p.Forge == nil {
		return ""
	}
	open, recent := p.opened, p.opened
	since := p.Clock.Now().Add(-time.Hour)
	for _, pr := range p.own {
		if _, ours := readMarker(pr.Body); !ours {
			continue
		}
		if pr.State == Open {
			open++
		}
		if pr.Created.After(since) {
			recent++
		}
	}
	switch {
	case p.MaxOpen > 0 && open >= p.MaxOpen:
		return fmt.Sprintf("it waits: %d are open, and --max-open is %d", open, p.MaxOpen)
	case p.MaxHour > 0 && recent >= p.MaxHour:
		return fmt.Sprintf("it waits: %d were opened within the hour, and --max-per-hour is %d", recent, p.MaxHour)
	}
	return ""
}

// wanted is what a group's files are to be on the base commit.
func (p *publisher) wanted(ctx context.Context, g group) (*desire, []string, error) {
	todo, done, stale, at, err := p.Clone.sees(ctx, p.base, g.changes)
	if err != nil {
		return nil, nil, err
	}
	if len(stale) > 0 {
		if path, module, err := p.Clone.inSubmodule(ctx, p.base, stale); err != nil {
			return nil, nil, err
		} else if module != "" {
			return nil, nil, problem("it is another repository: draft in its folder alone, publish that with --repo, and leave it out here (exclude in the policy file)",
				"proposing the change: %s is in the submodule %s", path, module)
		}
		do := "draft again on the branch as it is now: " + cmp.Or(p.DraftCommand, "dekey draft . --out OUT")
		if p.base == p.Changeset.Input.Changeset.Commit {
			return nil, nil, problem("commit what is not committed yet and draft again; where git converts files (a filter, ident or working-tree-encoding in .gitattributes), draft in a clone that does not",
				"proposing the change: the checkout that was scanned is not what is committed: %s", (&StaleError{Base: p.baseName, Paths: stale}).paths())
		}
		if p.Stage == Cleanup {
			do = "the removals stand in report.md: make those of these files by hand"
		}
		return nil, nil, &Error{What: "proposing the change", Do: do, Err: &StaleError{Base: p.baseName, Paths: stale}}
	}
	notes := []string{}
	if commit := p.Changeset.Input.Changeset.Commit; commit != "" && commit != p.base {
		notes = append(notes, fmt.Sprintf("%s is at %.12s, and the changeset was made from %.12s: the files that it touches are the same, so it stands on the newer commit", p.baseName, p.base, commit))
	}
	if len(done) > 0 && len(todo) > 0 {
		notes = append(notes, fmt.Sprintf("%s has %s of the change already", p.baseName, count(len(done), "file")))
	}
	if slices.ContainsFunc(todo, func(one change) bool { return one.crlf }) {
		notes = append(notes, "the checkout that was scanned has CRLF at its lines' ends, which git keeps as LF: so does the commit")
	}
	want, err := p.Clone.want(ctx, p.base, todo, at, p.Changeset.patch(p.Stage))
	if err != nil {
		return nil, nil, err
	}
	if _, taken := want.files[p.Report]; taken {
		return nil, nil, problem("choose another path", "putting the report on the branch: %s is a file of the change", p.Report)
	}
	if p.Report != "" && len(want.files) > 0 {
		text := p.Changeset.Input.Files["report.md"]
		e, err := p.Clone.store(ctx, "100644", text)
		if err != nil {
			return nil, nil, err
		}
		want.files[p.Report], want.text[p.Report] = e, text
	}
	return want, notes, nil
}
