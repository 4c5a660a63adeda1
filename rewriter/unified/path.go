package unified

import (
	"fmt"
	"strings"
)

// checkPath refuses what git would not create, or would create outside of the repository.
func checkPath(path string) error {
	bad := path == "" || strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0)
	for _, part := range strings.Split(path, "/") {
		bad = bad || part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git")
	}
	if bad {
		return fmt.Errorf("diffing %q: no path inside a repository", path)
	}
	return nil
}

// quote writes a path as git does: in C's quotes when it holds a quote, a backslash, a control character or a byte
// outside of ASCII.
func quote(path string) string {
	var b strings.Builder
	plain := true
	for i := 0; i < len(path); i++ {
		c := path[i]
		if short := strings.IndexByte("\a\b\t\n\v\f\r\"\\", c); short >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`abtnvfr"\`[short])
			plain = false
		} else if c < ' ' || c >= 0x7F {
			fmt.Fprintf(&b, `\%03o`, c)
			plain = false
		} else {
			b.WriteByte(c)
		}
	}
	if plain {
		return path
	}
	return `"` + b.String() + `"`
}

// tabbed ends a name with blanks in it by a tab, as git does, so that nothing behind it is taken for a time.
func tabbed(name string) string {
	if strings.Contains(name, " ") && !strings.HasPrefix(name, `"`) {
		return name + "\t"
	}
	return name
}
