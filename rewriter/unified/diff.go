package unified

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
)

// A File is one file before and after. A nil Old is a new file, a nil New one that goes; an empty file is not nil.
type File struct {
	Path     string // relative, with forward slashes
	Old, New []byte
	Mode     string // 100644 (which "" stands for) or 100755
}

// A KeyError says that no patch of a file can be written without a line that holds key material.
type KeyError struct {
	Path   string
	Line   int  // of the line with the key, before the change, counted from 1; 0 when it is a new line
	Edited bool // an edit touches the line itself; otherwise no line free of key material is left behind an edit
}

// Error names the place, never the line's text.
func (e *KeyError) Error() string {
	if e.Edited {
		return fmt.Sprintf("%s:%d: an edit touches a line with key material", e.Path, e.Line)
	}
	return fmt.Sprintf("%s:%d: no line free of key material is left beside an edit", e.Path, e.Line)
}

// Diff writes one patch of all files that differ, in the order given, and nothing for those that do not. The predicate
// secret says which lines (without their line break) hold key material; nil says none does.
func Diff(files []File, secret func(line []byte) bool) ([]byte, error) {
	var out bytes.Buffer
	for _, f := range files {
		if err := f.write(&out, secret); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func (f File) write(out *bytes.Buffer, secret func([]byte) bool) error {
	if f.Old == nil && f.New == nil || f.Old != nil && f.New != nil && bytes.Equal(f.Old, f.New) {
		return nil
	}
	if err := checkPath(f.Path); err != nil {
		return err
	}
	if bytes.IndexByte(f.Old, 0) >= 0 || bytes.IndexByte(f.New, 0) >= 0 {
		return fmt.Errorf("diffing %s: the file is binary", f.Path)
	}
	lines, err := compare(f.Old, f.New)
	if err != nil {
		return fmt.Errorf("diffing %s: %w", f.Path, err)
	}
	hunks, err := group(f.Path, lines, secret)
	if err != nil {
		return err
	}
	f.header(out, len(hunks) > 0)
	for _, h := range hunks {
		h.write(out)
	}
	return nil
}

func (f File) header(out *bytes.Buffer, hunks bool) {
	mode := f.Mode
	if mode == "" {
		mode = "100644"
	}
	a, b := quote("a/"+f.Path), quote("b/"+f.Path)
	fmt.Fprintf(out, "diff --git %s %s\n", a, b)
	switch {
	case f.Old == nil:
		fmt.Fprintf(out, "new file mode %s\nindex %s..%s\n", mode, blob(nil), blob(f.New))
		a = "/dev/null"
	case f.New == nil:
		fmt.Fprintf(out, "deleted file mode %s\nindex %s..%s\n", mode, blob(f.Old), blob(nil))
		b = "/dev/null"
	default:
		fmt.Fprintf(out, "index %s..%s %s\n", blob(f.Old), blob(f.New), mode)
	}
	if hunks {
		fmt.Fprintf(out, "--- %s\n+++ %s\n", tabbed(a), tabbed(b))
	}
}

// blob is git's name of a file's content, by which `git apply --3way` finds it.
func blob(content []byte) string {
	if content == nil {
		return strings.Repeat("0", 2*sha1.Size)
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
