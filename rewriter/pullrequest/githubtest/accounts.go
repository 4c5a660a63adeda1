package githubtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

func (c *call) getMe() (int, any, error) {
	if c.who.app {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return http.StatusOK, c.profile(c.who.login), nil
}

func (c *call) getUser() (int, any, error) {
	for _, login := range c.users {
		if strings.EqualFold(login, c.values["username"]) {
			return http.StatusOK, c.profile(login), nil
		}
	}
	return notFound()
}

// profile is a user as a question for one is answered.
func (s *Server) profile(login string) object {
	answer := s.user(login)
	for name, value := range (object{
		"user_view_type": "public", "name": login, "company": nil, "blog": "", "location": nil, "email": nil, "hireable": nil, "bio": nil, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
	}) {
		answer[name] = value
	}
	return answer
}

func (c *call) rateLimit() (int, any, error) {
	rate := object{"limit": 5000, "remaining": max(1, 5000-len(c.requests)), "used": min(4999, len(c.requests)), "reset": 4102444800, "resource": "core"}
	return http.StatusOK, object{"rate": rate, "resources": object{"core": rate, "search": rate}}, nil
}

// asApp proves that a request is the App's own: a token signed by its key, for ten minutes at the most.
func (c *call) asApp() error {
	bad := &refused{status: http.StatusUnauthorized, message: "A JSON web token could not be decoded"}
	text, found := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !found || c.app == nil {
		return bad
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"})).ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return c.app.public, nil })
	switch {
	case err != nil, claims.Issuer != strconv.FormatInt(c.app.id, 10), claims.ExpiresAt == nil:
		return bad
	case claims.IssuedAt != nil && claims.ExpiresAt.Sub(claims.IssuedAt.Time) > 11*time.Minute:
		return &refused{status: http.StatusUnauthorized, message: "'Expiration time' claim ('exp') is too far in the future"}
	}
	return nil
}

const appSlug = "dekey-app"

func (c *call) permissions() object {
	return object{"contents": "write", "pull_requests": "write", "metadata": "read"}
}

func (c *call) getApp() (int, any, error) {
	if err := c.asApp(); err != nil {
		return 0, nil, err
	}
	date := "2026-01-01T00:00:00Z"
	return http.StatusOK, object{
		"id": c.app.id, "node_id": node("App", c.app.id), "slug": appSlug, "name": appSlug, "owner": c.user("acme"), "description": nil, "external_url": c.Git, "html_url": c.Git + "/apps/" + appSlug,
		"created_at": date, "updated_at": date, "permissions": c.permissions(), "events": []string{},
	}, nil
}

func (c *call) getInstallation() (int, any, error) {
	if err := c.asApp(); err != nil {
		return 0, nil, err
	}
	if c.Server.repository(c.values["owner"]+"/"+c.values["repo"]) == nil {
		return notFound()
	}
	date, number := "2026-01-01T00:00:00Z", strconv.FormatInt(c.app.installation, 10)
	return http.StatusOK, object{
		"id": c.app.installation, "app_id": c.app.id, "app_slug": appSlug, "account": c.user(c.values["owner"]), "target_id": identity(c.values["owner"]), "target_type": "Organization",
		"repository_selection": "all", "access_tokens_url": c.url("app/installations", number, "access_tokens"), "repositories_url": c.url("installation/repositories"),
		"html_url": c.Git + "/settings/installations/" + number, "permissions": c.permissions(), "events": []string{}, "single_file_name": nil, "suspended_by": nil, "suspended_at": nil,
		"created_at": date, "updated_at": date,
	}, nil
}

func (c *call) createToken() (int, any, error) {
	if err := c.asApp(); err != nil {
		return 0, nil, err
	}
	if int64(c.number("installation_id")) != c.app.installation {
		return notFound()
	}
	token := c.issue("ghs_", &account{login: appSlug + "[bot]", access: Write, app: true})
	return http.StatusCreated, object{"token": token, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "permissions": c.permissions(), "repository_selection": "all"}, nil
}
