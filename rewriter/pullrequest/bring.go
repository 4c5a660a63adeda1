package pullrequest

import (
	"context"
	"fmt"
	"strings"
)

// bring puts what is wanted on the group's branch, and says whether it had to, and which commits there are ours.
func (p *publisher) bring(ctx context.Context, g group, want *desire, pr *PullRequest, o *Outcome) (pushed bool, ours []string, err error) {
	b, err := p.Clone.branch(ctx, g.branch, p.heads[g.branch], p.base, knownCommits(pr))
	if err != nil {
		return false, nil, err
	}
	if folder := folderDigest(p.Changeset.prefix); p.Forge == nil && len(b.ours) > 0 && b.folder != folder {
		return false, nil, problem("draft once at the top of the repository, for all of its folders; or delete that branch when it is merged",
			"pushing %s: the branch holds the changeset of another folder of the repository", g.branch)
	}
	if in := p.inTheWay(g.branch); b.head == "" && in == p.baseName && in != "" {
		return false, nil, problem("git can not have both: publish from a fork (--fork OWNER), or rename that branch", "pushing %s: the base branch %s is in the way", g.branch, in)
	} else if b.head == "" && in != "" {
		return false, nil, problem("git can not have both: dekey publish --close --delete-branches closes what another --split opened; then run it again",
			"pushing %s: the branch %s is in the way", g.branch, in)
	}
	n, err := p.Clone.next(ctx, b, p.base, p.baseName, want.files)
	if err != nil || n.nothing {
		return false, b.ours, err
	}
	tree, err := p.Clone.tree(ctx, n.parent, n.files)
	if err != nil {
		return false, nil, err
	}
	if ours = b.ours; n.force {
		ours = nil
	}
	title := migrateTitle
	if p.Stage == Cleanup {
		title = cleanupTitle
	}
	text := message(title, slugOf(g), p.Changeset.Input.Plan.ID, p.base, folderDigest(p.Changeset.prefix), tree)
	if p.APICommit {
		o.Commit, err = p.commitByForge(ctx, g, b, n, tree, text, want)
		return err == nil, append([]string{o.Commit}, ours...), err
	}
	commit, err := p.Clone.commit(ctx, n.parent, tree, sortedKeys(n.files), text, p.Commit)
	if err != nil {
		return false, nil, err
	}
	if err := p.Clone.push(ctx, p.Push, commit, g.branch, b.head); err != nil {
		return false, nil, err
	}
	o.Commit = commit
	return true, append([]string{commit}, ours...), nil
}

// knownCommits are the commits of ours on a pull request's branch, as its marker has them.
func knownCommits(pr *PullRequest) []string {
	if pr == nil {
		return nil
	}
	m, _ := readMarker(pr.Body)
	return m.Commits
}

// inTheWay is a branch that git can not have beside another: one of the two names is a folder in the other.
func (p *publisher) inTheWay(name string) string {
	for _, head := range sortedKeys(p.heads) {
		if strings.HasPrefix(head, name+"/") || strings.HasPrefix(name, head+"/") {
			return head
		}
	}
	return ""
}

func slugOf(g group) string {
	if g.name == "" {
		return ""
	}
	return g.branch[strings.LastIndexByte(g.branch, '/')+1:]
}

func (p *publisher) commitByForge(ctx context.Context, g group, b *branch, n next, tree, text string, want *desire) (string, error) {
	committer, can := p.Forge.(Committer)
	if !can {
		return "", problem("publish without --api-commit", "making the commit: there is no forge that could")
	}
	out, err := p.Clone.read(ctx, nil, "rev-parse", n.parent+"^{tree}")
	if err != nil {
		return "", fmt.Errorf("reading the commit %.12s: %w", n.parent, err)
	}
	c := ForgeCommit{Branch: g.branch, Was: b.head, Force: n.force, Parent: n.parent, BaseTree: line(out), Tree: tree, Message: text, Author: p.Commit.Author}
	for _, path := range sortedKeys(n.files) {
		file := ForgeFile{Path: path, Mode: n.files[path].mode}
		if n.files[path] != (entry{}) {
			if file.Text = want.text[path]; file.Text == nil {
				if file.Text, err = p.Clone.blob(ctx, n.files[path]); err != nil {
					return "", err
				}
			}
		}
		c.Files = append(c.Files, file)
	}
	return committer.Commit(ctx, c)
}
