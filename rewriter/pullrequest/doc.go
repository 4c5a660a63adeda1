// Package pullrequest puts a saved changeset on a branch and proposes it: git by exec, GitHub through go-github.
//
//	changeset, err := pullrequest.Read(input, prefix...)   // every digest is checked
//	clone, err := pullrequest.OpenClone(ctx, dir, os.Environ())
//	result, err := pullrequest.Publish(ctx, pullrequest.Request{Changeset: changeset, Clone: clone, Forge: forge, ...})
//
// It takes the bytes that were reviewed. A file is changed only where the base branch has the recorded content of it
// (rewriter.File.Before), and what git makes of the patch must have the recorded digest (After); so a base branch that
// moved on is no obstacle while the touched files are the same, and is refused otherwise.
//
// The same changeset twice changes nothing. A pull request is found by its head branch (dekey/migrate,
// dekey/migrate/GROUP, dekey/cleanup...) and by a hidden marker in its body; a branch is never deleted to be made
// again, and never forced over a commit that somebody else put on it.
//
// # Which git call gets which configuration
//
// What only reads (objects, trees, the index in a temporary file) runs with hooks, fsmonitor, helpers and the user's
// configuration off, as everywhere in dekey. Three calls are the user's own, with the clone's and the user's
// configuration: fetch and push (credential helpers, SSH, insteadOf, pre-push hook) and commit (identity, signing,
// commit hooks). A commit is made in a temporary worktree: the user's work tree, index, HEAD, branches and FETCH_HEAD
// are never touched; a push through a remote of the clone's configuration moves its remote-tracking branch, as any push
// does. A hook that changes the committed tree is refused: it would not be what was reviewed.
//
// # The token
//
// It comes in as a value and goes to one host, in a header that is added below the redirects. To git it goes as the
// answer of a credential helper for that host alone, asked after the user's own helpers, by an environment variable of
// that one call: it is in no address, no argument, and no file.
package pullrequest
