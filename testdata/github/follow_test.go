package github

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// follow tells emulate what was pushed: it has no git transport. Its objects have git's own names.
func (h *hub) follow() error {
	branches, err := h.branches()
	if err != nil {
		return err
	}
	for name, sha := range branches {
		if h.synced[name] == sha {
			continue
		}
		commits, err := h.run(nil, "rev-list", "--reverse", "--topo-order", sha)
		if err != nil {
			return err
		}
		for commit := range strings.FieldsSeq(commits) {
			if err := h.tell(commit); err != nil {
				return err
			}
		}
		ref := "/git/refs/heads/" + name
		if status, err := h.ask(http.MethodPatch, h.path(ref), map[string]any{"sha": sha, "force": true}, nil); status == http.StatusNotFound {
			if _, err := h.ask(http.MethodPost, h.path("/git/refs"), map[string]any{"ref": "refs/heads/" + name, "sha": sha}, nil); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		h.synced[name] = sha
	}
	for name := range h.synced {
		if branches[name] == "" {
			if _, err := h.ask(http.MethodDelete, h.path("/git/refs/heads/"+name), nil, nil); err != nil {
				return err
			}
			delete(h.synced, name)
		}
	}
	return nil
}

func (h *hub) path(rest string) string { return "/repos/" + h.Repository.Name + rest }

// tell gives emulate one commit with its tree and blobs.
func (h *hub) tell(commit string) error {
	if status, err := h.ask(http.MethodGet, h.path("/git/commits/"+commit), nil, nil); err == nil && status == http.StatusOK {
		return nil
	}
	listing, err := h.run(nil, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return err
	}
	var entries []map[string]string
	for line := range strings.SplitSeq(strings.TrimSuffix(listing, "\x00"), "\x00") {
		about, path, _ := strings.Cut(line, "\t")
		words := strings.Fields(about)
		if len(words) != 3 {
			continue
		}
		text, err := h.run(nil, "cat-file", "blob", words[2])
		if err != nil {
			return err
		}
		blob := map[string]string{"content": base64.StdEncoding.EncodeToString([]byte(text)), "encoding": "base64"}
		if _, err := h.ask(http.MethodPost, h.path("/git/blobs"), blob, nil); err != nil {
			return err
		}
		entries = append(entries, map[string]string{"path": path, "mode": words[0], "type": words[1], "sha": words[2]})
	}
	var tree struct{ SHA string }
	if _, err := h.ask(http.MethodPost, h.path("/git/trees"), map[string]any{"tree": entries}, &tree); err != nil {
		return err
	}
	output, err := h.run(nil, "show", "-s", "--format=%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B", commit)
	if err != nil {
		return err
	}
	parts := strings.SplitN(output, "\x00", 8)
	person := func(at int) map[string]string {
		return map[string]string{"name": parts[at], "email": parts[at+1], "date": parts[at+2]}
	}
	var made struct{ SHA string }
	if _, err := h.ask(http.MethodPost, h.path("/git/commits"), map[string]any{
		"message": strings.TrimRight(parts[7], "\n"), "tree": tree.SHA, "parents": append([]string{}, strings.Fields(parts[0])...), "author": person(1), "committer": person(4),
	}, &made); err != nil {
		return err
	}
	if made.SHA != commit {
		return fmt.Errorf("emulate calls the commit %s %s", commit, made.SHA)
	}
	return nil
}

// adopt brings commits that were made through the API into the bare repository.
func (h *hub) adopt() error {
	var refs []struct {
		Ref    string
		Object struct{ SHA string }
	}
	if _, err := h.ask(http.MethodGet, h.path("/git/matching-refs/heads/"), nil, &refs); err != nil {
		return err
	}
	for _, ref := range refs {
		name := strings.TrimPrefix(ref.Ref, "refs/heads/")
		if h.synced[name] == ref.Object.SHA {
			continue
		}
		if err := h.bring(ref.Object.SHA); err != nil {
			return err
		}
		if _, err := h.run(nil, "update-ref", ref.Ref, ref.Object.SHA); err != nil {
			return err
		}
		h.synced[name] = ref.Object.SHA
	}
	return nil
}

// bring makes a commit of emulate's in the bare repository, with all that it stands on.
func (h *hub) bring(sha string) error {
	if _, err := h.run(nil, "cat-file", "-e", sha); err == nil {
		return nil
	}
	type person struct{ Name, Email, Date string }
	var commit struct {
		Message           string
		Tree              struct{ SHA string }
		Parents           []struct{ SHA string }
		Author, Committer person
	}
	if _, err := h.ask(http.MethodGet, h.path("/git/commits/"+sha), nil, &commit); err != nil {
		return err
	}
	for _, parent := range commit.Parents {
		if err := h.bring(parent.SHA); err != nil {
			return err
		}
	}
	var tree struct {
		Tree []struct{ Path, Mode, Type, SHA string }
	}
	if _, err := h.ask(http.MethodGet, h.path("/git/trees/"+commit.Tree.SHA+"?recursive=1"), nil, &tree); err != nil {
		return err
	}
	var stream strings.Builder
	who := func(p person) string {
		at, err := time.Parse(time.RFC3339, p.Date)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s <%s> %d %s", p.Name, p.Email, at.Unix(), at.Format("-0700"))
	}
	message := strings.TrimSuffix(commit.Message, "\n") + "\n"
	fmt.Fprintf(&stream, "commit refs/adopted/%s\nauthor %s\ncommitter %s\ndata %d\n%s\n", sha, who(commit.Author), who(commit.Committer), len(message), message)
	for i, parent := range commit.Parents {
		fmt.Fprintf(&stream, "%s %s\n", []string{"from", "merge"}[min(i, 1)], parent.SHA)
	}
	stream.WriteString("deleteall\n")
	for _, entry := range tree.Tree {
		if entry.Type != "blob" {
			continue
		}
		var blob struct{ Content string }
		if _, err := h.ask(http.MethodGet, h.path("/git/blobs/"+entry.SHA), nil, &blob); err != nil {
			return err
		}
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(blob.Content, "\n", ""))
		if err != nil {
			return err
		}
		fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", entry.Mode, entry.Path, len(text), text)
	}
	if _, err := h.run([]byte(stream.String()), "fast-import", "--quiet"); err != nil {
		return err
	}
	if _, err := h.run(nil, "cat-file", "-e", sha); err != nil {
		return fmt.Errorf("the commit %s has another name in git", sha)
	}
	return nil
}

