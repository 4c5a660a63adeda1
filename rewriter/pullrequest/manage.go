package pullrequest

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// List gives our open pull requests, newest first.
func List(ctx context.Context, forge Forge) ([]PullRequest, error) {
	list, err := forge.Own(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	own := []PullRequest{}
	for _, pr := range list {
		if _, ours := readMarker(pr.Body); ours && pr.State == Open {
			own = append(own, pr)
		}
	}
	return own, nil
}

// A CloseRequest says which of our pull requests are closed.
type CloseRequest struct {
	Forge Forge
	Stage string // "": both
	// Clone and Push are given when their branches go too, where they hold nothing but commits of ours.
	Clone  *Clone
	Push   Remote
	Delete bool
}

// Close closes our open pull requests. A later publish does not reopen them unless it is asked to.
func Close(ctx context.Context, r CloseRequest) ([]Outcome, error) {
	list, err := List(ctx, r.Forge)
	if err != nil {
		return nil, err
	}
	outcomes := []Outcome{}
	for i := range list {
		pr := &list[i]
		if m, _ := readMarker(pr.Body); r.Stage != "" && m.Stage != r.Stage {
			continue
		}
		o := Outcome{Branch: pr.Branch, Status: ClosedIt, Commit: pr.Commit, Reason: "it was asked for", Files: []string{}, Notes: []string{}}
		o.about(pr)
		if err := closeIt(ctx, r.Forge, pr, "it was asked for", closedAsked); err != nil {
			o = failed(o, err)
		}
		outcomes = append(outcomes, o)
	}
	if r.Delete {
		notes, err := r.deleteBranches(ctx)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, notes...)
	}
	return outcomes, nil
}

// deleteBranches deletes the branches below dekey/ that hold nothing but commits of ours.
func (r CloseRequest) deleteBranches(ctx context.Context) ([]Outcome, error) {
	h, err := r.Clone.look(ctx, r.Push, "")
	if err != nil {
		return nil, err
	}
	base := h.commits[h.standard]
	if err := r.Clone.fetch(ctx, r.Push, h.commits); err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, name := range sortedKeys(h.commits) {
		if !strings.HasPrefix(name, "dekey/") || r.Stage != "" && name != "dekey/"+r.Stage && !strings.HasPrefix(name, "dekey/"+r.Stage+"/") {
			continue
		}
		o := Outcome{Branch: name, Status: ClosedIt, Reason: "the branch is deleted", Commit: h.commits[name], Files: []string{}, Notes: []string{}}
		known, err := r.known(ctx, name)
		if err != nil {
			return outcomes, err
		}
		b, err := r.Clone.branch(ctx, name, h.commits[name], base, known)
		switch {
		case err != nil:
			o = failed(o, err)
		case len(b.foreign) > 0:
			o.Status, o.Reason = Unchanged, fmt.Sprintf("the branch stays: %s has a commit on it", b.foreign[0].author)
		default:
			if _, err := r.Clone.remote(ctx, r.Push, "push", "--porcelain", "--force-with-lease=refs/heads/"+name+":"+b.head, "--", r.Push.Name, ":refs/heads/"+name); err != nil {
				o = failed(o, explainRemote(err, "deleting the branch "+name))
			}
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// known are the commits of ours that the markers of a branch's pull requests name.
func (r CloseRequest) known(ctx context.Context, branch string) ([]string, error) {
	list, err := r.Forge.Find(ctx, branch)
	if err != nil {
		return nil, err
	}
	var known []string
	for i := range list {
		known = append(known, knownCommits(&list[i])...)
	}
	return known, nil
}
