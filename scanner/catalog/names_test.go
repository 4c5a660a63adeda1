package catalog_test

import (
	"slices"
	"testing"

	"dekey/scanner/catalog"
)

// Every listed name is known by itself, whatever program runs.
func TestKeyNames(t *testing.T) {
	variables, flags := catalog.KeyNames()
	for _, name := range variables {
		if !catalog.KeyEnv(name) {
			t.Errorf("the variable %s tells of no key", name)
		}
	}
	for _, name := range flags {
		if _, ok := catalog.LookupFlag("registry.example/unknown:1", "unknown", name); !ok {
			t.Errorf("the flag %s means a key only with its program", name)
		}
	}
	if !slices.Contains(variables, "GOOGLE_APPLICATION_CREDENTIALS") || !slices.Contains(flags, "-credential_file") || slices.Contains(flags, "-c") {
		t.Errorf("variables %q, flags %q", variables, flags)
	}
}
