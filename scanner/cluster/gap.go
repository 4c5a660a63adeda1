package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// plain says why a call failed without a word of what the server sent: an answer may be a Secret, or a proxy's page.
func plain(err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		switch s := status.Status(); {
		case s.Code == http.StatusForbidden:
			return errors.New("forbidden")
		case s.Code == http.StatusUnauthorized:
			return errors.New("the server does not accept the credentials")
		case s.Code == http.StatusTooManyRequests:
			return errors.New("the server is too busy (429), also when asked again")
		case s.Code == http.StatusNotFound:
			return errors.New("not found (404)")
		case s.Code >= 500:
			return fmt.Errorf("the server failed (%d), also when asked again", s.Code)
		default:
			return fmt.Errorf("the server refused (%d)", s.Code)
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time, also when asked again")
	case errors.Is(err, errPatience), errors.Is(err, errDecode), errors.Is(err, errExpired):
		return err
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) {
		return errors.New("what answers is no Kubernetes API")
	}
	return errors.New("the connection broke, also when asked again")
}

// forbidden says that a role is missing.
func forbidden(err error) bool { return apierrors.IsForbidden(err) }
