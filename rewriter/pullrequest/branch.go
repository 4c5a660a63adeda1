package pullrequest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A branch is how a branch of ours stands on the remote.
type branch struct {
	name      string
	head      string // "": there is none
	mergeBase string // of the head and the base commit
	foreign   []commitInfo
	ours      []string        // ids of our commits, newest first
	folder    string          // folderDigest of the newest of ours that names one, "" for the top
	touched   map[string]bool // paths that commits of others changed
	changed   []string        // paths that differ between the merge base and the head
}

type commitInfo struct {
	id, tree, parents, author, message string
	committer                          string // NAME <EMAIL> SECONDS
}

func (i commitInfo) merge() bool { return strings.Contains(i.parents, " ") }

// A commit of ours says so: its last lines name the plan, the commit of the base branch that it stands on, its own tree
// and who committed it when, so that an amended one is not taken for ours: whoever amends becomes its committer.
const (
	planTrailer      = "Dekey-Plan: "
	baseTrailer      = "Dekey-Base: "
	folderTrailer    = "Dekey-Folder: "
	treeTrailer      = "Dekey-Tree: "
	committerTrailer = "Dekey-Committer: "
)

var (
	ownTree      = regexp.MustCompile(`(?m)^Dekey-Tree: ([0-9a-f]+)$`)
	ownBase      = regexp.MustCompile(`(?m)^Dekey-Base: ([0-9a-f]+)$`)
	ownFolder    = regexp.MustCompile(`(?m)^Dekey-Folder: ([0-9a-f]+)$`)
	ownCommitter = regexp.MustCompile(`(?m)^Dekey-Committer: ([0-9a-f]+)$`)
)

// forgeCommitter is who commits what GitHub signs itself.
// https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification
const forgeCommitter = "GitHub <noreply@github.com> "

// own says whether a commit is ours: one that the pull request's marker names, or one that is still as it says. A commit
// that the forge made can not name its committer: without a marker it is ours where the forge signed it.
func (i commitInfo) own(known []string) bool {
	m := ownTree.FindStringSubmatch(i.message)
	if m == nil || m[1] != i.tree || i.merge() || !ownWords.MatchString(i.message) {
		return false
	}
	if by := ownCommitter.FindStringSubmatch(i.message); by != nil {
		return by[1] == shortDigest(i.committer)
	}
	return slices.Contains(known, i.id) || strings.HasPrefix(i.committer, forgeCommitter)
}

// shortDigest stands in a commit's message for words that must not stand there themselves.
func shortDigest(words string) string { return digestOf([]byte(words))[:16] }

// folderDigest is what a commit says of the scanned folder, "" for the top of the repository.
func folderDigest(prefix string) string {
	if prefix == "" {
		return ""
	}
	return shortDigest(prefix)
}

// commits reads git log's answer to logFormat.
func commits(out []byte) []commitInfo {
	var list []commitInfo
	for record := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		if parts := strings.SplitN(record, "\n", 6); len(parts) == 6 {
			list = append(list, commitInfo{id: parts[0], tree: parts[1], parents: parts[2], author: parts[3], committer: parts[4], message: parts[5]})
		}
	}
	return list
}

const logFormat = "--format=%H%n%T%n%P%n%an <%ae>%n%cn <%ce> %ct%n%B"

// ownWords are how a message of ours begins: who gave a commit other words put it there. Hooks may add lines behind.
var ownWords = regexp.MustCompile(`^(?:` + migrateTitle + `|` + cleanupTitle + `)(?: \([a-z0-9-]+\))?\n\n` + regexp.QuoteMeta(explanation) + `\n`)

// What every commit of ours says.
const (
	migrateTitle = "Take service account keys out of workloads"
	cleanupTitle = "Remove what held service account keys"
	explanation  = "Proposed by dekey; the pull request says what changes and why."
)

// branch reads a branch that was fetched. known are commits of ours by its pull request's marker.
func (c *Clone) branch(ctx context.Context, name, head, base string, known []string) (*branch, error) {
	b := &branch{name: name, head: head, touched: map[string]bool{}}
	if head == "" {
		return b, nil
	}
	since := base
	if out, err := c.read(ctx, nil, "merge-base", base, head); err == nil && line(out) != "" {
		b.mergeBase = line(out)
	} else if b.mergeBase = c.rootOf(ctx, head, known); b.mergeBase != "" {
		since = b.mergeBase
	} else {
		return nil, problem("in a shallow clone, fetch the whole history first (actions/checkout: fetch-depth: 0); else rename or delete that branch: dekey never forces over a commit that somebody else made",
			"reading the branch %s: it has no history in common with the base branch", name)
	}
	out, err := c.read(ctx, nil, "log", "-z", logFormat, since+".."+head, "--")
	if err != nil {
		return nil, fmt.Errorf("reading the branch %s: %w", name, err)
	}
	for _, info := range commits(out) {
		if info.own(known) {
			if m := ownFolder.FindStringSubmatch(info.message); m != nil && len(b.ours) == 0 {
				b.folder = m[1]
			}
			b.ours = append(b.ours, info.id)
			continue
		}
		b.foreign = append(b.foreign, info)
		// A merge counts for what it changed against all of its parents alone.
		paths, err := c.paths(ctx, "diff-tree", "-r", "-c", "--root", "--no-commit-id", "--name-only", "-z", info.id)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			b.touched[path] = true
		}
	}
	b.changed, err = c.paths(ctx, "diff-tree", "-r", "--no-renames", "--name-only", "-z", b.mergeBase, head)
	return b, err
}

