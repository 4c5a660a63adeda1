package pullrequest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
)

// GitHubOptions say which repository of which GitHub, and who asks.
type GitHubOptions struct {
	Server      string // https://github.com, or the address of an Enterprise server
	Owner, Name string
	// Head is the owner of the repository that branches are pushed to: of the fork, or Owner ("").
	Head string
	// HeadName is the fork's name, where it is not Name.
	HeadName string
	// Token is the token, or App is the app that asks.
	Token string
	App   *App
	Clock Clock
	// Wait is how long all waiting for rate limits may take.
	Wait time.Duration
	// Notify says what is waited for.
	Notify func(string)
	// Transport carries the requests; nil is the standard one.
	Transport http.RoundTripper
	Agent     string
}

// An App is a GitHub App as an installation of it.
type App struct {
	ID, Installation int64
	Key              []byte // PEM
}

// GitHub is a Forge and a Committer.
type GitHub struct {
	client *github.Client
	o      GitHubOptions
	token  func(context.Context) (string, error)
	api    *url.URL
}

// APIAddress is the address of a server's REST API: api.github.com, api.NAME.ghe.com, or /api/v3 of an Enterprise server.
// https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api
func APIAddress(server string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(server, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, problem("give it as https://HOST", "reading the address of GitHub: %q is none", shownRemote(server))
	}
	loopback := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		loopback = ip.IsLoopback()
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return nil, problem("give it as https://HOST: a token is never sent in the clear", "reading the address of GitHub: %q is not https", server)
	}
	switch host := strings.ToLower(u.Host); {
	case host == "github.com":
		return url.Parse("https://api.github.com/")
	case strings.HasSuffix(host, ".ghe.com") && u.Path == "":
		return url.Parse("https://api." + host + "/")
	}
	return url.Parse(u.String() + "/api/v3/")
}

// NewGitHub makes the client. It asks nothing yet.
func NewGitHub(o GitHubOptions) (*GitHub, error) {
	api, err := APIAddress(o.Server)
	if err != nil {
		return nil, err
	}
	o.Head, o.HeadName = cmp.Or(o.Head, o.Owner), cmp.Or(o.HeadName, o.Name)
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	transport = hurried{transport, 2 * time.Minute}
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	g := &GitHub{o: o, api: api}
	var auth http.RoundTripper
	if o.App != nil {
		repositories := []string{o.Name}
		if o.Head == o.Owner && o.HeadName != o.Name {
			repositories = append(repositories, o.HeadName)
		}
		app, err := ghinstallation.New(narrow{repositories, transport}, o.App.ID, o.App.Installation, o.App.Key)
		if err != nil {
			return nil, problem("the key is the PEM file that GitHub gave when the app's private key was made", "reading the private key of the GitHub App: it is none")
		}
		app.BaseURL = strings.TrimSuffix(api.String(), "/")
		auth, g.token = app, app.Token
	} else {
		auth, g.token = bearer{o.Token, transport}, func(context.Context) (string, error) { return o.Token, nil }
	}
	g.client = github.NewClient(&http.Client{Transport: &pace{next: gate{api, auth}, clock: o.Clock, most: o.Wait, say: o.Notify}})
	g.client.BaseURL = api
	g.client.UserAgent = cmp.Or(o.Agent, "dekey")
	return g, nil
}

// Token is what git needs to push over HTTPS.
func (g *GitHub) Token(ctx context.Context) (string, error) {
	token, err := g.token(ctx)
	if err != nil {
		return "", g.explain(err, "asking for a token of the GitHub App's installation")
	}
	return token, nil
}

func pullRequestOf(p *github.PullRequest) PullRequest {
	pr := PullRequest{
		Number: p.GetNumber(), ID: p.GetNodeID(), URL: p.GetHTMLURL(), Title: p.GetTitle(), Body: strings.ReplaceAll(p.GetBody(), "\r\n", "\n"),
		State: p.GetState(), Draft: p.GetDraft(), Branch: p.GetHead().GetRef(), Commit: p.GetHead().GetSHA(), Base: p.GetBase().GetRef(), Created: p.GetCreatedAt().Time,
	}
	if pr.State == Closed && !p.GetMergedAt().IsZero() {
		pr.State = Merged
	}
	return pr
}

// Find gives the pull requests of a head branch, newest first.
func (g *GitHub) Find(ctx context.Context, branch string) ([]PullRequest, error) {
	return g.list(ctx, &github.PullRequestListOptions{State: "all", Head: g.o.Head + ":" + branch, Sort: "created", Direction: "desc"},
		func(p *github.PullRequest) (bool, bool) { return p.GetHead().GetRef() == branch, true })
}

