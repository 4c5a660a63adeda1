package pullrequest

// A Status is what became of one pull request.
type Status string

// The statuses.
const (
	Created   Status = "created"
	Updated   Status = "updated"
	Unchanged Status = "unchanged"
	ClosedIt  Status = "closed"
	Failed    Status = "failed"
)

// A Result is what publish did, as a document. Lists are in the order of the pull requests.
type Result struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"` // Publication
	Repository string `json:"repository"`
	Plan       string `json:"plan"`
	Stage      string `json:"stage"`
	Base       string `json:"base"`
	// Reason and Hint say why nothing could be begun at all.
	Reason       string    `json:"reason,omitempty"`
	Hint         string    `json:"hint,omitempty"`
	PullRequests []Outcome `json:"pullRequests"`
}

// An Outcome is one pull request, or one branch where there is no forge.
type Outcome struct {
	Branch string   `json:"branch"`
	Group  string   `json:"group"`
	Status Status   `json:"status"`
	Reason string   `json:"reason"` // why it failed, is unchanged or was closed
	Hint   string   `json:"hint,omitempty"`
	Number int      `json:"number,omitempty"`
	URL    string   `json:"url,omitempty"`
	Draft  bool     `json:"draft"`
	Title  string   `json:"title"`
	Commit string   `json:"commit"` // of the branch
	Files  []string `json:"files"`
	// Notes are what a person should know about how it was done: that it was rebased, for one.
	Notes []string `json:"notes"`
	// Body is filled in where nothing is opened: by Print.
	Body string `json:"body,omitempty"`
}

// Failures counts what failed.
func (r Result) Failures() int {
	n := 0
	for _, o := range r.PullRequests {
		if o.Status == Failed {
			n++
		}
	}
	return n
}
