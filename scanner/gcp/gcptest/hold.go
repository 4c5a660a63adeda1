package gcptest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// checkQuery holds the query of a request to the method's parameters.
func (m *method) checkQuery(query url.Values) error {
	for name, values := range query {
		p := m.Parameters[name]
		if p != nil && p.Location != "query" {
			p = nil
		}
		if p == nil {
			p = m.doc.Parameters[name]
		}
		if p == nil {
			return fmt.Errorf("%s: no parameter %q", m.name, name)
		}
		if len(values) > 1 && !p.Repeated {
			return fmt.Errorf("%s: the parameter %q stands %d times", m.name, name, len(values))
		}
		for _, value := range values {
			if err := p.checkText(value); err != nil {
				return fmt.Errorf("%s: the parameter %q: %w", m.name, name, err)
			}
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "query" && !query.Has(name) {
			return fmt.Errorf("%s: the parameter %q is missing", m.name, name)
		}
	}
	return nil
}

// checkText holds a parameter, which is always text, to its type.
func (s *schema) checkText(value string) error {
	switch s.Type {
	case "integer":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Errorf("%q is no integer", value)
		}
	case "boolean":
		if value != "true" && value != "false" {
			return fmt.Errorf("%q is neither true nor false", value)
		}
	case "number":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("%q is no number", value)
		}
	case "string":
		return s.checkString(value)
	}
	return nil
}

// checkRequest holds the body of a request to the method's type.
func (m *method) checkRequest(body []byte) (any, error) {
	if m.Request == nil {
		if len(body) > 0 {
			return nil, fmt.Errorf("%s takes no body", m.name)
		}
		return nil, nil
	}
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	var value any
	if json.Unmarshal(body, &value) != nil {
		return nil, fmt.Errorf("%s: the body is no JSON", m.name)
	}
	if err := m.doc.check(m.Request, value, "body"); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	return value, nil
}

// checkResponse holds an answer to the method's type.
func (m *method) checkResponse(body []byte) error {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return fmt.Errorf("%s: the answer is no JSON", m.name)
	}
	if err := m.doc.check(m.Response, value, "answer"); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// check holds a JSON value to a schema. at is its place, for the error.
func (d *document) check(s *schema, value any, at string) error {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		target := d.Schemas[s.Ref]
		if target == nil {
			return fmt.Errorf("%s: no schema %q", at, s.Ref)
		}
		return d.check(target, value, at)
	}
	if value == nil {
		return nil // JSON's null is a field that is not set
	}
	switch s.Type {
	case "any", "":
		return nil
	case "object":
		return d.checkObject(s, value, at)
	case "array":
		items, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s: %T where a list is expected", at, value)
		}
		for i, item := range items {
			if err := d.check(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return fmt.Errorf("%s: %T where true or false is expected", at, value)
		}
	case "integer", "number":
		n, ok := value.(float64)
		if !ok || s.Type == "integer" && n != float64(int64(n)) {
			return fmt.Errorf("%s: %T where an %s is expected", at, value, s.Type)
		}
	case "string":
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s: %T where a string is expected", at, value)
		}
		if err := s.checkString(text); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	default:
		return fmt.Errorf("%s: the schema has the type %q", at, s.Type)
	}
	return nil
}

func (d *document) checkObject(s *schema, value any, at string) error {
	fields, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %T where an object is expected", at, value)
	}
	for name, field := range fields {
		property := s.Properties[name]
		if property == nil {
			property = s.AdditionalProperties
		}
		if property == nil {
			return fmt.Errorf("%s: no field %q", at, name)
		}
		if err := d.check(property, field, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

var duration = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,9})?s$`)

func (s *schema) checkString(text string) error {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		return fmt.Errorf("%q is none of %q", text, s.Enum)
	}
	var err error
	switch s.Format {
	case "int64", "int32":
		_, err = strconv.ParseInt(text, 10, 64)
	case "uint64", "uint32":
		_, err = strconv.ParseUint(text, 10, 64)
	case "byte":
		if _, err = base64.StdEncoding.DecodeString(text); err != nil {
			_, err = base64.URLEncoding.DecodeString(text)
		}
	case "google-datetime", "date-time":
		_, err = time.Parse(time.RFC3339Nano, text)
	case "google-duration":
		if !duration.MatchString(text) {
			err = fmt.Errorf("no duration")
		}
	}
	if err != nil {
		return fmt.Errorf("%q is no %s", text, s.Format)
	}
	return nil
}
