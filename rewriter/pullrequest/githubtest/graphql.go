//lint:file-ignore ST1005 errors are GitHub's own words, capitals and full stops with them.

package githubtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// mutation finds the one field of a GraphQL document that dekey's kind of mutation has, and its input: a variable, or an
// object whose values are variables and strings.
var (
	mutation = regexp.MustCompile(`^\s*mutation\b[^{]*\{\s*(?:\w+\s*:\s*)?(\w+)\s*\(\s*input\s*:\s*(\$\w+|\{[^{}]*\})\s*\)`)
	argument = regexp.MustCompile(`(\w+)\s*:\s*(\$\w+|"[^"\\]*")\s*,?`)
)

// inputOf is the input of a mutation, as JSON.
func inputOf(text string, variables map[string]json.RawMessage) (json.RawMessage, error) {
	if name, is := strings.CutPrefix(text, "$"); is {
		return variables[name], nil
	}
	object := make(map[string]json.RawMessage)
	for _, found := range argument.FindAllStringSubmatch(text, -1) {
		object[found[1]] = json.RawMessage(found[2])
		if name, is := strings.CutPrefix(found[2], "$"); is {
			object[found[1]] = variables[name]
		}
	}
	if rest := strings.TrimSpace(argument.ReplaceAllString(strings.Trim(text, "{}"), "")); rest != "" {
		return nil, fmt.Errorf("githubtest does not read %s", rest)
	}
	return json.Marshal(object)
}

// serveGraphQL knows the mutations that REST lacks. Their input stands in a variable; a name that the documentation
// of the input does not have is refused.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	asked := struct {
		Query     string
		Variables map[string]json.RawMessage
	}{}
	who, known := s.authenticate("api", r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rateHeaders(w.Header())
	if !known {
		refusal(w, http.StatusUnauthorized, "Bad credentials", "")
		return
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		refusal(w, http.StatusBadRequest, "Problems parsing JSON", "")
		return
	}
	fail := func(kind, format string, args ...any) {
		write(w, http.StatusOK, object{"data": nil, "errors": []object{{"type": kind, "message": fmt.Sprintf(format, args...)}}})
	}
	found := mutation.FindStringSubmatch(asked.Query)
	if found == nil {
		fail("INVALID", "githubtest knows no such document: mutation { kind(input: ...) { ... } } is what it takes")
		return
	}
	input, err := inputOf(found[2], asked.Variables)
	if err != nil {
		fail("INVALID", "%v", err)
		return
	}
	var answer object
	switch found[1] {
	case "markPullRequestReadyForReview", "convertPullRequestToDraft":
		answer, err = s.setDraft(who, input, found[1] == "convertPullRequestToDraft")
	case "createCommitOnBranch":
		answer, err = s.commitOnBranch(who, input)
	default:
		err = fmt.Errorf("Field '%s' doesn't exist on type 'Mutation'", found[1])
	}
	if err != nil {
		fail("UNPROCESSABLE", "%v", err)
		return
	}
	write(w, http.StatusOK, object{"data": object{found[1]: answer}})
}

// strict reads a mutation's input.
func strict(input json.RawMessage, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(input)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("Variable $input of type was provided invalid value: %w", err)
	}
	return nil
}

func (s *Server) setDraft(who account, input json.RawMessage, draft bool) (object, error) {
	asked := struct{ ClientMutationID, PullRequestID string }{}
	if err := strict(input, &asked); err != nil {
		return nil, err
	}
	for _, repository := range s.repositories {
		for _, p := range repository.pulls {
			if p.node() != asked.PullRequestID {
				continue
			}
			if !s.mayWrite(who, repository) && p.author != who.login {
				return nil, fmt.Errorf("%s does not have the correct permissions to execute `MarkPullRequestReadyForReview`", who.login)
			}
			if p.state != "open" {
				return nil, fmt.Errorf("Pull request is closed")
			}
			p.draft, p.updated = draft, s.now()
			return object{"pullRequest": object{"id": p.node(), "number": p.number, "isDraft": p.draft}}, nil
		}
	}
	return nil, fmt.Errorf("Could not resolve to a node with the global id of '%s'", asked.PullRequestID)
}

// commitOnBranch makes a commit that GitHub signs.
func (s *Server) commitOnBranch(who account, input json.RawMessage) (object, error) {
	asked := struct {
		ClientMutationID, ExpectedHeadOid string
		Branch                            struct{ ID, RepositoryNameWithOwner, BranchName string }
		Message                           struct{ Headline, Body string }
		FileChanges                       struct {
			Additions []struct{ Path, Contents string }
			Deletions []struct{ Path string }
		}
	}{}
	if err := strict(input, &asked); err != nil {
		return nil, err
	}
	repository := s.repository(asked.Branch.RepositoryNameWithOwner)
	if repository == nil || !s.mayRead(who, repository) {
		return nil, fmt.Errorf("Could not resolve to a Repository with the name '%s'.", asked.Branch.RepositoryNameWithOwner)
	}
	if !s.mayWrite(who, repository) {
		return nil, fmt.Errorf("Resource not accessible by personal access token")
	}
	branch := strings.TrimPrefix(asked.Branch.BranchName, "refs/heads/")
	tip := repository.tip(branch)
	switch {
	case tip == "":
		return nil, fmt.Errorf("Branch %q not found", branch)
	case tip != asked.ExpectedHeadOid:
		return nil, fmt.Errorf("Expected branch to point to %q but it did not. Pull and try again.", asked.ExpectedHeadOid)
	}
	if rule, protected := repository.protected(branch); protected && !rule.Signed {
		return nil, fmt.Errorf("%s", rule.message())
	}
	files := make(map[string]treeEntry)
	for _, file := range asked.FileChanges.Additions {
		content, err := base64.StdEncoding.DecodeString(file.Contents)
		if err != nil {
			return nil, fmt.Errorf("%s is not valid Base64", file.Path)
		}
		blob := strings.TrimSpace(s.git(repository.Dir, string(content), nil, "hash-object", "-w", "--stdin"))
		files[file.Path] = treeEntry{mode: "100644", sha: blob}
	}
	for _, file := range asked.FileChanges.Deletions {
		files[file.Path] = treeEntry{}
	}
	tree, err := repository.writeTree(tip, files)
	if err != nil {
		return nil, fmt.Errorf("A path was requested that cannot be in a tree")
	}
	message := asked.Message.Headline
	if asked.Message.Body != "" {
		message += "\n\n" + asked.Message.Body
	}
	sha := repository.writeCommit(who, message, tree, []string{tip}, nil, nil)
	repository.verified[sha] = true
	repository.git("update-ref", "refs/heads/"+branch, sha)
	repository.settle()
	return object{"commit": object{"oid": sha, "url": s.Git + "/" + repository.Name + "/commit/" + sha}}, nil
}
