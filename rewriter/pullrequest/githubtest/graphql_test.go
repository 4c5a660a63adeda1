package githubtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
)

// ask sends a GraphQL document, and gives the messages of its errors.
func ask(t *testing.T, hub *Server, query string, variables map[string]any) []string {
	t.Helper()
	c := client(t, hub, hub.Token)
	request, err := c.NewRequest(http.MethodPost, hub.GraphQL, map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Errors []struct{ Message string } }
	if _, err := c.Do(t.Context(), request, &answer); err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, e := range answer.Errors {
		messages = append(messages, e.Message)
	}
	return messages
}

func TestGraphQL(t *testing.T) {
	hub, repository := shop(t, Config{Enterprise: true})
	first := repository.Commit("dekey/migrate", "robot", "change", map[string]string{"a": "b"})
	opened, _, err := client(t, hub, hub.Token).PullRequests.Create(t.Context(), "acme", "shop", &github.NewPullRequest{
		Title: github.String("t"), Head: github.String("dekey/migrate"), Base: github.String("main"), Draft: github.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	ready := "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"
	draft := "mutation($input: ConvertPullRequestToDraftInput!) { convertPullRequestToDraft(input: $input) { pullRequest { isDraft } } }"
	commit := "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }"
	change := func(head string) map[string]any {
		return map[string]any{"input": map[string]any{
			"branch": map[string]string{"repositoryNameWithOwner": "acme/shop", "branchName": "dekey/migrate"}, "message": map[string]string{"headline": "by GraphQL"},
			"fileChanges": map[string]any{"additions": []map[string]string{{"path": "c", "contents": "Yw=="}}, "deletions": []map[string]string{{"path": "a"}}}, "expectedHeadOid": head,
		}}
	}
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		want        string
	}{
		{"ready", ready, map[string]any{"id": opened.GetNodeID()}, ""},
		{"a pull request that is none", ready, map[string]any{"id": "x"}, "Could not resolve to a node"},
		{"a field that the input lacks", draft, map[string]any{"input": map[string]string{"id": opened.GetNodeID()}}, "invalid value"},
		{"draft again", draft, map[string]any{"input": map[string]string{"pullRequestId": opened.GetNodeID()}}, ""},
		{"a commit", commit, change(first), ""},
		{"a commit on a head that moved", commit, change(first), "Expected branch to point to"},
		{"a mutation that is none", "mutation { mergeEverything(input: {}) { x } }", nil, "doesn't exist on type 'Mutation'"},
	} {
		messages := ask(t, hub, test.query, test.variables)
		if (len(messages) == 0) != (test.want == "") || !strings.Contains(strings.Join(messages, "\n"), test.want) {
			t.Errorf("%s: %q, want %q", test.name, messages, test.want)
		}
	}
	if pulls := repository.Pulls(); !pulls[0].Draft || !slices.Equal(pulls[0].Files, []string{"c"}) {
		t.Errorf("pull request %+v", pulls[0])
	}
}
