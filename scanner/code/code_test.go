package code_test

import (
	"strings"
	"sync"
	"testing"

	"dekey/scanner/code"
	"dekey/scanner/iam"
)

const policy = `resource "google_service_account_iam_policy" "%" {
  service_account_id = "projects/acme/serviceAccounts/%@acme.iam.gserviceaccount.com"
  policy_data        = "{}"
}
`

func terraformOf(name string) []byte { return []byte(strings.ReplaceAll(policy, "%", name)) }

// Terraform and scripts are read, wherever they lie; what Terraform downloaded, and everything else, is not.
func TestWants(t *testing.T) {
	var c code.Collector
	for name, want := range map[string]bool{
		"main.tf": true, "modules/iam/main.tf.json": true, "deploy.sh": true, "scripts/grant.bash": true, "Makefile": true, ".github/workflows/ci.yaml": true,
		".terraform/modules/iam/main.tf": false, "a/.terraform/providers/x.sh": false, "README.md": false, "main.tfstate": false, "key.json": false,
	} {
		if got := c.Wants(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// What is taken does not depend on the order, or on whether the caller uses its buffer again.
func TestResultIsThatOfTheFiles(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	owners := func(c *code.Collector) string {
		var text []string
		for _, a := range (iam.Facts{Grants: c.Result("repo").Facts.Grants}).Authorities() {
			text = append(text, a.Origin.Path+" "+a.Name)
		}
		return strings.Join(text, "\n")
	}
	var forward, backward, atOnce code.Collector
	buffer := make([]byte, 0, 1<<10)
	for i := range names {
		buffer = append(buffer[:0], terraformOf(names[i])...)
		forward.Take(names[i]+".tf", buffer)
		last := names[len(names)-1-i]
		backward.Take(last+".tf", terraformOf(last))
	}
	for i := range buffer {
		buffer[i] = 'x'
	}
	var wait sync.WaitGroup
	for _, name := range names {
		wait.Go(func() { atOnce.Take(name+".tf", terraformOf(name)) })
	}
	wait.Wait()
	forward.Take("README.md", terraformOf("e"))
	want := owners(&forward)
	if strings.Count(want, "\n") != len(names)-1 || owners(&backward) != want || owners(&atOnce) != want {
		t.Errorf("forward\n%s\nbackward\n%s\nat once\n%s", want, owners(&backward), owners(&atOnce))
	}
}

// A broken file is a gap in a small checkout, and in a large one where it can matter; the others are read all the same.
func TestBrokenFilesAreGaps(t *testing.T) {
	filler := []byte(strings.Repeat("# nothing here is about identities\n", 1<<15)) // a MiB
	for _, large := range []bool{false, true} {
		var c code.Collector
		c.Take("good/main.tf", terraformOf("api"))
		c.Take("broken/main.tf", append(terraformOf("web"), "resource {{{"...))
		c.Take("other/broken.tf", []byte("locals {{{"))
		for i := range 10 {
			if large {
				c.Take("filler/"+strings.Repeat("f", i+1)+".tf", filler)
			}
		}
		r := c.Result("repo")
		said := map[string]bool{}
		for _, g := range r.Gaps {
			if g.Source != "repo" || g.Why == "" {
				t.Errorf("gap %+v", g)
			}
			said[strings.SplitN(g.What, ":", 2)[0]] = true
		}
		if !said["broken/main.tf"] || said["other/broken.tf"] == large {
			t.Errorf("large %v: gaps %+v", large, r.Gaps)
		}
		found := false
		for _, g := range r.Facts.Grants {
			found = found || strings.HasPrefix(string(g.Name), "api@")
		}
		if !found {
			t.Errorf("large %v: the good file was not read", large)
		}
	}
}
