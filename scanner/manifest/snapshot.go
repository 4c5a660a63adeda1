package manifest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// Snapshot writes the files of a revision that lie at or below folder into the empty folder into, with their paths from
// folder, and gives those paths. Links are written as links; what a scan would leave aside (pictures, archives), files
// beyond the limit of a scan and submodules are left out.
func Snapshot(ctx context.Context, folder, revision, into string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	commit, err := commitOf(ctx, folder, revision)
	if err != nil {
		return nil, err
	}
	list, err := git(ctx, folder, "ls-tree", "-r", "-z", "-l", commit, "--", ".")
	if err != nil {
		return nil, fmt.Errorf("reading %s: git ls-tree: %w", revision, err)
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", revision, err)
	}
	defer root.Close()
	type file struct {
		name string
		link bool
	}
	var files []file
	var wanted bytes.Buffer
	names := map[string]bool{}
	for entry := range strings.SplitSeq(list, "\x00") {
		about, name, found := strings.Cut(entry, "\t")
		fields := strings.Fields(about) // mode, type, id, size
		if !found || len(fields) != 4 || fields[1] != "blob" {
			continue
		}
		names[name] = true
		size, err := strconv.ParseInt(fields[3], 10, 64)
		if link := fields[0] == "120000"; err == nil && size <= historyBlob && (link || classify(name) != aside) {
			files = append(files, file{name, link})
			wanted.WriteString(fields[2] + "\n")
		}
	}
	err = batch(ctx, folder, "--batch", &wanted, func(out *bufio.Reader) error {
		for _, f := range files {
			data, err := nextBlob(out)
			if err != nil {
				return err
			}
			if err := root.MkdirAll(path.Dir(f.name), 0o700); err != nil {
				return err
			}
			if f.link {
				err = root.Symlink(string(data), f.name)
			} else {
				err = root.WriteFile(f.name, data, 0o600)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", revision, err)
	}
	return names, nil
}

// commitOf is the commit that a person names.
func commitOf(ctx context.Context, folder, revision string) (string, error) {
	if revision == "" || strings.HasPrefix(revision, "-") {
		return "", fmt.Errorf("comparing with %q: that is no revision", revision)
	}
	commit, err := git(ctx, folder, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("comparing with %s: git knows no such revision in %s", revision, folder)
	}
	return commit, nil
}

// nextBlob reads one answer of git cat-file --batch.
func nextBlob(out *bufio.Reader) ([]byte, error) {
	line, err := out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return nil, errors.New("git cat-file gave no object")
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil || size < 0 || size > historyBlob {
		return nil, errors.New("git cat-file gave no size")
	}
	data := make([]byte, size+1) // with the line's end behind it
	if _, err := io.ReadFull(out, data); err != nil {
		return nil, err
	}
	return data[:size], nil
}

// historyTime bounds what is read of a repository's past.
const historyTime = 10 * time.Minute
