// Package terraform_test holds dekey's Terraform to the real terraform: well formatted, and with arguments that the google
// provider has. The provider itself is not to be had everywhere; the one in provider/ knows the same names and makes nothing.
//
//	go -C testdata/terraform test -count=1 ./...
//
// The files in plans/ are what rewriter/runbook writes: a test there compares them byte by byte.
package terraform_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A tool is terraform with the provider of this module in place of Google's.
type tool struct {
	program string
	config  string
}

// terraform builds the provider. False: there is no terraform here, which is said.
func terraform(t *testing.T) (tool, bool) {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Log("NOT SHOWN: terraform is not installed here, so nothing is validated; rewriter/runbook still holds what is written to the files that were")
		return tool{}, false
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "terraform-provider-google"), "./provider").CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, out)
	}
	config := filepath.Join(dir, "terraformrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/google\" = %q\n  }\n}\n", dir)
	if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return tool{program, config}, true
}

func (x tool) run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(x.program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+x.config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_DATA_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func plans(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("plans", "*", "main.tf"))
	if err != nil || len(found) < 3 {
		t.Fatalf("%d plans: %v", len(found), err)
	}
	return found
}

func TestValidate(t *testing.T) {
	x, ok := terraform(t)
	if !ok {
		return
	}
	used := map[string]bool{}
	for _, plan := range plans(t) {
		dir := filepath.Dir(plan)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if out, err := x.run(t, dir, "fmt", "-check", "-diff"); err != nil {
				t.Errorf("terraform fmt: %v\n%s", err, out)
			}
			if out, err := x.run(t, dir, "validate", "-no-color"); err != nil {
				t.Errorf("terraform validate: %v\n%s", err, out)
			}
			for _, m := range regexp.MustCompile(`(?m)^resource "([^"]+)"`).FindAllStringSubmatch(read(t, plan), -1) {
				used[m[1]] = true
			}
		})
	}
	// Every resource type that the provider knows is in a plan: none is validated by nobody.
	for _, m := range regexp.MustCompile(`(?m)^\t"(google_\w+)":`).FindAllStringSubmatch(read(t, filepath.Join("provider", "main.go")), -1) {
		if !used[m[1]] {
			t.Errorf("no plan has a %s", m[1])
		}
	}
}

// The check can fail: what is planted is found.
func TestPlanted(t *testing.T) {
	x, ok := terraform(t)
	if !ok {
		return
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"a made-up argument", "  role ", "  roles ", "Unsupported argument"},
		{"an argument too few", "  member ", "  # member ", "Missing required argument"},
		{"a made-up resource", "google_service_account_iam_member", "google_service_account_iam_members", "Invalid resource type"},
		{"a made-up reference", "google_service_account.", "google_service_account.x", "Reference to undeclared resource"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			text := read(t, filepath.Join("plans", "split", "main.tf"))
			planted := strings.Replace(text, test.old, test.new, 1)
			if planted == text {
				t.Fatalf("the plan has no %q", test.old)
			}
			if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(planted), 0o666); err != nil {
				t.Fatal(err)
			}
			if out, err := x.run(t, dir, "validate", "-no-color"); err == nil || !strings.Contains(out, test.want) {
				t.Errorf("error %v, want %q\n%s", err, test.want, out)
			}
		})
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
