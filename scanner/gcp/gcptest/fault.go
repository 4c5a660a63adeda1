package gcptest

import (
	"fmt"
	"net/http"
	"path"
	"strings"
)

// A Fault makes requests fail. The zero values of Method and Path fit every request.
type Fault struct {
	Method string // a name as Request.Method has it, or a pattern: iam.v1:*
	Path   string // a part of the path
	Times  int    // how often; 0 is always

	Code    int    // the HTTP status; 0 answers with Body (or {}) and 200
	Status  string // PERMISSION_DENIED, ...; "" goes by the code
	Message string
	// Reason of a google.rpc.ErrorInfo: IAM_PERMISSION_DENIED with Permission, SERVICE_DISABLED with Service.
	Reason, Permission, Service string
	RetryAfter                  string // the header: seconds, or a date
	Body                        string // instead of an error in Google's shape: an empty answer, a page of HTML
	Hang                        bool   // no answer until the client gives up
	Cut                         bool   // the connection ends without an answer
}

// Denied refuses for want of a permission, as IAM does.
func Denied(method, permission string) Fault {
	return Fault{Method: method, Code: http.StatusForbidden, Reason: "IAM_PERMISSION_DENIED", Permission: permission,
		Message: fmt.Sprintf("Permission '%s' denied on resource (or it may not exist).", permission)}
}

// Disabled refuses because the API is off.
func Disabled(method, service string) Fault {
	return Fault{Method: method, Code: http.StatusForbidden, Reason: "SERVICE_DISABLED", Service: service,
		Message: service + " has not been used in project 1 before or it is disabled."}
}

// Fail adds faults. Of several that fit, the first is taken.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// Heal takes all faults away.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f *Fault) fits(method, at string) bool {
	if f.Times < 0 || f.Path != "" && !strings.Contains(at, f.Path) {
		return false
	}
	ok, err := path.Match(f.Method, method)
	return f.Method == "" || f.Method == method || err == nil && ok
}

var statuses = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
	429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

// take finds the fault of a request and counts it.
func (s *Server) take(method, at string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if !f.fits(method, at) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1 // used up
			}
		}
		taken := *f
		return &taken
	}
	return nil
}

// faulty answers a request that a fault fits.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, method string) bool {
	f := s.take(method, r.URL.Path)
	switch {
	case f == nil:
		return false
	case f.Hang:
		<-r.Context().Done()
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Code == 0 || f.Body != "":
		body := f.Body
		if body == "" {
			body = "{}"
		}
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if f.Code != 0 {
			w.WriteHeader(f.Code)
		}
		_, _ = w.Write([]byte(body)) // a client that went away
	default:
		failure := &failure{code: f.Code, status: f.Status, message: f.Message, retryAfter: f.RetryAfter}
		if failure.status == "" {
			failure.status = statuses[f.Code]
		}
		if failure.message == "" {
			failure.message = "injected: " + failure.status
		}
		if f.Reason != "" {
			metadata := map[string]string{}
			for key, value := range map[string]string{"permission": f.Permission, "service": f.Service} {
				if value != "" {
					metadata[key] = value
				}
			}
			failure.details = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": f.Reason, "domain": "googleapis.com", "metadata": metadata}}
		}
		write(w, failure)
	}
	return true
}
