package githubtest

import (
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"strings"
	"sync"
)

// backend finds git's own server.
var backend = sync.OnceValues(func() (string, error) {
	dir, err := run("", "", nil, "--exec-path")
	return filepath.Join(strings.TrimSpace(dir), "git-http-backend"), err
})

// serveGit serves a repository by git's smart HTTP, with the words that GitHub refuses with.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	who, known := s.authenticate("git", r)
	name, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	if !found {
		// A clone's address without .git works at GitHub too.
		parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
		if len(parts) < 3 {
			http.Error(w, "Not Found", http.StatusNotFound)
			return
		}
		name, rest = parts[0]+"/"+parts[1], parts[2]
	}
	s.mu.Lock()
	repository := s.repository(name)
	s.mu.Unlock()
	push := rest == "git-receive-pack" || r.URL.Query().Get("service") == "git-receive-pack"
	switch {
	case !known && (r.Header.Get("Authorization") != "" || push || repository == nil || !repository.public):
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		text := "Authentication required"
		if r.Header.Get("Authorization") != "" {
			text = "Invalid username or token. Password authentication is not supported for Git operations."
		}
		http.Error(w, text, http.StatusUnauthorized)
		return
	case repository == nil || !s.mayRead(who, repository):
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return
	case push && !s.mayWrite(who, repository):
		http.Error(w, "Permission to "+repository.Name+" denied to "+who.login+".", http.StatusForbidden)
		return
	}
	program, err := backend()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/" + rest
	(&cgi.Handler{
		Path: program, Dir: repository.Dir,
		Env: append(hermetic(), "GIT_PROJECT_ROOT="+repository.Dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+who.login, "GIT_PROTOCOL="+r.Header.Get("Git-Protocol")),
	}).ServeHTTP(w, r)
	if rest == "git-receive-pack" {
		s.mu.Lock()
		defer s.mu.Unlock()
		repository.settle()
	}
}

// mayRead says whether somebody may see a repository. Whoever forked owns the fork.
func (s *Server) mayRead(who account, repository *Repository) bool {
	return repository.public || who.access >= Read || owner(repository.Name) == who.login
}

func (s *Server) mayWrite(who account, repository *Repository) bool {
	if owner(repository.Name) == who.login {
		return true
	}
	return who.access >= Write
}

func owner(name string) string {
	login, _, _ := strings.Cut(name, "/")
	return login
}
