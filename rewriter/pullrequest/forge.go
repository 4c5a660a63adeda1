package pullrequest

import (
	"context"
	"time"
)

// A PullRequest is one that the forge has.
type PullRequest struct {
	Number  int
	ID      string // the forge's own
	URL     string
	Title   string
	Body    string
	State   string // open | closed | merged
	Draft   bool
	Branch  string // its head
	Commit  string // the head's
	Base    string
	Created time.Time
}

// The states of a PullRequest.
const (
	Open   = "open"
	Closed = "closed"
	Merged = "merged"
)

// A Proposal is a pull request to be opened.
type Proposal struct {
	Branch, Base string
	Title, Body  string
	Draft        bool
}

// A Change is what is to be different about a pull request. "" leaves it as it is.
type Change struct {
	Title, Body, Base, State string
}

// Dress is who and what is put on a new pull request.
type Dress struct {
	Labels, Assignees, Reviewers, TeamReviewers []string
}

func (d Dress) empty() bool {
	return len(d.Labels)+len(d.Assignees)+len(d.Reviewers)+len(d.TeamReviewers) == 0
}

// A Forge keeps the pull requests of one repository. Every error says what the user can do (*Error).
type Forge interface {
	// Find gives the pull requests of a head branch in every state, newest first.
	Find(ctx context.Context, branch string) ([]PullRequest, error)
	// Own gives those whose head branch is below dekey/: all that are open, and all that were opened since a time.
	Own(ctx context.Context, since time.Time) ([]PullRequest, error)
	Create(ctx context.Context, p Proposal) (PullRequest, error)
	Update(ctx context.Context, number int, change Change) (PullRequest, error)
	// Say puts a comment on a pull request.
	Say(ctx context.Context, number int, text string) error
	Dress(ctx context.Context, number int, dress Dress) error
	// Ready ends the draft.
	Ready(ctx context.Context, pr PullRequest) error
}

// A Committer makes commits on the forge's side, which it then signs. A Forge may be one.
type Committer interface {
	// Commit makes a commit on top of parent and points branch at it, which must be at was ("": must not exist). The tree
	// is baseTree with files laid over it; it must become the tree that is given.
	Commit(ctx context.Context, c ForgeCommit) (string, error)
}

// A ForgeCommit is a commit to be made.
type ForgeCommit struct {
	Branch, Was string
	Force       bool
	Parent      string
	BaseTree    string // the tree of the commit that files are laid over
	Tree        string // what must come out
	Message     string
	Author      string // "NAME <EMAIL>"; the forge signs only where it is ""
	Files       []ForgeFile
}

// A ForgeFile is one file of a ForgeCommit. A nil Text goes.
type ForgeFile struct {
	Path, Mode string
	Text       []byte
}

// A Clock tells the time and waits: what a test sets.
type Clock interface {
	Now() time.Time
	// Sleep waits, or ends early with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}
