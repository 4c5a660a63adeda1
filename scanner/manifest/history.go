package manifest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"dekey/scanner"
	"dekey/scanner/keyfile"
)

// A Historic key is one that a commit of a repository holds, in any branch or tag that the clone has.
type Historic struct {
	Path     string // in the folder, as the commit has it
	Commit   string // the first that has it
	Identity keyfile.Identity
}

// historyBlob is the size up to which a file of the past is read: the limit of a scan.
const historyBlob = 32 << 20

// History finds the keys in every version of every file at or below folder that the clone has, sorted by path and key.
// A key is given once for each path. A file that is larger than the limit of a scan is a gap. A clone that is shallow is an
// error: what it lacks may hold keys.
func History(ctx context.Context, folder string) ([]Historic, []scanner.Gap, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	shallow, err := git(ctx, folder, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, nil, fmt.Errorf("reading the history of %s: it is no git repository", folder)
	}
	if shallow == "true" {
		return nil, nil, fmt.Errorf("reading the history of %s: the clone is shallow", folder)
	}
	prefix, err := git(ctx, folder, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	paths, err := blobs(ctx, folder, prefix)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	var found []Historic
	large, err := eachBlob(ctx, folder, paths, func(id string, data []byte) {
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
		return nil, nil, fmt.Errorf("reading the history of %s: %w", folder, err)
	}
	for i := range found {
		found[i].Commit = firstWith(ctx, folder, found[i].Commit)
	}
	slices.SortFunc(found, func(a, b Historic) int {
		return strings.Compare(a.Path+"\x00"+a.Identity.ID+"\x00"+a.Commit, b.Path+"\x00"+b.Identity.ID+"\x00"+b.Commit)
	})
	var gaps []scanner.Gap
	for _, id := range large {
		commit := firstWith(ctx, folder, id)
		for _, name := range paths[id] {
			gaps = append(gaps, scanner.Gap{Source: folder, What: name, Why: fmt.Sprintf("commit %.12s has it larger than the limit (%d MiB)", commit, historyBlob>>20)})
		}
	}
	return slices.CompactFunc(found, func(a, b Historic) bool { return a.Path == b.Path && a.Identity.ID == b.Identity.ID }), gaps, nil
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

// eachBlob calls take for every blob among the objects that is not too large, in the order of their ids, and gives those
// that are.
func eachBlob(ctx context.Context, folder string, objects map[string][]string, take func(id string, data []byte)) (large []string, err error) {
	ids := make([]string, 0, len(objects))
	for id := range objects {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	// Sizes first: cat-file would send a large file whole.
	var wanted []string
	err = batch(ctx, folder, "--batch-check", strings.NewReader(strings.Join(ids, "\n")+"\n"), func(out *bufio.Reader) error {
		for range ids {
			line, err := out.ReadString('\n')
			if err != nil {
				return err
			}
			fields := strings.Fields(line)
			if len(fields) == 2 && fields[1] == "missing" {
				return errors.New("the clone is partial, and lacks files")
			}
			if len(fields) != 3 || fields[1] != "blob" {
				continue
			}
			if size, err := strconv.ParseInt(fields[2], 10, 64); err != nil || size > historyBlob {
				large = append(large, fields[0])
				continue
			}
			wanted = append(wanted, fields[0])
		}
		return nil
	})
	if err != nil || len(wanted) == 0 {
		return large, err
	}
	return large, batch(ctx, folder, "--batch", strings.NewReader(strings.Join(wanted, "\n")+"\n"), func(out *bufio.Reader) error {
		for _, id := range wanted {
			data, err := nextBlob(out)
			if err != nil {
				return err
			}
			take(id, data)
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
