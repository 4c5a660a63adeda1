package githubtest

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strings"
)

// number of an account or a team: the same for the same name.
func identity(name string) int64 {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return int64(sum.Sum32())
}

// node is an id as GraphQL knows it.
func node(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%03d:%s%d", len(kind), kind, id))
}

// addresses puts an address below base for each word: "hooks" becomes hooks_url.
func addresses(into object, base, words string) object {
	for word := range strings.FieldsSeq(words) {
		into[word+"_url"] = base + "/" + word
	}
	return into
}

func (s *Server) user(login string) object {
	if login == "" {
		return nil
	}
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	base := s.url("users", strings.NewReplacer("[", "%5B", "]", "%5D").Replace(login))
	return addresses(object{
		"login": login, "id": identity(login), "node_id": node("User", identity(login)), "gravatar_id": "", "url": base, "html_url": s.Git + "/" + login,
		"avatar_url": s.Git + "/avatars/" + fmt.Sprint(identity(login)), "type": kind, "site_admin": false,
	}, base, "events followers following gists organizations received_events repos starred subscriptions")
}

func (s *Server) usersOf(logins []string) []object {
	list := make([]object, 0, len(logins))
	for _, login := range logins {
		list = append(list, s.user(login))
	}
	return list
}

func (s *Server) team(slug string) object {
	base := s.url("teams", fmt.Sprint(identity(slug)))
	return object{
		"id": identity(slug), "node_id": node("Team", identity(slug)), "url": base, "html_url": s.Git + "/orgs/teams/" + slug, "name": slug, "slug": slug,
		"description": nil, "permission": "push", "privacy": "closed", "notification_setting": "notifications_enabled", "parent": nil, "type": "organization",
		"members_url": base + "/members{/member}", "repositories_url": base + "/repos",
	}
}

func (s *Server) teamsOf(slugs []string) []object {
	list := make([]object, 0, len(slugs))
	for _, slug := range slugs {
		list = append(list, s.team(slug))
	}
	return list
}

// repositoryAddresses are the addresses of a repository's parts.
const repositoryAddresses = "archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks " +
	"git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers " +
	"statuses subscribers subscription tags teams trees"

func (r *Repository) answer(who account) object {
	s := r.server
	base := s.url("repos", r.Name)
	name := r.Name[strings.Index(r.Name, "/")+1:]
	date := "2026-01-01T00:00:00Z"
	forks := len(r.forks())
	return addresses(object{
		"id": r.id, "node_id": node("Repository", r.id), "name": name, "full_name": r.Name, "owner": s.user(owner(r.Name)), "private": !r.public, "html_url": s.Git + "/" + r.Name,
		"description": nil, "fork": r.parent != nil, "url": base, "clone_url": r.URL(), "git_url": strings.Replace(r.URL(), "http", "git", 1), "ssh_url": "git@" + strings.TrimPrefix(s.Git, "http://") + ":" + r.Name + ".git",
		"svn_url": s.Git + "/" + r.Name, "default_branch": "main", "homepage": nil, "language": nil, "license": nil, "mirror_url": nil, "archived": false, "disabled": false,
		"forks": forks, "forks_count": forks, "open_issues": len(r.open()), "open_issues_count": len(r.open()), "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1,
		"has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false, "has_discussions": false, "is_template": false,
		"allow_forking": true, "web_commit_signoff_required": false, "topics": []string{}, "visibility": map[bool]string{true: "public", false: "private"}[r.public],
		"pushed_at": date, "created_at": date, "updated_at": date,
		"permissions": object{"admin": who.access >= Admin, "maintain": who.access >= Admin, "push": s.mayWrite(who, r), "triage": s.mayWrite(who, r), "pull": true},
	}, base, repositoryAddresses)
}

// whole is the answer to a question for the repository itself.
func (r *Repository) whole(who account) object {
	answer := r.answer(who)
	answer["network_count"], answer["subscribers_count"] = len(r.forks()), 0
	if r.parent != nil {
		answer["parent"], answer["source"] = r.parent.answer(who), r.parent.answer(who)
	}
	return answer
}

func (r *Repository) label(name string) object {
	id := identity(r.Name + name)
	return object{"id": id, "node_id": node("Label", id), "url": r.server.url("repos", r.Name, "labels", escape(name)), "name": name, "description": "", "color": "ededed", "default": false}
}

func (r *Repository) labelsOf(names []string) []object {
	list := make([]object, 0, len(names))
	for _, name := range names {
		list = append(list, r.label(name))
	}
	return list
}

