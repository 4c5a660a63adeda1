package github

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the reduced description again")

// The description that dekey's own tests are held to is GitHub's, and nobody edited it.
func TestReducedDescription(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("node_modules", "@octokit", "openapi", "generated", "api.github.com.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := reduce(whole, operations)
	if err != nil {
		t.Fatal(err)
	}
	committed := filepath.Join("..", "..", "rewriter", "pullrequest", "githubtest", "description.json")
	if *update {
		if err := os.WriteFile(committed, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what reduce makes of GitHub's description: go -C testdata/github test -run TestReducedDescription -update", committed)
	}
}
