package pullrequest

import (
	"context"
	"strings"
	"time"

	"dekey/rewriter/runbook"
)

// words are a group's title and body.
func (p *publisher) words(g group, room int) (title, body string, err error) {
	w := &writer{c: p.Changeset, r: p.report, stage: p.Stage, g: g, slug: slugOf(g), moves: p.Changeset.movesOf(g), extra: p.Report, deleted: map[string]string{}}
	evidence := runbook.ReadEvidence(p.Changeset.Evidence, p.Changeset.Input.Plan.ID)
	for _, key := range g.keys {
		if record, err := evidence.Deleted(key); err == nil {
			w.deleted[key] = record.Time.Format(time.RFC3339)
		}
	}
	return w.render(p.Templates, room)
}

// propose opens or updates the group's pull request.
func (p *publisher) propose(ctx context.Context, g group, o Outcome, pr *PullRequest, pushed bool, ours []string) (Outcome, error) {
	room := MaxBody - 1024
	if pr != nil && pr.State == Open {
		before, _, after, _ := split(pr.Body)
		room -= len(before) + len(after)
	}
	title, text, err := p.words(g, room)
	if err != nil {
		return o, err
	}
	const most = 20 // of them: whoever has more commits of ours has a long history of changes
	m := marker{Plan: p.Changeset.Input.Plan.ID, Stage: p.Stage, Folder: p.Changeset.prefix, Commits: ours[:min(len(ours), most)], Title: digestOf([]byte(title))[:16], Dressed: p.Dress.empty()}
	if pr == nil || pr.State != Open {
		made, err := p.Forge.Create(ctx, Proposal{Branch: g.branch, Base: p.baseName, Title: title, Body: managed(m, text), Draft: p.Draft})
		if err != nil {
			return o, err
		}
		p.opened++
		o.Status = Created
		o.about(&made)
		return o, p.dress(ctx, &made)
	}
	old, _ := readMarker(pr.Body)
	m.Dressed = old.Dressed
	if !pushed {
		m.Commits = old.Commits
	}
	change := Change{}
	if body := merge(pr.Body, m, text); strings.TrimSpace(body) != strings.TrimSpace(pr.Body) {
		change.Body = body
	}
	if digestOf([]byte(pr.Title))[:16] == old.Title && pr.Title != title {
		change.Title = title
	} else if pr.Title != title {
		o.Notes = append(o.Notes, "its title is a person's and stays")
	}
	switch {
	case pr.Base == p.baseName:
	case p.Base != "":
		change.Base = p.baseName
	default:
		o.Notes = append(o.Notes, "it is for "+pr.Base+", which stays: --base NAME changes that")
	}
	if change != (Change{}) {
		changed, err := p.Forge.Update(ctx, pr.Number, change)
		if err != nil {
			return o, err
		}
		pr = &changed
	}
	if pushed || change != (Change{}) {
		o.Status = Updated
	}
	if !old.Dressed {
		if err := p.dress(ctx, pr); err != nil {
			return o, err
		}
		o.Status = Updated
	}
	if pr.Draft && !p.Draft {
		if err := p.Forge.Ready(ctx, *pr); err != nil {
			return o, err
		}
		pr.Draft, o.Status = false, Updated
	}
	o.about(pr)
	if o.Status == Unchanged {
		o.Reason = "nothing is new"
	}
	return o, nil
}

// dress puts labels, assignees and reviewers on a pull request, once: the marker remembers it.
func (p *publisher) dress(ctx context.Context, pr *PullRequest) error {
	m, _ := readMarker(pr.Body)
	if m.Dressed {
		return nil
	}
	if err := p.Forge.Dress(ctx, pr.Number, p.Dress); err != nil {
		return err
	}
	body := remark(pr.Body, func(m *marker) { m.Dressed = true })
	changed, err := p.Forge.Update(ctx, pr.Number, Change{Body: body})
	if err == nil {
		*pr = changed
	}
	return err
}

// vanished closes a pull request that has nothing left to propose.
func (p *publisher) vanished(ctx context.Context, o Outcome, pr *PullRequest, why string) (Outcome, error) {
	o.Reason = why
	if pr == nil || pr.State != Open {
		return o, nil
	}
	return p.close(ctx, o, pr, why, closedVanished)
}

func (p *publisher) close(ctx context.Context, o Outcome, pr *PullRequest, why, mark string) (Outcome, error) {
	if err := closeIt(ctx, p.Forge, pr, why, mark); err != nil {
		return o, err
	}
	o.Status = ClosedIt
	return o, nil
}

func closeIt(ctx context.Context, forge Forge, pr *PullRequest, why, mark string) error {
	if err := forge.Say(ctx, pr.Number, "Closed by dekey: "+prose(why)+"."); err != nil {
		return err
	}
	_, err := forge.Update(ctx, pr.Number, Change{State: Closed, Body: remark(pr.Body, func(m *marker) { m.Closed = mark })})
	return err
}

// sweepUp closes our open pull requests of this stage whose group is gone.
func (p *publisher) sweepUp(ctx context.Context) {
	for i := range p.own {
		pr := &p.own[i]
		m, ours := readMarker(pr.Body)
		if pr.State != Open || !ours || m.Stage != p.Stage || m.Folder != p.Changeset.prefix || p.branches[pr.Branch] {
			continue
		}
		o := Outcome{Branch: pr.Branch, Status: Unchanged, Commit: pr.Commit, Files: []string{}, Notes: []string{}}
		o.about(pr)
		why := "the changeset has nothing for it any more"
		o.Reason = why
		o, err := p.close(ctx, o, pr, why, closedVanished)
		if err != nil {
			o = failed(o, err)
		}
		p.result.PullRequests = append(p.result.PullRequests, o)
	}
}
