package iam

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Concerns says whether a manifest, or a document of one, has to be decoded for what it says about identities.
func Concerns(text []byte) bool {
	if disagrees(text) {
		return true
	}
	for _, word := range []string{"iam.gke.io", "gcp-service-account", "iam.cnrm.cloud.google.com", "container.cnrm.cloud.google.com"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	if bytes.Contains(text, []byte("ServiceAccount")) && (bytes.Contains(text, []byte("gserviceaccount")) || bytes.Contains(text, []byte("gke.io"))) {
		return true
	}
	if bytes.Contains(text, []byte("cloudplatform.gcp.")) && bytes.Contains(text, []byte("ServiceAccountKey")) {
		return true
	}
	return false
}

// Both spellings of a pod's service account.
var (
	nameWritten     = regexp.MustCompile(`serviceAccountName["']?\s*:\s*["']?([a-z0-9][a-z0-9.-]*)`)
	obsoleteWritten = regexp.MustCompile(`serviceAccount["']?\s*:\s*["']?([a-z0-9][a-z0-9.-]*)`)
)

// disagrees says that a text names service accounts in both spellings, and not the same ones.
func disagrees(text []byte) bool {
	if !bytes.Contains(text, []byte("serviceAccountName")) || !bytes.Contains(text, []byte("serviceAccount:")) && !bytes.Contains(text, []byte(`serviceAccount"`)) {
		return false
	}
	written := func(pattern *regexp.Regexp) []string {
		var names []string
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return names
	}
	obsolete := written(obsoleteWritten)
	if len(obsolete) == 0 {
		return false
	}
	names := written(nameWritten)
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(obsolete, func(o string) bool { return o != name })
	})
}

// A Glance is what is noted of every manifest while it is searched, whether it is decoded or not. Its methods can be
// called on several goroutines at once.
type Glance struct {
	mu         sync.Mutex
	namespaces map[string]bool
	templates  bool
}

// namespaces are the values of keys namespace that stand on lines of their own.
func namespaces(text []byte) []string {
	var found []string
	for len(found) < 64 {
		at := bytes.Index(text, []byte("namespace:"))
		if at < 0 {
			break
		}
		before := text[bytes.LastIndexByte(text[:at], '\n')+1 : at]
		text = text[at+len("namespace:"):]
		value := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			value = text[:end]
		}
		value = bytes.Trim(value, " \t\r\"'")
		if len(bytes.TrimLeft(before, " -")) == 0 && len(value) > 0 && len(value) < 64 && len(bytes.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-")) == 0 {
			found = append(found, string(value))
		}
	}
	return found
}

// File takes one file: the namespaces that it names, and whether it is a template that declares service accounts.
func (g *Glance) File(name string, text []byte) {
	template := bytes.Contains(text, []byte("ServiceAccount")) &&
		(bytes.Contains(text, []byte("{{")) || strings.Contains(name, "sonnet") || strings.HasSuffix(name, ".cue"))
	var fresh []string
	if bytes.Contains(text, []byte("namespace")) {
		if !bytes.Contains(text, []byte("cnrm.cloud.google.com")) {
			fresh = namespaces(text)
		} else {
			for document := range bytes.SplitSeq(text, []byte("\n---")) {
				// The resources of Config Connector stand wherever its operators want them.
				if !bytes.Contains(document, []byte("cnrm.cloud.google.com")) {
					fresh = append(fresh, namespaces(document)...)
				}
			}
		}
	}
	if !template && len(fresh) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.templates = g.templates || template
	for _, namespace := range fresh {
		if g.namespaces == nil {
			g.namespaces = map[string]bool{}
		}
		g.namespaces[namespace] = true
	}
}

// Facts are what was noted.
func (g *Glance) Facts() Facts {
	g.mu.Lock()
	defer g.mu.Unlock()
	var f Facts
	for namespace := range g.namespaces {
		f.see(namespace)
	}
	f.Templates = g.templates
	return f
}