// rootOf is the base commit that our first commit on a branch names, for a shallow clone, whose history does not reach
// back to it; "" where the branch has no commit of ours that stands on what it names.
func (c *Clone) rootOf(ctx context.Context, head string, known []string) string {
	const most = "200"
	out, err := c.read(ctx, nil, "log", "-z", "-n", most, "--first-parent", logFormat, head, "--")
	if err != nil {
		return ""
	}
	for _, info := range commits(out) {
		if m := ownBase.FindStringSubmatch(info.message); m != nil && info.own(known) && m[1] == info.parents {
			return m[1]
		}
	}
	return ""
}

func (c *Clone) paths(ctx context.Context, args ...string) ([]string, error) {
	out, err := c.read(ctx, nil, args...)
	if err != nil {
		return nil, fmt.Errorf("comparing commits: %w", err)
	}
	var list []string
	for path := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if path != "" {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// A next is what is to be done to a branch.
type next struct {
	nothing bool
	parent  string           // of the commit to be made
	force   bool             // it replaces commits, of ours alone
	files   map[string]entry // laid over parent
}

// next decides how a branch gets what is wanted on base.
func (c *Clone) next(ctx context.Context, b *branch, base, baseName string, want map[string]entry) (next, error) {
	fresh := next{parent: base, files: want, force: b.head != ""}
	if b.head == "" {
		return fresh, nil
	}
	paths := sortedKeys(want)
	onHead, err := c.entries(ctx, b.head, paths)
	if err != nil {
		return next{}, err
	}
	onBase, err := c.entries(ctx, base, paths)
	if err != nil {
		return next{}, err
	}
	before, err := c.entries(ctx, b.mergeBase, paths)
	if err != nil {
		return next{}, err
	}
	var missing, moved, stray []string
	for _, path := range paths {
		if onHead[path] != want[path] {
			missing = append(missing, path)
		}
		if before[path] != onBase[path] {
			moved = append(moved, path)
		}
	}
	for _, path := range b.changed {
		if _, wanted := want[path]; !wanted && !b.touched[path] {
			stray = append(stray, path)
		}
	}
	switch {
	case len(missing)+len(moved)+len(stray) == 0 && len(b.changed) > 0:
		return next{nothing: true}, nil
	case len(b.foreign) == 0:
		return fresh, nil
	}
	by := b.foreign[0].author
	for _, path := range missing {
		if b.touched[path] {
			return next{}, problem("take that commit off the branch, or merge it first and draft again: dekey writes over nobody's work",
				"updating %s: %s changed %s there, and the changeset changes it too", b.name, by, path)
		}
	}
	if len(moved) > 0 {
		return next{}, problem("merge "+baseName+" into the branch (or move the commit of "+by+" elsewhere), then run it again",
			"updating %s: %s changed on %s meanwhile, and %s has a commit on the branch, which is not forced over", b.name, moved[0], baseName, by)
	}
	files := map[string]entry{}
	for _, path := range missing {
		files[path] = want[path]
	}
	// What an older changeset changed and this one does not goes back to what it was.
	if len(stray) > 0 {
		was, err := c.entries(ctx, b.mergeBase, stray)
		if err != nil {
			return next{}, err
		}
		for _, path := range stray {
			files[path] = was[path]
		}
	}
	if len(files) == 0 {
		return next{nothing: true}, nil
	}
	return next{parent: b.head, files: files}, nil
}

// message is a commit's. Nothing of it is from a manifest: what a branch's commit says can close issues and mention people.
func message(title, slug, plan, base, folder, tree string) string {
	text := title
	if slug != "" {
		text += " (" + slug + ")"
	}
	text += "\n\n" + explanation + "\n\n" + planTrailer + plan + "\n" + baseTrailer + base + "\n"
	if folder != "" {
		text += folderTrailer + folder + "\n"
	}
	return text + treeTrailer + tree + "\n"
}