// Own gives the pull requests from branches below dekey/.
func (g *GitHub) Own(ctx context.Context, since time.Time) ([]PullRequest, error) {
	mine := func(p *github.PullRequest) bool {
		return strings.HasPrefix(p.GetHead().GetRef(), "dekey/") && strings.EqualFold(p.GetHead().GetUser().GetLogin(), g.o.Head)
	}
	list, err := g.list(ctx, &github.PullRequestListOptions{State: "open", Sort: "created", Direction: "desc"},
		func(p *github.PullRequest) (bool, bool) { return mine(p), true })
	if err != nil || since.IsZero() {
		return list, err
	}
	closed, err := g.list(ctx, &github.PullRequestListOptions{State: "closed", Sort: "created", Direction: "desc"},
		func(p *github.PullRequest) (bool, bool) {
			recent := p.GetCreatedAt().After(since)
			return recent && mine(p), recent
		})
	return append(list, closed...), err
}

// list pages through pull requests. take says whether one counts, and whether to go on behind it.
func (g *GitHub) list(ctx context.Context, o *github.PullRequestListOptions, take func(*github.PullRequest) (counts, more bool)) ([]PullRequest, error) {
	o.ListOptions = github.ListOptions{PerPage: 100}
	var list []PullRequest
	for {
		page, answer, err := g.client.PullRequests.List(ctx, g.o.Owner, g.o.Name, o)
		if err != nil {
			return nil, g.explain(err, "listing the pull requests of "+g.o.Owner+"/"+g.o.Name)
		}
		for _, p := range page {
			counts, more := take(p)
			if counts {
				list = append(list, pullRequestOf(p))
			}
			if !more {
				return list, nil
			}
		}
		if answer.NextPage == 0 {
			return list, nil
		}
		o.Page = answer.NextPage
	}
}

// Create opens a pull request.
func (g *GitHub) Create(ctx context.Context, p Proposal) (PullRequest, error) {
	pull := &github.NewPullRequest{Title: &p.Title, Body: &p.Body, Base: &p.Base, Draft: &p.Draft, Head: github.String(p.Branch)}
	if g.o.Head != g.o.Owner {
		pull.Head = github.String(g.o.Head + ":" + p.Branch)
	}
	made, _, err := g.client.PullRequests.Create(ctx, g.o.Owner, g.o.Name, pull)
	if err != nil {
		return PullRequest{}, g.explain(err, "opening the pull request of "+p.Branch)
	}
	return pullRequestOf(made), nil
}

// Update changes a pull request.
func (g *GitHub) Update(ctx context.Context, number int, c Change) (PullRequest, error) {
	pull := &github.PullRequest{}
	if c.Title != "" {
		pull.Title = &c.Title
	}
	if c.Body != "" {
		pull.Body = &c.Body
	}
	if c.State != "" {
		pull.State = &c.State
	}
	if c.Base != "" {
		pull.Base = &github.PullRequestBranch{Ref: &c.Base}
	}
	changed, _, err := g.client.PullRequests.Edit(ctx, g.o.Owner, g.o.Name, number, pull)
	if err != nil {
		return PullRequest{}, g.explain(err, fmt.Sprintf("changing the pull request #%d", number))
	}
	return pullRequestOf(changed), nil
}

// Say puts a comment on a pull request.
func (g *GitHub) Say(ctx context.Context, number int, text string) error {
	if _, _, err := g.client.Issues.CreateComment(ctx, g.o.Owner, g.o.Name, number, &github.IssueComment{Body: &text}); err != nil {
		return g.explain(err, fmt.Sprintf("commenting on the pull request #%d", number))
	}
	return nil
}

// Dress adds labels, assignees and reviewers.
func (g *GitHub) Dress(ctx context.Context, number int, d Dress) error {
	about := func(what string) string { return fmt.Sprintf("putting %s on the pull request #%d", what, number) }
	if len(d.Labels) > 0 {
		// The client would send a bare list, which GitHub's description does not have.
		r, err := g.client.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues/%d/labels", g.o.Owner, g.o.Name, number), map[string]any{"labels": d.Labels})
		if err == nil {
			_, err = g.client.Do(ctx, r, nil)
		}
		if err != nil {
			return g.explain(err, about("labels"))
		}
	}
	if len(d.Assignees) > 0 {
		if _, _, err := g.client.Issues.AddAssignees(ctx, g.o.Owner, g.o.Name, number, d.Assignees); err != nil {
			return g.explain(err, about("assignees"))
		}
	}
	if len(d.Reviewers)+len(d.TeamReviewers) > 0 {
		who := github.ReviewersRequest{Reviewers: d.Reviewers, TeamReviewers: d.TeamReviewers}
		if _, _, err := g.client.PullRequests.RequestReviewers(ctx, g.o.Owner, g.o.Name, number, who); err != nil {
			return g.explain(err, about("reviewers"))
		}
	}
	return nil
}

