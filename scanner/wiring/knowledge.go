package wiring

import (
	"regexp"
	"slices"
	"strings"

	"dekey/scanner/catalog"
	"dekey/scanner/object"
)

// Knowledge is what is known about the Secrets, ConfigMaps and SecretProviderClasses that one pod spec can name. It is
// bound to that pod's namespace and place.
type Knowledge interface {
	// Contents of an object that was not seen are the zero value.
	Contents(kind, name string) Contents
}

// Contents is what is known of one Secret, ConfigMap or SecretProviderClass.
type Contents struct {
	// Complete says that Entries are all there are and that every value was read: what is not there holds no key.
	Complete bool
	Entries  []Entry // sorted by name
}

// Entry finds an entry by its name.
func (c Contents) Entry(name string) (Entry, bool) {
	for _, entry := range c.Entries {
		if entry.Name == name {
			return entry, true
		}
	}
	return Entry{}, false
}

// An Entry is what is known of one entry. A value is kept only of ConfigMaps, and only where it can be (part of) a path.
type Entry struct {
	Name  string
	Holds object.Tri
	Keys  []string // ids
	// Presumed: Holds is yes by the wiring alone; whether there is such an entry is not known.
	Presumed bool
	// Part: the key is a part of the value, of which the rest is something else (a product's configuration).
	Part bool
	// Bare: the entry is a private key by itself (PEM, P12), which no client library reads as a credential file.
	Bare bool
	// Impersonates is the account that the file acts as with the key of another.
	Impersonates string
	Value        string
	Known        bool // Value is the whole value
	Facts        []Fact
	At           []object.Origin
}

// A Fact is what a longer text in a ConfigMap says about key files.
type Fact struct {
	Line int // counted from 1 in the text
	Kind FactKind
	Text string // a path, or a variable's name
}

// A FactKind says what a Fact's Text is.
type FactKind string

const (
	PathFact     FactKind = "path"
	VariableFact FactKind = "variable" // $NAME is read
	ActivateFact FactKind = "activate" // gcloud auth activate-service-account
)

// maxFacts bounds what is kept of one text.
const maxFacts = 200

var (
	pathInText     = regexp.MustCompile(`/[A-Za-z0-9._@/-]+`)
	variableInText = regexp.MustCompile(`\$[{(]?([A-Za-z_][A-Za-z0-9_]*)`)
)

// ReadText gives what a text (a script, a program's configuration) says about key files: paths, variables whose names
// tell of keys, and gcloud being handed a key. Comments count where the language is not known.
func ReadText(s string) []Fact {
	var facts []Fact
	for i, line := range strings.Split(s, "\n") {
		if len(line) > longValue {
			continue
		}
		if strings.Contains(line, activation) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			facts = append(facts, Fact{Line: i + 1, Kind: ActivateFact})
		}
		for _, p := range pathInText.FindAllString(line, -1) {
			facts = append(facts, Fact{Line: i + 1, Kind: PathFact, Text: strings.TrimRight(p, "./")})
		}
		for _, m := range variableInText.FindAllStringSubmatch(line, -1) {
			if catalog.KeyEnv(m[1]) {
				facts = append(facts, Fact{Line: i + 1, Kind: VariableFact, Text: m[1]})
			}
		}
		if len(facts) >= maxFacts {
			break
		}
	}
	facts = slices.DeleteFunc(facts, func(f Fact) bool { return f.Kind == PathFact && strings.Count(f.Text, "/") < 1 })
	return facts[:min(len(facts), maxFacts):min(len(facts), maxFacts)]
}
