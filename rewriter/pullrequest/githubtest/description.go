package githubtest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// descriptionJSON is GitHub's own description of its REST API, reduced to the operations that dekey and its tests call:
// npm package @octokit/openapi 23.0.2, generated/api.github.com.json, MIT licence, made from
// https://github.com/github/rest-api-description. testdata/github/reduce.go makes it, and a test there demands that
// it still equals what reduce makes.
//
//go:embed description.json
var descriptionJSON []byte

// description is read once: the routes below hold every exchange to it.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	spec, err := openapi3.NewLoader().LoadFromData(descriptionJSON)
	if err != nil {
		return nil, fmt.Errorf("reading GitHub's description: %w", err)
	}
	return spec, nil
})

// A route is an operation of the description and the values of its path's parameters.
type route struct {
	*routers.Route
	name   string // the operation's name in the description, as "pulls/create"
	values map[string]string
}

type routeKey struct{}

// severalSegments are the parameters that hold slashes which clients do not escape.
var severalSegments = []string{"/commits/{ref}", "/git/ref/{ref}", "/git/refs/{ref}", "/git/matching-refs/{ref}", "/contents/{path}"}

// finder tells an operation from a method and a path. The path's parameters are set here because the routers of
// kin-openapi take no parameter with slashes.
var finder = sync.OnceValues(func() (*http.ServeMux, error) {
	spec, err := description()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, item := range spec.Paths.Map() {
		pattern := path
		if slices.ContainsFunc(severalSegments, func(end string) bool { return strings.HasSuffix(path, end) }) {
			pattern = strings.TrimSuffix(path, "}") + "...}"
		}
		for method, operation := range item.Operations() {
			mux.HandleFunc(method+" "+pattern, func(_ http.ResponseWriter, r *http.Request) {
				found := r.Context().Value(routeKey{}).(*route)
				found.Route = &routers.Route{Spec: spec, Path: path, PathItem: item, Method: method, Operation: operation}
				found.name = operation.OperationID
				for part := range strings.SplitSeq(path, "/") {
					if name, is := strings.CutPrefix(part, "{"); is {
						name = strings.TrimSuffix(name, "}")
						found.values[name] = r.PathValue(name)
					}
				}
			})
		}
	}
	return mux, nil
})

// find tells which operation a request is for; found is false for one that the description does not have.
func find(r *http.Request) (found route, ok bool, err error) {
	mux, err := finder()
	if err != nil {
		return route{}, false, err
	}
	found.values = make(map[string]string)
	mux.ServeHTTP(httptest.NewRecorder(), r.Clone(context.WithValue(r.Context(), routeKey{}, &found)))
	return found, found.Route != nil, nil
}

// options hold an exchange to every word of the description.
var options = &openapi3filter.Options{
	MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
}

// checkRequest holds a request to the description. A field of the body that the description does not name is an
// error too, though GitHub passes over it: it is misspelt.
func checkRequest(found route, r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	asked := r.Clone(r.Context())
	asked.Header.Set("Content-Type", "application/json")
	sent := body
	if found.name == "issues/add-labels" || found.name == "issues/set-labels" {
		// "You can also pass an array of labels directly", says the operation's text; its schema lacks that.
		if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
			sent = slices.Concat([]byte(`{"labels":`), trimmed, []byte("}"))
		}
	}
	if string(bytes.TrimSpace(body)) == "null" && found.Operation.RequestBody != nil && !found.Operation.RequestBody.Value.Required {
		sent = nil // as ghinstallation asks for a token without options; GitHub takes it
	}
	asked.Body, asked.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: found.values, Route: found.Route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return input, err
	}
	if len(sent) > 0 && found.Operation.RequestBody == nil {
		return input, errors.New("a body that the description does not have")
	}
	for _, query := range []string{"access_token", "client_secret"} {
		if r.URL.Query().Has(query) {
			return input, fmt.Errorf("%s in the address", query)
		}
	}
	if len(sent) == 0 {
		return input, nil
	}
	schema := found.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
	if len(schema.OneOf)+len(schema.AnyOf)+len(schema.AllOf) > 0 || len(schema.Properties) == 0 {
		return input, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(sent, &fields); err != nil {
		return input, errors.New("a body that is no object")
	}
	for name := range fields {
		if schema.Properties[name] == nil {
			return input, fmt.Errorf("a field that the description does not have: %q", name)
		}
	}
	return input, nil
}

// checkAnswer holds an answer to the description. Refusals that GitHub gives to any request are held to its one shape
// of an error where the operation does not list them.
func checkAnswer(input *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte) error {
	if status >= 400 && input.Route.Operation.Responses.Status(status) == nil {
		var refusal struct {
			Message          string
			DocumentationURL string `json:"documentation_url"`
		}
		if json.Unmarshal(body, &refusal) != nil || refusal.Message == "" {
			return fmt.Errorf("%d without a message", status)
		}
		return nil
	}
	return openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
}

// Held holds every exchange that passes through it to GitHub's description, and reports what is not as described. A
// request that is not is refused and does not reach next.
func Held(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		refuse := func(status int, err error) {
			for _, one := range each(err) {
				report(fmt.Errorf("%s %s: request: %w", r.Method, r.URL.Path, one))
			}
			refusal(w, status, "Invalid request.\n\n"+fmt.Sprint(each(err)), "")
		}
		found, ok, err := find(r)
		switch {
		case err != nil:
			refuse(http.StatusInternalServerError, err)
			return
		case !ok:
			refuse(http.StatusNotFound, errors.New("no operation that the reduced description has: testdata/github/reduce.go lists them"))
			return
		}
		input, err := checkRequest(found, r, body)
		if err != nil {
			refuse(http.StatusUnprocessableEntity, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), routeKey{}, &found))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		if err := checkAnswer(input, answer.Code, answer.Header(), answer.Body.Bytes()); err != nil {
			for _, one := range each(err) {
				report(fmt.Errorf("%s %s: answer %d of %s: %w", r.Method, r.URL.Path, answer.Code, found.name, one))
			}
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

// each takes what a validation found apart, and says of each the place and the reason alone: the schemas are long.
func each(err error) []error {
	var list []error
	for _, one := range flat(err) {
		var schema *openapi3.SchemaError
		if errors.As(one, &schema) {
			inner := ""
			if schema.Origin != nil {
				inner = fmt.Sprint(": ", each(schema.Origin))
			}
			one = fmt.Errorf("/%s: %s%s", strings.Join(schema.JSONPointer(), "/"), schema.Reason, inner)
		}
		list = append(list, one)
	}
	return list
}

func flat(err error) []error {
	var request *openapi3filter.RequestError
	var response *openapi3filter.ResponseError
	switch many, is := err.(openapi3.MultiError); {
	case is:
		var list []error
		for _, one := range many {
			list = append(list, flat(one)...)
		}
		return list
	case errors.As(err, &request) && request.Err != nil:
		return flat(request.Err)
	case errors.As(err, &response) && response.Err != nil:
		return flat(response.Err)
	}
	return []error{err}
}

// refusal writes an error as GitHub does.
func refusal(w http.ResponseWriter, status int, message, page string, details ...object) {
	answer := object{"message": message, "documentation_url": "https://docs.github.com/rest" + page, "status": fmt.Sprint(status)}
	if len(details) > 0 {
		answer["errors"] = details
	}
	write(w, status, answer)
}

// An object is a JSON object on its way out.
type object = map[string]any

func write(w http.ResponseWriter, status int, answer any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}
