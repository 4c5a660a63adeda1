package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// The workflows in the README are YAML, and every flag of dekey in them is one that the command has.
func TestReadmeWorkflows(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		var any any
		if err := yaml.Unmarshal([]byte(block[1]), &any); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		for _, call := range regexp.MustCompile(`dekey ([a-z]+) [^\n|#]*`).FindAllStringSubmatch(block[1], -1) {
			lines++
			help := dekey(t, call[1], "--help")
			if help.exit != 0 || !strings.Contains(help.stdout, "dekey "+call[1]) {
				t.Errorf("%s: there is no such command", call[0])
			}
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(call[0], -1) {
				if !strings.Contains(help.stdout, flag+" ") {
					t.Errorf("%s: dekey %s has no %s", call[0], call[1], flag)
				}
			}
		}
	}
	if lines < 4 {
		t.Errorf("%d commands were found", lines)
	}
}