// simple is a pull request as lists have it.
func (p *pull) simple(who account) object {
	r := p.repository
	s := r.server
	base, html := s.url("repos", r.Name, "pulls", fmt.Sprint(p.number)), fmt.Sprintf("%s/%s/pull/%d", s.Git, r.Name, p.number)
	issue := s.url("repos", r.Name, "issues", fmt.Sprint(p.number))
	link := func(address string) object { return object{"href": address} }
	end := func(in *Repository, branch, sha string) object {
		side := object{"label": p.label(in, branch), "ref": branch, "sha": sha, "user": nil, "repo": nil}
		if in != nil {
			side["user"], side["repo"] = s.user(owner(in.Name)), in.answer(who)
		}
		return side
	}
	answer := object{
		"id": p.id, "node_id": p.node(), "number": p.number, "state": p.state, "locked": false, "draft": p.draft, "title": p.title, "body": null(p.body), "user": s.user(p.author),
		"url": base, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue, "comments_url": issue + "/comments",
		"commits_url": base + "/commits", "review_comments_url": base + "/comments", "review_comment_url": s.url("repos", r.Name, "pulls/comments{/number}"),
		"statuses_url": s.url("repos", r.Name, "statuses", p.headSHA), "created_at": p.created, "updated_at": p.updated, "closed_at": null(p.closed), "merged_at": null(p.merged),
		"merge_commit_sha": null(p.mergeSHA), "assignee": nil, "assignees": s.usersOf(p.assignees), "requested_reviewers": s.usersOf(p.reviewers), "requested_teams": s.teamsOf(p.teams),
		"labels": r.labelsOf(p.labels), "milestone": nil, "auto_merge": nil, "author_association": "COLLABORATOR", "active_lock_reason": nil,
		"head": end(p.headRepository, p.head, p.headSHA), "base": end(r, p.base, p.baseSHA),
		"_links": object{
			"self": link(base), "html": link(html), "issue": link(issue), "comments": link(issue + "/comments"), "commits": link(base + "/commits"), "review_comments": link(base + "/comments"),
			"review_comment": link(s.url("repos", r.Name, "pulls/comments{/number}")), "statuses": link(s.url("repos", r.Name, "statuses", p.headSHA)),
		},
	}
	if len(p.assignees) > 0 {
		answer["assignee"] = s.user(p.assignees[0])
	}
	return answer
}

// full is a pull request as a question for it is answered. Whether it can be merged GitHub works out behind a change's
// answer: there it is null.
func (p *pull) full(who account, settled bool) object {
	answer := p.simple(who)
	r := p.repository
	files := r.changes(p.mergeBase(), p.headSHA)
	additions, deletions := 0, 0
	for _, file := range files {
		additions, deletions = additions+file.additions, deletions+file.deletions
	}
	answer["additions"], answer["deletions"], answer["changed_files"], answer["commits"] = additions, deletions, len(files), len(p.commits())
	answer["comments"], answer["review_comments"] = len(p.comments), 0
	answer["maintainer_can_modify"], answer["merged"], answer["merged_by"], answer["rebaseable"] = p.maintainers, p.merged != "", nil, nil
	answer["mergeable"], answer["mergeable_state"] = nil, "unknown"
	if p.merged != "" {
		answer["merged_by"] = r.server.user(p.mergedBy)
	}
	if settled && p.state == "open" {
		clean := p.mergeable()
		answer["mergeable"] = clean
		switch {
		case !clean:
			answer["mergeable_state"] = "dirty"
		case p.draft:
			answer["mergeable_state"] = "draft"
		default:
			answer["mergeable_state"] = "clean"
		}
	}
	return answer
}

// issue is a pull request as the API of issues shows it.
func (p *pull) issue() object {
	r := p.repository
	s := r.server
	base := s.url("repos", r.Name, "issues", fmt.Sprint(p.number))
	html := fmt.Sprintf("%s/%s/pull/%d", s.Git, r.Name, p.number)
	answer := object{
		"id": p.id, "node_id": p.node(), "number": p.number, "state": p.state, "locked": false, "title": p.title, "body": null(p.body), "user": s.user(p.author), "draft": p.draft,
		"url": base, "html_url": html, "comments_url": base + "/comments", "events_url": base + "/events", "labels_url": base + "/labels{/name}", "repository_url": s.url("repos", r.Name),
		"created_at": p.created, "updated_at": p.updated, "closed_at": null(p.closed), "comments": len(p.comments), "labels": r.labelsOf(p.labels), "milestone": nil,
		"assignee": nil, "assignees": s.usersOf(p.assignees), "author_association": "COLLABORATOR", "active_lock_reason": nil,
		"pull_request": object{"url": s.url("repos", r.Name, "pulls", fmt.Sprint(p.number)), "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "merged_at": null(p.merged)},
	}
	if len(p.assignees) > 0 {
		answer["assignee"] = s.user(p.assignees[0])
	}
	return answer
}

func (p *pull) comment(c comment) object {
	r := p.repository
	s := r.server
	return object{
		"id": c.id, "node_id": node("IssueComment", c.id), "url": s.url("repos", r.Name, "issues/comments", fmt.Sprint(c.id)), "issue_url": s.url("repos", r.Name, "issues", fmt.Sprint(p.number)),
		"html_url": fmt.Sprintf("%s/%s/pull/%d#issuecomment-%d", s.Git, r.Name, p.number, c.id), "user": s.user(c.author), "body": c.body, "created_at": c.created, "updated_at": c.updated,
		"author_association": "COLLABORATOR",
	}
}

// null is a text, or JSON's null for an empty one.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}
