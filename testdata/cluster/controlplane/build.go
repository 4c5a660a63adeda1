package controlplane

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// version is the release that the binary calls itself: that of k8s.io/kubernetes in go.mod.
const version = "v1.36.3"

// Binary gives the control plane's binary. The first time it builds it, which takes some minutes and 3 GiB of memory;
// afterwards it is in the user's cache folder, under a name that is the digest of what it was built from.
func Binary(ctx context.Context) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "kube/main.go"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%s %d\n%s", name, len(data), data)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "dekey")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	name := fmt.Sprintf("kube-%s-%s-%x", version, runtime.GOARCH, digest.Sum(nil)[:8])
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	// Beside its place and then renamed: two builds at once, or one that is broken off, leave no half binary.
	made, err := os.MkdirTemp(folder, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	fmt.Fprintf(os.Stderr, "building the control plane once, as %s (about 8 minutes on two cores)\n", path)
	stamp := "-X k8s.io/component-base/version."
	build := exec.CommandContext(ctx, "go", "build", "-p", "2", "-trimpath", "-ldflags",
		"-s -w "+stamp+"gitVersion="+version+" "+stamp+"gitMajor=1 "+stamp+"gitMinor=36", "-o", filepath.Join(made, name), "./kube")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building the control plane: %w", err)
	}
	return path, os.Rename(filepath.Join(made, name), path)
}

// moduleRoot is the folder of go.mod, from the folder of a test's package.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "kube", "main.go")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("finding the module of the cluster tests: run inside testdata/cluster")
		}
		folder = parent
	}
}
