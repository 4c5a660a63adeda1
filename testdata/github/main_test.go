package github

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if err := install(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Times without an offset: a commit has the same name wherever it is made.
	os.Setenv("TZ", "UTC")
	os.Exit(m.Run())
}

// install runs npm ci unless what is there is what package-lock.json says.
func install() error {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	stamp := filepath.Join("node_modules", ".lock")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, lock) {
		return nil
	}
	command := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci (it needs Node 20 or newer): %w\n%s", err, output)
	}
	return os.WriteFile(stamp, lock, 0o666)
}