// Ready ends the draft. The REST API can not, so it is one GraphQL mutation.
// https://docs.github.com/en/graphql/reference/mutations#markpullrequestreadyforreview
func (g *GitHub) Ready(ctx context.Context, pr PullRequest) error {
	about := fmt.Sprintf("marking the pull request #%d as ready for review", pr.Number)
	address := g.api.JoinPath("..", "graphql")
	if !strings.HasSuffix(g.api.Path, "/api/v3/") {
		address = g.api.JoinPath("graphql")
	}
	r, err := g.client.NewRequest(http.MethodPost, address.String(), map[string]any{
		"query":     "mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { pullRequest { isDraft } } }",
		"variables": map[string]any{"input": map[string]string{"pullRequestId": pr.ID}},
	})
	if err != nil {
		return g.explain(err, about)
	}
	var answer struct {
		Errors []struct{ Message string }
	}
	if _, err := g.client.Do(ctx, r, &answer); err != nil {
		return g.explain(err, about)
	}
	if len(answer.Errors) > 0 {
		return problem("mark it by hand, or give a token that may write pull requests", "%s: GitHub says: %s", about, g.scrub(answer.Errors[0].Message))
	}
	return nil
}

// Commit makes a commit through the API, which GitHub signs when it has no author of ours.
func (g *GitHub) Commit(ctx context.Context, c ForgeCommit) (string, error) {
	about := "making the commit on " + c.Branch + " through GitHub's API"
	owner, name := g.o.Head, g.o.HeadName
	if was, err := g.ref(ctx, c.Branch); err != nil {
		return "", g.explain(err, about)
	} else if was != c.Was {
		return "", &raceError{c.Branch}
	}
	var entries []*github.TreeEntry
	for _, file := range c.Files {
		e := &github.TreeEntry{Path: github.String(file.Path), Mode: github.String(file.Mode), Type: github.String("blob")}
		switch {
		case file.Text == nil:
			e.Mode = github.String("100644") // and no content and no blob: it goes
		case utf8.Valid(file.Text):
			e.Content = github.String(string(file.Text))
		default:
			blob, _, err := g.client.Git.CreateBlob(ctx, owner, name, &github.Blob{Content: github.String(base64Of(file.Text)), Encoding: github.String("base64")})
			if err != nil {
				return "", g.explain(err, about)
			}
			e.SHA = blob.SHA
		}
		entries = append(entries, e)
	}
	tree, _, err := g.client.Git.CreateTree(ctx, owner, name, c.BaseTree, entries)
	if err != nil {
		return "", g.explain(err, about)
	}
	if tree.GetSHA() != c.Tree {
		return "", problem("publish without --api-commit", "%s: GitHub made another tree of the files than git", about)
	}
	commit := &github.Commit{Message: &c.Message, Tree: tree, Parents: []*github.Commit{{SHA: &c.Parent}}}
	if c.Author != "" {
		author, err := mail.ParseAddress(c.Author)
		if err != nil {
			return "", problem("give it as 'NAME <EMAIL>'", "%s: %q is no author", about, c.Author)
		}
		commit.Author = &github.CommitAuthor{Name: &author.Name, Email: &author.Address}
	}
	made, _, err := g.client.Git.CreateCommit(ctx, owner, name, commit, nil)
	if err != nil {
		return "", g.explain(err, about)
	}
	ref := &github.Reference{Ref: github.String("refs/heads/" + c.Branch), Object: &github.GitObject{SHA: made.SHA}}
	if c.Was == "" {
		_, _, err = g.client.Git.CreateRef(ctx, owner, name, ref)
	} else {
		_, _, err = g.client.Git.UpdateRef(ctx, owner, name, ref, c.Force)
	}
	if err != nil {
		return "", g.explain(err, about)
	}
	return made.GetSHA(), nil
}

// ref is the commit of a branch where branches are pushed to, "" where there is none.
func (g *GitHub) ref(ctx context.Context, branch string) (string, error) {
	ref, _, err := g.client.Git.GetRef(ctx, g.o.Head, g.o.HeadName, "heads/"+branch)
	var refused *github.ErrorResponse
	if errors.As(err, &refused) && refused.Response.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return ref.GetObject().GetSHA(), nil
}

