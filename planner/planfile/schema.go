package planfile

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed schema/*.json
var schemas embed.FS

// Kinds are the kinds of document that have a schema: those of a migration in the order in which they are made, then those of
// lint and check.
var Kinds = []string{"inventory", "plan", "changeset", "policy", "lint", "baseline", "check"}

// Schema is the JSON Schema (draft 2020-12) of a kind of document, one of Kinds. Fields that it does
// not know are allowed, as they are when a document is read; a policy file allows none.
//
// All but the policy's are made from the Go types by the tests of this package, which fail when they differ; the policy's is
// written by hand.
func Schema(kind string) ([]byte, error) {
	data, err := schemas.ReadFile("schema/" + strings.ToLower(kind) + ".json")
	if err != nil {
		return nil, fmt.Errorf("looking up the schema of %.60q: there are %s", kind, strings.Join(Kinds, ", "))
	}
	return data, nil
}
