package manifest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"dekey/scanner/keyfile"
)

// A Historic key is one that a commit of a repository holds, in any branch or tag that the clone has.
type Historic struct {
	Path     string // in the folder, as the commit has it
	Commit   string // the first that has it
	Identity keyfile.Identity
}

// The limits of reading history.
const (
	historyTime = 10 * time.Minute
	historyBlob = 1 << 20 // a key file is small, and a manifest with one is not much larger
)

// History finds the keys in every version of every file at or below folder that the clone has, sorted by path and key.
// A key is given once for each path. A clone that is shallow is an error: what it lacks may hold keys.
func History(ctx context.Context, folder string) ([]Historic, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	shallow, err := git(ctx, folder, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: it is no git repository", folder)
	}
	if shallow == "true" {
		return nil, fmt.Errorf("reading the history of %s: the clone is shallow", folder)
	}
	prefix, err := git(ctx, folder, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	paths, err := blobs(ctx, folder, prefix)
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	var found []Historic
	err = eachBlob(ctx, folder, paths, func(id string, data []byte) {
		for _, name := range paths[id] {
			if !mayBeKey(name, data) {
				continue
			}
			for _, identity := range keyfile.Find(data, path.Base(name)).Identities {
				if identity.ID != "" {
					found = append(found, Historic{Path: name, Commit: id, Identity: identity})
				}
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	for i := range found {
		found[i].Commit = firstWith(ctx, folder, found[i].Commit)
	}
	slices.SortFunc(found, func(a, b Historic) int {
		return strings.Compare(a.Path+"\x00"+a.Identity.ID+"\x00"+a.Commit, b.Path+"\x00"+b.Identity.ID+"\x00"+b.Commit)
	})
	return slices.CompactFunc(found, func(a, b Historic) bool { return a.Path == b.Path && a.Identity.ID == b.Identity.ID }), nil
}

// MayHoldKey says whether a file's content is worth a closer look for keys (keyfile.Find): one cheap search.
func MayHoldKey(name string, data []byte) bool { return mayBeKey(name, data) }

// mayBeKey says whether a file's content is worth a closer look.
func mayBeKey(name string, data []byte) bool {
	switch classify(name) {
	case keystore:
		return true
	case aside:
		return false
	}
	return holdsKeyText(data)
}

// blobs are the files of all commits by the id of their content, with their paths below prefix.
func blobs(ctx context.Context, folder, prefix string) (map[string][]string, error) {
	found := map[string][]string{}
	cmd := gitCommand(ctx, folder, "rev-list", "--objects", "--all")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for {
		line, readError := lines.ReadString('\n')
		id, name, named := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if rest, below := strings.CutPrefix(name, prefix); named && below && rest != "" && classify(rest) != aside {
			if list := found[id]; !slices.Contains(list, rest) && len(list) < 16 {
				found[id] = append(list, rest)
			}
		}
		if readError != nil {
			break
		}
	}
	return found, cmd.Wait()
}

// eachBlob calls take for every blob among the objects that is not too large, in the order of their ids.
func eachBlob(ctx context.Context, folder string, objects map[string][]string, take func(id string, data []byte)) error {
	ids := make([]string, 0, len(objects))
	for id := range objects {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	// Sizes first: cat-file would send a large file whole.
	var wanted bytes.Buffer
	err := batch(ctx, folder, "--batch-check", strings.NewReader(strings.Join(ids, "\n")+"\n"), func(out *bufio.Reader) error {
		for range ids {
			line, err := out.ReadString('\n')
			if err != nil {
				return err
			}
			fields := strings.Fields(line)
			if len(fields) == 3 && fields[1] == "blob" {
				if size, err := strconv.Atoi(fields[2]); err == nil && size <= historyBlob {
					wanted.WriteString(fields[0] + "\n")
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	n := bytes.Count(wanted.Bytes(), []byte("\n"))
	return batch(ctx, folder, "--batch", &wanted, func(out *bufio.Reader) error {
		for range n {
			line, err := out.ReadString('\n')
			if err != nil {
				return err
			}
			fields := strings.Fields(line)
			if len(fields) != 3 {
				return errors.New("git cat-file gave no object")
			}
			size, err := strconv.Atoi(fields[2])
			if err != nil || size < 0 || size > historyBlob {
				return errors.New("git cat-file gave no size")
			}
			data := make([]byte, size+1) // with the line's end behind it
			if _, err := io.ReadFull(out, data); err != nil {
				return err
			}
			take(fields[0], data[:size])
		}
		return nil
	})
}

// batch runs git cat-file.
func batch(ctx context.Context, folder, mode string, in io.Reader, read func(*bufio.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := gitCommand(ctx, folder, "cat-file", mode)
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readError := read(bufio.NewReader(out))
	if readError != nil {
		cancel()
	}
	return errors.Join(readError, cmd.Wait())
}

// firstWith is the oldest commit with a blob, "" where git does not say.
func firstWith(ctx context.Context, folder, blob string) string {
	out, err := git(ctx, folder, "log", "--all", "--reverse", "--format=%H", "--no-ext-diff", "--no-textconv", "--find-object="+blob)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(out, "\n")
	return first
}
