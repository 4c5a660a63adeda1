package gcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"dekey/scanner"
)

// ErrNotFound says that Google knows of no such thing. A resource that must not be seen is refused, not missing.
var ErrNotFound = errors.New("not found")

// An Error is what Google refused or could not answer: the thing is unknown, never absent.
type Error struct {
	Doing      string // reading the service account E
	What       string // projects/P, or the like: where the permission is missing
	Permission string // that the call needs
	Role       string // that has it
	Service    string // the API, where it is off
	Code       int    // the HTTP status, 0 where there was no answer
	Status     string
	Err        error
	// unchargeable: the credentials name no project that the call is charged to.
	unchargeable bool
}

func (e *Error) Error() string { return e.Doing + ": " + e.why() }

func (e *Error) Unwrap() error { return e.Err }

// why is the cause, and what would clear it.
func (e *Error) why() string {
	switch {
	case errors.Is(e.Err, errNoCredentials):
		return errNoCredentials.Error() + ": gcloud auth application-default login makes them"
	case errors.Is(e.Err, errBadCredentials):
		return errBadCredentials.Error() + ": gcloud auth application-default login makes new ones"
	case e.Status == "USER_PROJECT_DENIED":
		return "the project that the calls are charged to may not be used by these credentials: roles/serviceusage.serviceUsageConsumer on it has what it takes, and --google-quota-project names another"
	case e.Service != "" && e.unchargeable:
		return "no project is named that the calls are charged to: --google-quota-project PROJECT, where " + e.Service + " is on"
	case e.Service != "":
		return fmt.Sprintf("the API %s is off: gcloud services enable %s", e.Service, e.Service)
	case e.Status == "RATE_LIMIT_EXCEEDED" || e.Status == "rateLimitExceeded":
		return "the quota of the project that is charged is used up"
	case e.Code == http.StatusForbidden && e.Permission != "":
		return fmt.Sprintf("the permission %s is missing, or the resource is; %s has it", e.Permission, e.Role)
	case e.Code == http.StatusUnauthorized:
		return "the credentials were refused: log in again"
	}
	return cause(e.Err)
}

// Gap is the error as an inventory lists it.
func (e *Error) Gap() scanner.Gap {
	return scanner.Gap{Source: Source, What: e.What + ": " + e.Permission, Why: e.why()}
}

// Source is the name under which gaps stand.
const Source = scanner.SourceGoogle

// A need is what one call takes.
type need struct{ permission, role string }

// What each call needs.
// https://cloud.google.com/iam/docs/roles-permissions
var (
	needAccount  = need{"iam.serviceAccounts.get", "roles/iam.serviceAccountViewer"}
	needPolicy   = need{"iam.serviceAccounts.getIamPolicy", "roles/iam.serviceAccountViewer"}
	needKeys     = need{"iam.serviceAccountKeys.list", "roles/iam.serviceAccountViewer"}
	needKey      = need{"iam.serviceAccountKeys.get", "roles/iam.serviceAccountViewer"}
	needCluster  = need{"container.clusters.get", "roles/container.clusterViewer"}
	needProject  = need{"resourcemanager.projects.get", "roles/browser"}
	needBindings = need{"resourcemanager.projects.getIamPolicy", "roles/browser"}
	needServices = need{"serviceusage.services.get", "roles/serviceusage.serviceUsageViewer"}
	needOrg      = need{"orgpolicy.policy.get", "roles/orgpolicy.policyViewer"}
	needActivity = need{"policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query", "roles/policyanalyzer.activityAnalysisViewer"}
	needSeries   = need{"monitoring.timeSeries.list", "roles/monitoring.viewer"}
	needSearch   = need{"cloudasset.assets.searchAllIamPolicies", "roles/cloudasset.viewer"}
)

// fail makes an *Error, or one that wraps ErrNotFound, of what a call gave.
func (c *Client) fail(err error, n need, what, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	e := &Error{Doing: fmt.Sprintf(doing, args...), What: what, Permission: n.permission, Role: n.role, Err: err}
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		e.Code = answer.Code
		e.Status, e.Service = details(answer)
		e.unchargeable = strings.Contains(answer.Message, "quota project")
		if e.Code == http.StatusNotFound {
			return fmt.Errorf("%s: %w", e.Doing, ErrNotFound)
		}
	}
	return e
}

// details reads the google.rpc.ErrorInfo of an answer: its reason, and the service where that is off.
// https://cloud.google.com/apis/design/errors
func details(answer *googleapi.Error) (reason, service string) {
	for _, detail := range answer.Details {
		fields, ok := detail.(map[string]any)
		if !ok {
			continue
		}
		if text, ok := fields["reason"].(string); ok {
			reason = text
		}
		metadata, ok := fields["metadata"].(map[string]any)
		if text, found := metadata["service"].(string); ok && found && reason == "SERVICE_DISABLED" {
			service = text
		}
	}
	return reason, service
}

// cause is why a call failed, without the address that it was sent to and without an answer's whole body.
func cause(err error) string {
	var answer *googleapi.Error
	var refused *oauth2.RetrieveError
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("Google answered %d: %s", answer.Code, line(cmp.Or(answer.Message, http.StatusText(answer.Code))))
	case errors.As(err, &refused):
		// What the login's server answered is not shown: it can be anybody's page, and says what was asked.
		code := refused.ErrorCode
		if code == "" && refused.Response != nil {
			code = http.StatusText(refused.Response.StatusCode)
		}
		return fmt.Sprintf("the credentials gave no token (%s): gcloud auth application-default login makes new ones", line(cmp.Or(code, "no answer")))
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, errSlow):
		return "no answer in time"
	case errors.As(err, &syntax), errors.As(err, &typed), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the answer is cut short, or is not Google's: a proxy's page?"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return line(err.Error())
		}
		err = inner
	}
}

// line is a text of others as one short line.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}

// gap is the Gap of any error of this package.
func gap(err error) scanner.Gap {
	var e *Error
	if errors.As(err, &e) {
		return e.Gap()
	}
	return scanner.Gap{Source: Source, What: Source, Why: cause(err)}
}
