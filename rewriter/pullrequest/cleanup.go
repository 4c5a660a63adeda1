package pullrequest

import (
	"context"
	"fmt"
	"strings"

	"dekey/rewriter/report"
	"dekey/rewriter/runbook"
)

// mayCleanUp holds the second stage's conditions: the first is merged, and every key is reported as deleted. Evidence that
// was edited counts for nothing.
func (p *publisher) mayCleanUp(ctx context.Context) error {
	if len(p.groups) == 0 {
		return nil
	}
	if err := p.merged(ctx); err != nil {
		return err
	}
	evidence := runbook.ReadEvidence(p.Changeset.Evidence, p.Changeset.Input.Plan.ID)
	var ready []group
	for _, g := range p.groups {
		var missing string
		for _, key := range g.keys {
			if _, err := evidence.Deleted(key); err != nil {
				missing = fmt.Sprintf("the key %.12s of %s is not reported as deleted (%v)", key, p.Changeset.key(key).Email, err)
				break
			}
		}
		if missing == "" && len(g.unknown) > 0 {
			missing = "which key " + g.unknown[0] + " holds was not read"
		}
		if missing == "" {
			ready = append(ready, g)
			continue
		}
		do := "bash runbook/4-delete.sh in the changeset folder deletes keys and reports it; clean up from the folder that holds its evidence"
		if len(g.unknown) > 0 {
			do = "scan a source that has the Secret and draft again, or remove it by hand"
		}
		p.result.PullRequests = append(p.result.PullRequests, Outcome{Branch: g.branch, Group: report.Visible(g.name), Status: Failed, Reason: "cleaning up: " + missing, Hint: do, Files: []string{}, Notes: []string{}})
	}
	p.groups = ready
	return nil
}

// merged makes sure that the base branch has the first stage: every file of it is as it is to be there (or as the second
// stage leaves it), or, where files changed since, a commit or a merged pull request of this plan says so.
func (p *publisher) merged(ctx context.Context) error {
	list := p.Changeset.changes(Migrate)
	_, _, stale, at, err := p.Clone.sees(ctx, p.base, list)
	if err != nil {
		return err
	}
	var before []string
	for _, one := range list {
		how, _, err := p.Clone.stands(ctx, at[one.path], one.File)
		if err != nil {
			return err
		}
		if how == asBefore {
			before = append(before, one.path)
		}
	}
	const do = "publish and merge the first stage first: dekey publish OUT"
	if len(before) > 0 {
		return problem(do, "cleaning up: %s of the first stage is not merged into %s: %s", count(len(before), "file"), p.baseName, before[0])
	}
	var changed []string
	for _, path := range stale {
		if !p.cleaned(ctx, path, at[path]) {
			changed = append(changed, path)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	plan := p.Changeset.Input.Plan.ID
	out, err := p.Clone.read(ctx, nil, "log", "-n", "1", "--format=%H", "--fixed-strings", "--grep="+planTrailer+plan, p.base, "--")
	if err == nil && line(out) != "" {
		return nil
	}
	if p.Forge != nil {
		for branch := range p.firstBranches() {
			list, err := p.Forge.Find(ctx, branch)
			if err != nil {
				return err
			}
			for _, pr := range list {
				if m, ours := readMarker(pr.Body); ours && m.Plan == plan && pr.State == Merged {
					return nil
				}
			}
		}
	}
	return problem(do, "cleaning up: nothing says that the first stage was merged into %s, and %s is otherwise there than it left it", p.baseName, changed[0])
}

// cleaned says whether a file is as the second stage leaves it.
func (p *publisher) cleaned(ctx context.Context, path string, at entry) bool {
	for _, one := range p.Changeset.changes(Cleanup) {
		if one.path == path {
			how, _, err := p.Clone.stands(ctx, at, one.File)
			return err == nil && how == asAfter
		}
	}
	return false
}

// firstBranches are the branches on which the first stage may have been.
func (p *publisher) firstBranches() map[string]bool {
	found := map[string]bool{"dekey/" + Migrate: true}
	for _, split := range Splits {
		for _, g := range p.Changeset.groups(Migrate, split, func(string) []string { return nil }) {
			found[g.branch] = true
		}
	}
	for name := range p.heads {
		if strings.HasPrefix(name, "dekey/"+Migrate+"/") {
			found[name] = true
		}
	}
	return found
}
