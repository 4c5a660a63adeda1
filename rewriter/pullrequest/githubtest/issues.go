package githubtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *call) getIssue() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, p.issue(), nil
}

func (c *call) updateIssue() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	asked := struct {
		Title, Body, State *string
		Labels, Assignees  *[]string
	}{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if wrong := p.apply(asked.Title, asked.Body, asked.State); wrong != nil {
		return invalid(wrong)
	}
	if asked.Labels != nil {
		if err := c.setLabelsOf(p, *asked.Labels, true); err != nil {
			return 0, nil, err
		}
	}
	if asked.Assignees != nil {
		p.assignees = c.collaborators(*asked.Assignees)
	}
	p.updated = c.now()
	return http.StatusOK, p.issue(), nil
}

func (c *call) repositoryLabels() (int, any, error) {
	return page(c, c.repository.labelsOf(c.repository.labels))
}

func (c *call) getLabel() (int, any, error) {
	at := c.repository.labelAt(c.values["name"])
	if at < 0 {
		return notFound()
	}
	return http.StatusOK, c.repository.label(c.repository.labels[at]), nil
}

// labelAt finds a label; GitHub does not tell upper from lower case there.
func (r *Repository) labelAt(name string) int {
	return slices.IndexFunc(r.labels, func(other string) bool { return strings.EqualFold(other, name) })
}

func (c *call) createLabel() (int, any, error) {
	asked := struct{ Name string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if c.repository.labelAt(asked.Name) >= 0 {
		return invalid(object{"resource": "Label", "code": "already_exists", "field": "name"})
	}
	if err := c.repository.addLabel(asked.Name); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, c.repository.label(asked.Name), nil
}

func (r *Repository) addLabel(name string) error {
	if length := utf8.RuneCountInString(name); length == 0 || length > 50 {
		return &refused{status: http.StatusUnprocessableEntity, message: "Validation Failed", details: []object{{
			"resource": "Label", "code": "invalid", "field": "name", "message": "name is too long (maximum is 50 characters)",
		}}}
	}
	r.labels = append(r.labels, name)
	return nil
}

func (c *call) issueLabels() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	return page(c, c.repository.labelsOf(p.labels))
}

func (c *call) addLabels() (int, any, error) { return c.label(false) }
func (c *call) setLabels() (int, any, error) { return c.label(true) }

// label adds the labels that a request names to what is there, or sets them instead. Labels that the repository lacks
// are made.
func (c *call) label(instead bool) (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	var names []string
	if json.Unmarshal(c.body, &names) != nil {
		asked := struct{ Labels []string }{}
		if err := c.take(&asked); err != nil {
			return 0, nil, err
		}
		names = asked.Labels
	}
	if err := c.setLabelsOf(p, names, instead); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.repository.labelsOf(p.labels), nil
}

func (c *call) setLabelsOf(p *pull, names []string, instead bool) error {
	labels := p.labels
	if instead {
		labels = nil
	}
	for _, name := range names {
		at := c.repository.labelAt(name)
		if at < 0 {
			if err := c.repository.addLabel(name); err != nil {
				return err
			}
			at = len(c.repository.labels) - 1
		}
		if name = c.repository.labels[at]; !slices.Contains(labels, name) {
			labels = append(slices.Clone(labels), name)
		}
	}
	p.labels, p.updated = labels, c.now()
	return nil
}

func (c *call) removeLabel() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	at := slices.Index(p.labels, c.values["name"])
	if at < 0 {
		return refuse(http.StatusNotFound, "Label does not exist")
	}
	p.labels = slices.Delete(slices.Clone(p.labels), at, at+1)
	return http.StatusOK, c.repository.labelsOf(p.labels), nil
}

// collaborators are those of the logins who may be assigned: GitHub passes over all others in silence.
func (c *call) collaborators(logins []string) []string {
	var known []string
	for _, login := range logins {
		if slices.Contains(c.users, login) && !slices.Contains(known, login) {
			known = append(known, login)
		}
	}
	return known
}

