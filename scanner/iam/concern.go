package iam

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"dekey/scanner/manifest/search"
)

// words are what a manifest about identities is written with. All are searched for at once.
var words = []string{
	"iam.gke.io", "gcp-service-account", "iam.cnrm.cloud.google.com", "container.cnrm.cloud.google.com", // matter by themselves
	"ServiceAccount", "gserviceaccount", "cloudplatform.gcp.", "ServiceAccountKey", "serviceAccountName", "serviceAccount:", `serviceAccount"`, "namespace:", "cnrm.cloud.google.com",
}

// own is how many of words matter by themselves.
const own = 4

var wordSet = sync.OnceValue(func() *search.Set { return search.New(words...) })

// A written is the set of words that a text holds, by their index.
type written uint32

func wordsOf(text []byte) written {
	var found written
	wordSet().Find(text, func(n, _ int) bool {
		found |= 1 << n
		return true
	})
	return found
}

func (w written) has(word string) bool { return w&(1<<slices.Index(words, word)) != 0 }

// Concerns says whether a manifest, or a document of one, has to be decoded for what it says about identities.
func Concerns(text []byte) bool { return wordsOf(text).concern(text) }

func (w written) concern(text []byte) bool {
	switch {
	case w&(1<<own-1) != 0,
		w.has("ServiceAccount") && w.has("gserviceaccount"),
		w.has("cloudplatform.gcp.") && w.has("ServiceAccountKey"):
		return true
	case w.has("ServiceAccount") && bytes.Contains(text, []byte("gke.io")):
		return true
	}
	return w.has("serviceAccountName") && (w.has("serviceAccount:") || w.has(`serviceAccount"`)) && disagrees(text)
}

// Both spellings of a pod's service account.
var (
	nameWritten     = regexp.MustCompile(`serviceAccountName["']?\s*:\s*["']?([a-z0-9][a-z0-9.-]*)`)
	obsoleteWritten = regexp.MustCompile(`serviceAccount["']?\s*:\s*["']?([a-z0-9][a-z0-9.-]*)`)
)

// disagrees says that a text names service accounts in both spellings, and not the same ones.
func disagrees(text []byte) bool {
	names := func(pattern *regexp.Regexp) []string {
		var found []string
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
		return found
	}
	obsolete := names(obsoleteWritten)
	if len(obsolete) == 0 {
		return false
	}
	return slices.ContainsFunc(names(nameWritten), func(name string) bool {
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

// File takes one file: the namespaces that it names, and whether it is a template that declares service accounts. It says
// what Concerns says.
func (g *Glance) File(name string, text []byte) (concerns bool) {
	words := wordsOf(text)
	template := words.has("ServiceAccount") &&
		(bytes.Contains(text, []byte("{{")) || strings.Contains(name, "sonnet") || strings.HasSuffix(name, ".cue"))
	var fresh []string
	if words.has("namespace:") {
		if !words.has("cnrm.cloud.google.com") {
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
	concerns = words.concern(text)
	if !template && len(fresh) == 0 {
		return concerns
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
	return concerns
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