// refuses gives GitHub's refusals that emulate lacks.
func (h *hub) refuses(w http.ResponseWriter, r *http.Request, body []byte) bool {
	refuse := func(status int, message string, details ...any) bool {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"message": message, "errors": details, "documentation_url": "https://docs.github.com/rest"})
		return true
	}
	if len(h.limits) > 0 {
		status := h.limits[0]
		h.limits = h.limits[1:]
		w.Header().Set("Retry-After", "1")
		return refuse(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	}
	if token := r.Header.Get("Authorization"); token != "" && token != "Bearer "+h.Token && token != "Bearer "+h.Other {
		return refuse(http.StatusUnauthorized, "Bad credentials")
	}
	var asked struct{ Head, Base, State string }
	if json.Unmarshal(body, &asked) != nil {
		return false
	}
	if asked.State == "open" && r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, h.path("/pulls/")) {
		var pull struct{ Merged bool }
		if _, err := h.ask(http.MethodGet, r.URL.Path, nil, &pull); err == nil && pull.Merged {
			return refuse(http.StatusUnprocessableEntity, "Validation Failed", map[string]string{"resource": "PullRequest", "code": "invalid", "field": "state"})
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != h.path("/pulls") {
		return false
	}
	owner, _, _ := strings.Cut(h.Repository.Name, "/")
	branch := strings.TrimPrefix(asked.Head, owner+":")
	var open []struct{ Number int }
	query := url.Values{"head": {owner + ":" + branch}, "base": {asked.Base}}
	if _, err := h.ask(http.MethodGet, h.path("/pulls?"+query.Encode()), nil, &open); err != nil {
		broken(w, err)
		return true
	}
	detail := map[string]string{"resource": "PullRequest"}
	switch {
	case h.synced[asked.Base] == "":
		detail["code"], detail["field"] = "invalid", "base"
	case h.synced[branch] == "":
		detail["code"], detail["field"] = "invalid", "head"
	case len(open) > 0:
		detail["code"], detail["message"] = "custom", "A pull request already exists for "+owner+":"+branch+"."
	default:
		return false
	}
	return refuse(http.StatusUnprocessableEntity, "Validation Failed", detail)
}

// complete puts into an answer what emulate does not follow: an open pull request's head moves with its branch.
func (h *hub) complete(r *http.Request, data []byte) []byte {
	if !strings.HasPrefix(r.URL.Path, h.path("/pulls")) {
		return data
	}
	var answer any
	if json.Unmarshal(data, &answer) != nil {
		return data
	}
	list, many := answer.([]any)
	if !many {
		list = []any{answer}
	}
	for _, one := range list {
		pull, _ := one.(map[string]any)
		head, _ := pull["head"].(map[string]any)
		if branch, _ := head["ref"].(string); pull["state"] == "open" && h.synced[branch] != "" {
			head["sha"] = h.synced[branch]
		}
	}
	changed, err := json.Marshal(answer)
	if err != nil {
		return data
	}
	return changed
}

// graphQL gives the one mutation that publishing needs: emulate has none of GitHub's, and takes draft as a field.
func (h *hub) graphQL(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fail := func(message string) {
		json.NewEncoder(w).Encode(map[string]any{"data": nil, "errors": []map[string]string{{"message": message}}})
	}
	w.Header().Set("Content-Type", "application/json")
	data, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Authorization") != "Bearer "+h.Token || !strings.Contains(string(data), "markPullRequestReadyForReview(") {
		fail("the hub takes markPullRequestReadyForReview alone")
		return
	}
	var pulls []struct {
		Number int
		NodeID string `json:"node_id"`
	}
	if _, err := h.ask(http.MethodGet, h.path("/pulls?state=all&per_page=100"), nil, &pulls); err != nil {
		fail(err.Error())
		return
	}
	for _, pull := range pulls {
		if strings.Contains(string(data), `"`+pull.NodeID+`"`) {
			if _, err := h.ask(http.MethodPatch, h.path(fmt.Sprintf("/pulls/%d", pull.Number)), map[string]any{"draft": false}, nil); err != nil {
				fail(err.Error())
				return
			}
			json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"markPullRequestReadyForReview": map[string]any{"pullRequest": map[string]any{"isDraft": false}}}})
			return
		}
	}
	fail("Could not resolve to a node")
}