// explain says what a refusal means and what the user can do.
func (g *GitHub) explain(err error, doing string) error {
	again := "run the same command again: it goes on where this one stopped"
	var limit *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	var refused *github.ErrorResponse
	var app *ghinstallation.HTTPError
	switch {
	case errors.As(err, &limit):
		return problem("run it again at "+limit.Rate.Reset.UTC().Format(time.RFC3339)+", or let it wait longer with --wait", "%s: the rate limit of GitHub's API is used up", doing)
	case errors.As(err, &abuse):
		return problem("run it again in some minutes, or let it wait longer with --wait", "%s: GitHub's secondary rate limit", doing)
	case errors.As(err, &app):
		return problem("--app-id, --app-installation and the key must belong together, and the app must be installed on "+g.o.Owner+"/"+g.o.Name, "%s: GitHub refused the app", doing)
	case !errors.As(err, &refused):
		if errors.Is(err, context.Canceled) {
			return err
		}
		var syntax *json.SyntaxError
		var shape *json.UnmarshalTypeError
		if errors.As(err, &syntax) || errors.As(err, &shape) {
			// The decoder's words could quote the answer, whosever it is.
			return problem("is "+g.o.Server+" a GitHub server, and does no proxy or login page stand before it?", "%s: the answer is not GitHub's", doing)
		}
		return &Error{What: doing, Do: again, Err: cleanURL(err)}
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	says := refused.Message
	for _, e := range refused.Errors {
		says += "; " + cmp.Or(e.Message, strings.TrimSpace(e.Resource+" "+e.Field+" "+e.Code))
	}
	return problem(g.advice(status, says, refused, again), "%s: GitHub says: %s (%d)", doing, g.scrub(strings.TrimPrefix(says, "; ")), status)
}

// tokens are GitHub's, by their shape.
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
var tokens = regexp.MustCompile(`\b(gh[pousr]_|github_pat_)[A-Za-z0-9_]+`)

// scrub takes tokens out of what a server says: it may say back what it got. It stays one line, so that no part of it
// can be taken for words of dekey's.
func (g *GitHub) scrub(text string) string {
	if g.o.Token != "" {
		text = strings.ReplaceAll(text, g.o.Token, "***")
	}
	return tokens.ReplaceAllString(strings.Join(strings.Fields(text), " "), "***")
}

// cleanURL takes the address off an error of the HTTP client: it repeats what the message says already.
func cleanURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// advice is the hint for a status.
func (g *GitHub) advice(status int, says string, refused *github.ErrorResponse, again string) string {
	repository, lower := g.o.Owner+"/"+g.o.Name, strings.ToLower(says)
	contains := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	switch {
	case status == http.StatusUnauthorized:
		return "the token in GITHUB_TOKEN or GH_TOKEN is missing, expired or revoked, or is of another server than " + g.o.Server
	case contains("rate limit"):
		return "run it again in some minutes, or let it wait longer with --wait"
	case contains("archived"):
		return "the repository is archived and takes no change: unarchive it first"
	case contains("two-factor authentication"):
		return "the account must switch on two-factor authentication first, or its password was given for a token: make a token"
	case status == http.StatusForbidden && (refused.Response.Header.Get("X-GitHub-SSO") != "" || contains("saml")):
		return "authorise the token for the organisation's single sign-on, in the token's settings"
	case status == http.StatusForbidden && contains("not permitted to create", "create or approve pull requests"):
		return "switch on \"Allow GitHub Actions to create and approve pull requests\" in the repository's Actions settings, or use a GitHub App"
	case status == http.StatusForbidden:
		return "the token may not do that: it needs contents: write and pull-requests: write on " + repository + " (in a workflow: permissions)"
	case status == http.StatusNotFound:
		return "is " + repository + " right? GitHub answers 404 also where the token may not see the repository: give it access there"
	case status == http.StatusUnprocessableEntity && contains("already exists"):
		return "somebody else's pull request is open from that branch: close it, or rename its branch"
	case status == http.StatusUnprocessableEntity && contains("draft"):
		return "this repository takes no drafts: --draft=false"
	case status == http.StatusUnprocessableEntity && contains("collaborator", "review"):
		return "reviewers must have access to the repository, and nobody reviews their own pull request: see --reviewers and --team-reviewers"
	case status == http.StatusUnprocessableEntity && contains("no commits between"):
		return "the branch holds what the base branch has: was it merged meanwhile? Run it again"
	case status == http.StatusUnprocessableEntity && contains("head", "base"):
		return "is the base branch right (--base), and is the branch still there? Run it again: it goes on where this one stopped"
	case status == http.StatusUnprocessableEntity:
		return "GitHub did not take a value: look at labels, reviewers, assignees and the base branch"
	}
	return again
}

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
