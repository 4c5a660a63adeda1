package gcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dekey/scanner"
)

// ErrUnsupported says that policies of this kind of resource are not read.
var ErrUnsupported = errors.New("policies of this kind of resource are not read")

// PolicyOf reads the policy of a resource by its full name, as a plan's grants name it:
// //iam.googleapis.com/projects/-/serviceAccounts/EMAIL and //cloudresourcemanager.googleapis.com/projects/P. Other kinds
// are ErrUnsupported.
//
// https://cloud.google.com/iam/docs/full-resource-names
func (c *Client) PolicyOf(ctx context.Context, resource string) ([]scanner.Binding, error) {
	if rest, ok := strings.CutPrefix(resource, "//iam.googleapis.com/projects/"); ok {
		if _, email, ok := strings.Cut(rest, "/serviceAccounts/"); ok && !strings.Contains(email, "/") {
			return c.Policy(ctx, email)
		}
	}
	if project, ok := strings.CutPrefix(resource, "//cloudresourcemanager.googleapis.com/projects/"); ok && !strings.Contains(project, "/") {
		return c.ProjectPolicy(ctx, project)
	}
	return nil, fmt.Errorf("reading the policy of %s: %w", resource, ErrUnsupported)
}