func (c *call) listAssignees() (int, any, error) { return page(c, c.usersOf(c.users)) }

func (c *call) addAssignees() (int, any, error) {
	return c.assign(http.StatusCreated, func(p *pull, logins []string) []string {
		return c.collaborators(append(slices.Clone(p.assignees), logins...))
	})
}

func (c *call) removeAssignees() (int, any, error) {
	return c.assign(http.StatusOK, func(p *pull, logins []string) []string {
		return slices.DeleteFunc(slices.Clone(p.assignees), func(login string) bool { return slices.Contains(logins, login) })
	})
}

func (c *call) assign(status int, change func(*pull, []string) []string) (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	asked := struct{ Assignees []string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	p.assignees, p.updated = change(p, asked.Assignees), c.now()
	return status, p.issue(), nil
}

func (c *call) listReviewers() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"users": c.usersOf(p.reviewers), "teams": c.teamsOf(p.teams)}, nil
}

type reviewers struct {
	Reviewers []string
	Teams     []string `json:"team_reviewers"`
}

func (c *call) requestReviewers() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	var asked reviewers
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if slices.Contains(asked.Reviewers, p.author) {
		return refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
	}
	if len(c.collaborators(asked.Reviewers)) < len(asked.Reviewers) {
		return refuse(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+
			c.repository.Name+" repository.")
	}
	for _, slug := range asked.Teams {
		if !slices.Contains(c.teams, slug) {
			return refuse(http.StatusUnprocessableEntity, "Could not resolve to a node with the global id of 'T_"+slug+"'.")
		}
	}
	for _, login := range asked.Reviewers {
		if !slices.Contains(p.reviewers, login) {
			p.reviewers = append(p.reviewers, login)
		}
	}
	for _, slug := range asked.Teams {
		if !slices.Contains(p.teams, slug) {
			p.teams = append(p.teams, slug)
		}
	}
	p.updated = c.now()
	return http.StatusCreated, p.simple(c.who), nil
}

func (c *call) removeReviewers() (int, any, error) {
	p, err := c.thePull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	var asked reviewers
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	p.reviewers = slices.DeleteFunc(slices.Clone(p.reviewers), func(login string) bool { return slices.Contains(asked.Reviewers, login) })
	p.teams = slices.DeleteFunc(slices.Clone(p.teams), func(slug string) bool { return slices.Contains(asked.Teams, slug) })
	return http.StatusOK, p.simple(c.who), nil
}

func (c *call) listComments() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	var list []object
	for _, comment := range p.comments {
		list = append(list, p.comment(comment))
	}
	return page(c, list)
}

func (c *call) createComment() (int, any, error) {
	p, err := c.thePull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	asked := struct{ Body string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if wrong := tooLong("", asked.Body); wrong != nil {
		return invalid(wrong)
	}
	now := c.now()
	p.comments = append(p.comments, comment{id: c.next(), author: c.who.login, body: asked.Body, created: now, updated: now})
	return http.StatusCreated, p.comment(p.comments[len(p.comments)-1]), nil
}

func (c *call) updateComment() (int, any, error) {
	asked := struct{ Body string }{}
	if err := c.take(&asked); err != nil {
		return 0, nil, err
	}
	if wrong := tooLong("", asked.Body); wrong != nil {
		return invalid(wrong)
	}
	for _, p := range c.repository.pulls {
		for i := range p.comments {
			if p.comments[i].id == int64(c.number("comment_id")) {
				p.comments[i].body, p.comments[i].updated = asked.Body, c.now()
				return http.StatusOK, p.comment(p.comments[i]), nil
			}
		}
	}
	return notFound()
}

// Comment puts somebody's comment on a pull request.
func (r *Repository) Comment(number int, author, body string) {
	r.change(number, func(p *pull) {
		now := r.server.now()
		p.comments = append(p.comments, comment{id: r.server.next(), author: author, body: body, created: now, updated: now})
	})
}
