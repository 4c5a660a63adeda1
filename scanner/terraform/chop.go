package terraform

import (
	"bytes"
	"strings"
)

// chop blanks the blocks that say nothing about identities, line by line, so that the parser has less to do and every
// position stays. It goes by how `terraform fmt` writes a file: blocks begin and end in the first column. In a file that
// is written otherwise, what is left of it may be no Terraform: then the whole is parsed.
func chop(data []byte) []byte {
	var out []byte
	blank := false
	from := 0 // of the text that was not written yet
	for at := 0; at < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := data[at:end]
		if !blank && dull(line) {
			out = append(out, data[from:at]...)
			blank, from = true, at
		}
		if blank {
			out = append(out, '\n')
			if line[0] == '}' {
				blank = false
			}
			from = end
		}
		at = end
	}
	if out == nil || blank { // a block that does not end
		return data
	}
	return append(out, data[from:]...)
}

// dull says whether a line begins a block of several lines that says nothing about identities.
func dull(line []byte) bool {
	if !bytes.HasSuffix(bytes.TrimRight(line, " \t\r\n"), []byte("{")) {
		return false
	}
	for _, word := range []string{"variable ", "output ", "provider ", "terraform ", "moved ", "import ", "check "} {
		if bytes.HasPrefix(line, []byte(word)) {
			return true
		}
	}
	rest, found := bytes.CutPrefix(line, []byte("resource \""))
	if !found {
		if rest, found = bytes.CutPrefix(line, []byte("data \"")); !found {
			return false
		}
	}
	typ, _, found := bytes.Cut(rest, []byte("\""))
	return found && !telling(string(typ))
}

// telling says whether a type of resource or data source is looked at.
func telling(typ string) bool {
	return strings.Contains(typ, "iam") || strings.HasPrefix(typ, "google_service_account") || strings.HasPrefix(typ, "kubernetes_") ||
		typ == "google_container_cluster" || typ == "google_project" || typ == "helm_release"
}
