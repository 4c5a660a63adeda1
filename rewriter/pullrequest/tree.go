package pullrequest

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dekey/rewriter"
)

// An entry is a file of a git tree. The zero value is one that is not there.
type entry struct{ mode, blob string }

// entries reads files of a commit, by path.
func (c *Clone) entries(ctx context.Context, commit string, paths []string) (map[string]entry, error) {
	found := make(map[string]entry, len(paths))
	for part := range slices.Chunk(paths, 500) {
		out, err := c.read(ctx, nil, append([]string{"--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--"}, part...)...)
		if err != nil {
			return nil, fmt.Errorf("reading the files of %.12s: %w", commit, err)
		}
		for _, record := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
			meta, name, ok := strings.Cut(record, "\t")
			fields := strings.Fields(meta)
			if ok && len(fields) == 3 {
				found[name] = entry{fields[0], fields[2]}
			}
		}
	}
	return found, nil
}

// load reads the contents of many files by one call; blob then has them.
func (c *Clone) load(ctx context.Context, files map[string]entry) error {
	var ids []string
	for _, name := range sortedKeys(files) {
		e := files[name]
		if _, known := c.blobs[e.blob]; !known && (e.mode == "100644" || e.mode == "100755") {
			ids = append(ids, e.blob)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	out, err := c.read(ctx, []byte(strings.Join(ids, "\n")+"\n"), "cat-file", "--batch=%(objectsize)")
	if err != nil {
		return fmt.Errorf("reading files: %w", err)
	}
	if c.blobs == nil {
		c.blobs = map[string][]byte{}
	}
	for _, id := range ids {
		head, rest, found := bytes.Cut(out, []byte("\n"))
		size, err := strconv.Atoi(string(head))
		if !found || err != nil || size > len(rest)-1 {
			return problem("fetch them first: the clone has not all of its history (git fetch --refetch)", "reading files: the clone does not have the blob %.12s", id)
		}
		c.blobs[id], out = rest[:size:size], rest[size+1:]
	}
	return nil
}

// blob reads a file's content.
func (c *Clone) blob(ctx context.Context, e entry) ([]byte, error) {
	if text, known := c.blobs[e.blob]; known {
		return text, nil
	}
	out, err := c.read(ctx, nil, "cat-file", "blob", e.blob)
	if err != nil {
		return nil, fmt.Errorf("reading the blob %.12s: %w", e.blob, err)
	}
	if out == nil {
		out = []byte{}
	}
	return out, nil
}

// digest is the SHA-256 of a file's content, "" for one that is not there, and a word that is no digest for what is no
// plain file.
func (c *Clone) digest(ctx context.Context, e entry) (string, error) {
	switch e.mode {
	case "":
		return "", nil
	case "100644", "100755":
		data, err := c.blob(ctx, e)
		return digestOf(data), err
	}
	return "no plain file", nil
}

// A StaleError says that the base branch is not what the changeset was made from.
type StaleError struct {
	Base  string
	Paths []string
}

func (e *StaleError) Error() string {
	return e.Base + " moved on since the changeset was made: changed since: " + e.paths()
}

func (e *StaleError) paths() string {
	const most = 5
	text := strings.Join(e.Paths[:min(len(e.Paths), most)], ", ")
	if more := len(e.Paths) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// A desire is what files of the repository are to be: the reviewed change, as git objects on top of a base commit.
type desire struct {
	files map[string]entry // by path; the zero entry: it goes
	text  map[string][]byte
}

// sees reads how a group's files stand on the base commit: as they were, as they are to be, or otherwise.
func (c *Clone) sees(ctx context.Context, base string, list []change) (todo []change, done, stale []string, at map[string]entry, err error) {
	paths := make([]string, 0, len(list))
	for _, one := range list {
		paths = append(paths, one.path)
	}
	if at, err = c.entries(ctx, base, paths); err == nil {
		err = c.load(ctx, at)
	}
	if err != nil {
		return nil, nil, nil, nil, err
	}
	converted := false
	for _, one := range list {
		how, crlf, err := c.stands(ctx, at[one.path], one.File)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		converted = converted || crlf
		switch how {
		case asBefore:
			one.crlf = crlf
			todo = append(todo, one)
		case asAfter:
			done = append(done, one.path)
		default:
			stale = append(stale, one.path)
		}
	}
	for i := range todo { // a new file is kept as its neighbours are
		todo[i].crlf = todo[i].crlf || converted && todo[i].Before == ""
	}
	return todo, done, stale, at, nil
}

// want makes the files of todo what they are to be, from the patch or, where lines hold a key, by the removals
// themselves, and holds every one against its recorded digest.
func (c *Clone) want(ctx context.Context, base string, todo []change, at map[string]entry, patch []byte) (*desire, error) {
	dir, done, err := scratch()
	if err != nil {
		return nil, err
	}
	defer done()
	index := filepath.Join(dir, "index")
	read := gitCall{index: index}
	if _, err := c.run(ctx, read, "read-tree", base); err != nil {
		return nil, fmt.Errorf("reading the tree of %.12s: %w", base, err)
	}
	apply := []string{"apply", "--cached", "--whitespace=nowarn"}
	patched := 0
	for _, one := range todo {
		if !one.direct {
			apply = append(apply, "--include="+literal(one.path))
			patched++
		}
		if e := at[one.path]; one.crlf && e != (entry{}) {
			// What the patch was made from.
			text, err := c.blob(ctx, e)
			if err != nil {
				return nil, err
			}
			if e, err = c.store(ctx, e.mode, toCRLF(text)); err != nil {
				return nil, err
			}
			if at[one.path] = e; !one.direct {
				if _, err := c.run(ctx, read, "update-index", "--cacheinfo", e.mode+","+e.blob+","+one.path); err != nil {
					return nil, fmt.Errorf("preparing %s: %w", one.path, err)
				}
			}
		}
	}
	if patched > 0 {
		if _, err := c.run(ctx, gitCall{index: index, stdin: patch}, append(apply, "-")...); err != nil {
			return nil, fmt.Errorf("applying the patch: %w", err)
		}
	}
	d := &desire{files: map[string]entry{}, text: map[string][]byte{}}
	staged, err := c.staged(ctx, index)
	if err != nil {
		return nil, err
	}
	made := map[string]entry{}
	for _, one := range todo {
		if !one.direct {
			made[one.path] = staged[one.path]
		}
	}
	if err := c.load(ctx, made); err != nil {
		return nil, err
	}
	for _, one := range todo {
		e := staged[one.path]
		if one.direct {
			if e, err = c.sweep(ctx, at[one.path], one); err != nil {
				return nil, err
			}
		}
		is, err := c.digest(ctx, e)
		if err != nil {
			return nil, err
		}
		if is != one.After {
			return nil, problem("dekey report --verify OUT says whether the folder is whole; draft again", "applying the patch: %s is not what was reviewed", one.path)
		}
		if e != (entry{}) {
			text, err := c.blob(ctx, e)
			if err != nil {
				return nil, err
			}
			if one.crlf {
				if text = toLF(text); digestOf(text) != one.After {
					if e, err = c.store(ctx, e.mode, text); err != nil {
						return nil, err
					}
				}
			}
			d.text[one.path] = text
		}
		d.files[one.path] = e
	}
	return d, nil
}

// sweep makes the removals of one file and stores what is left.
func (c *Clone) sweep(ctx context.Context, at entry, one change) (entry, error) {
	text, err := c.blob(ctx, at)
	if err != nil {
		return entry{}, err
	}
	left, err := rewriter.Sweep(text, one.removals)
	if err != nil {
		return entry{}, fmt.Errorf("cleaning up %s: %w", one.path, err)
	}
	if left == nil {
		return entry{}, nil
	}
	return c.store(ctx, at.mode, left)
}

// store writes a blob. Nothing points at it until a commit does.
func (c *Clone) store(ctx context.Context, mode string, text []byte) (entry, error) {
	if text == nil {
		text = []byte{}
	}
	out, err := c.read(ctx, text, "hash-object", "-w", "--no-filters", "--stdin")
	if err != nil {
		return entry{}, fmt.Errorf("storing a file: %w", err)
	}
	return entry{mode, line(out)}, nil
}

// staged reads an index file.
func (c *Clone) staged(ctx context.Context, index string) (map[string]entry, error) {
	out, err := c.run(ctx, gitCall{index: index}, "ls-files", "-s", "-z", "--full-name", ":/")
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	found := map[string]entry{}
	for _, record := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		meta, name, ok := strings.Cut(record, "\t")
		fields := strings.Fields(meta)
		if ok && len(fields) == 3 {
			found[name] = entry{fields[0], fields[1]}
		}
	}
	return found, nil
}

// literal writes a path as a pattern that matches it alone.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// tree is the tree of a commit with other files laid over it.
func (c *Clone) tree(ctx context.Context, base string, files map[string]entry) (string, error) {
	dir, done, err := scratch()
	if err != nil {
		return "", err
	}
	defer done()
	index := filepath.Join(dir, "index")
	if _, err := c.run(ctx, gitCall{index: index}, "read-tree", base); err != nil {
		return "", fmt.Errorf("reading the tree of %.12s: %w", base, err)
	}
	var info bytes.Buffer
	for _, name := range sortedKeys(files) {
		if e := files[name]; e.mode == "" {
			fmt.Fprintf(&info, "0 %s\t%s\x00", strings.Repeat("0", len(base)), name)
		} else {
			fmt.Fprintf(&info, "%s %s\t%s\x00", e.mode, e.blob, name)
		}
	}
	if _, err := c.run(ctx, gitCall{index: index, stdin: info.Bytes()}, "update-index", "-z", "--index-info"); err != nil {
		return "", fmt.Errorf("laying the change over %.12s: %w", base, err)
	}
	out, err := c.run(ctx, gitCall{index: index}, "write-tree", "--missing-ok") // a partial clone has not all of the others
	if err != nil {
		return "", fmt.Errorf("writing the tree: %w", err)
	}
	return line(out), nil
}
