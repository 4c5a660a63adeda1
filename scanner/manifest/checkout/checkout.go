// Package checkout reads the files of a folder that nobody vouches for.
//
// It never leaves the folder: links are not followed, and one that points out of it is a Problem. FIFOs, sockets and
// devices are skipped, `.git` is never entered, and no file is read past a limit.
package checkout

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// A Tree is the files of a checkout.
type Tree interface {
	// Walk calls visit for every regular file that want asks for, on several goroutines at once. data is valid during
	// the call only. worker counts from 0 and is below Workers.
	Walk(ctx context.Context, w Walk) error
	// ReadFile reads one file by its path from the root, with forward slashes. Links are followed inside of the
	// root.
	ReadFile(name string) ([]byte, error)
	// Stat says what stands at a path, following links inside of the root.
	Stat(name string) (fs.FileInfo, error)
	// List gives what is in a folder, sorted.
	List(name string) ([]fs.DirEntry, error)
	// Workers is how many goroutines Walk uses.
	Workers() int
}

// A Walk is what a Tree's Walk calls. Its functions are called on several goroutines at once.
type Walk struct {
	// Want says how many bytes of a file are wanted; 0 is none. Size limits are the Tree's.
	Want func(name string) Amount
	// Visit takes a file. name is its path from the root.
	Visit func(worker int, name string, data []byte)
	// Problem takes what could not be read.
	Problem func(name string, err error)
}

// An Amount is how much of a file is wanted.
type Amount int

// The amounts.
const (
	None  Amount = iota
	Head         // the first bytes, enough to tell what it is; a file that is longer is cut there
	Whole        // all of it; a file past the limit is a Problem
)

// HeadSize is how many bytes of a file Head gives at most.
const HeadSize = 64 << 10

// Problems that are no error of the operating system.
var (
	ErrLeavesRoot = errors.New("is a link that leaves the root, which is not followed")
	ErrDangling   = errors.New("is a link to a file that does not exist")
	errNotRegular = errors.New("is no regular file")
	errGrew       = errors.New("changed while it was read")
	ErrTooLarge   = errors.New("is larger than the limit")
	ErrTooDeep    = errors.New("is nested deeper than the limit")
)

// Cause is an error of a file's operation in a few words, without the path that the caller names.
func Cause(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	}
	return err.Error()
}

// isGit says whether an entry is Git's own folder (or file, in a worktree or submodule). Some file systems fold case.
func isGit(name string) bool { return strings.EqualFold(name, ".git") }

// Inside says whether a relative path stays inside of the root.
func Inside(name string) bool {
	return name == "." || fs.ValidPath(name)
}

// Join is path.Join of a folder and a relative path with forward slashes; ok is false where it leaves the root.
func Join(folder, name string) (joined string, ok bool) {
	if name == "" || path.IsAbs(name) {
		return "", false
	}
	joined = path.Join(folder, name)
	return joined, Inside(joined)
}
