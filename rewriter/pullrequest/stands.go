package pullrequest

import (
	"bytes"
	"context"
	"path"

	"dekey/rewriter"
)

// How a file stands in a commit, held against what a changeset recorded of it.
const (
	asBefore = iota + 1
	asAfter
	otherwise
)

// stands says how a file stands, and whether git keeps it with LF where the checkout has CRLF (core.autocrlf, or eol in
// .gitattributes): then what was recorded is the checkout's.
func (c *Clone) stands(ctx context.Context, at entry, f rewriter.File) (how int, crlf bool, err error) {
	is, err := c.digest(ctx, at)
	if err != nil {
		return 0, false, err
	}
	sameMode := f.Mode == "" || f.Mode == at.mode
	switch {
	case is == f.Before && sameMode:
		return asBefore, false, nil
	case is == f.After:
		return asAfter, false, nil
	case at.mode != "100644" && at.mode != "100755":
		return otherwise, false, nil
	}
	text, err := c.blob(ctx, at)
	if err != nil || bytes.IndexByte(text, '\r') >= 0 {
		return otherwise, false, err
	}
	switch is = digestOf(toCRLF(text)); {
	case is == f.Before && sameMode:
		return asBefore, true, nil
	case is == f.After:
		return asAfter, true, nil
	}
	return otherwise, false, nil
}

func toCRLF(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }

// toLF gives back a text whose every line ends in CRLF as git keeps it, and any other text as it is.
func toLF(text []byte) []byte {
	left := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(toCRLF(left), text) {
		return text
	}
	return left
}

// inSubmodule finds a path that lies in a submodule of a commit, and that submodule; "" where none does.
func (c *Clone) inSubmodule(ctx context.Context, commit string, paths []string) (in, module string, err error) {
	folders := map[string]bool{}
	for _, name := range paths {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	found, err := c.entries(ctx, commit, sortedKeys(folders))
	if err != nil || len(folders) == 0 {
		return "", "", err
	}
	for _, name := range paths {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if found[dir].mode == "160000" {
				return name, dir, nil
			}
		}
	}
	return "", "", nil
}
