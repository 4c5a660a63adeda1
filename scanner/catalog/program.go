package catalog

import (
	"path"
	"slices"
	"strings"

	"dekey/scanner/object"
)

// The forms of a flag's or variable's value.
const (
	ValuePath = "path" // of a key file
	ValueJSON = "json" // the key itself, or base64 of it
)

// A Flag is a flag that names a key to a known program.
type Flag struct {
	Entry string // the ID of the catalogue entry
	Name  string // as the entry spells it
	Value string // ValuePath | ValueJSON
	// Removable: without the flag this program falls back to Application Default Credentials. Never true for a program
	// that was not recognised by image or command.
	Removable bool
	// Hold says why the flag stays when it is not Removable.
	Hold *object.Obstacle
}

// A Variable is an environment variable that names a key to a known program, beside the ones of StandardEnv.
type Variable struct {
	Entry     string
	Name      string
	Value     string // ValuePath | ValueJSON
	Removable bool   // as of a Flag
	// Foreign: the name is another cloud's, and counts only where the file is known to hold a Google key.
	Foreign bool
	Hold    *object.Obstacle
}

// A flagRule knows flags of a program.
type flagRule struct {
	Names []string `json:"names"` // as written, with their dashes
	program
	// Only says that the flag means a key with these programs alone (-c); otherwise its name is enough to know that the
	// value is a key.
	Only      bool             `json:"only"`
	Value     string           `json:"value"`
	Removable bool             `json:"removable"`
	Hold      *object.Obstacle `json:"hold"`
}

// A variableRule knows variables of a program. Kind is standard (client libraries or gcloud read it by themselves), key
// (its name says that it points at a key), or program (as a flag).
type variableRule struct {
	Names []string `json:"names"`
	Kind  string   `json:"kind"`
	program
	Value     string           `json:"value"`
	Removable bool             `json:"removable"`
	Foreign   bool             `json:"foreign"`
	Hold      *object.Obstacle `json:"hold"`
}

// A program is recognised by its image or its command.
type program struct {
	// Images are globs over the image's repository, without registry host, tag and digest, matched against its last parts:
	// "gce-proxy", "prow/*". Versions, where written, are globs of the tag ("2*").
	Images   []string `json:"images"`
	Versions []string `json:"versions"`
	Commands []string `json:"commands"` // base names of the program that runs
}

// A programRule is what is known of a program, whatever flags and variables it is given.
type programRule struct {
	program
	Signs string `json:"signs"` // what it signs with the account's key
}

// Signs says what a program is known to sign with the account's key, or "". Image and command are those of LookupFlag.
func Signs(image, command string) string {
	for _, rule := range index().programs {
		if rule.recognises(image, command) {
			return rule.Signs
		}
	}
	return ""
}

// recognises says whether image or command is this program.
func (p program) recognises(image, command string) bool {
	repository, tag := splitImage(image)
	if slices.ContainsFunc(p.Images, func(pattern string) bool { return globTail(pattern, repository) }) {
		return len(p.Versions) == 0 || slices.ContainsFunc(p.Versions, func(v string) bool { return glob(v, tag) })
	}
	return command != "" && slices.Contains(p.Commands, path.Base(command))
}

// splitImage takes REGISTRY/REPOSITORY:TAG@DIGEST apart; a leading v of the tag is dropped.
func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image, tag = image[:colon], image[colon+1:]
	}
	return image, strings.TrimPrefix(tag, "v")
}

// globTail matches a glob against as many last parts of name as the glob has.
func globTail(pattern, name string) bool {
	parts := strings.Split(name, "/")
	n := strings.Count(pattern, "/") + 1
	if len(parts) < n {
		return false
	}
	return glob(pattern, strings.Join(parts[len(parts)-n:], "/"))
}

// unknownProgram is the hold of a key flag of a program that no entry knows.
func unknownProgram() *object.Obstacle {
	return &object.Obstacle{
		Code: "program-reads-key",
		What: "the flag names a key file to a program that the catalogue does not know; whether it can run without is not known",
	}
}

// LookupFlag says what is known of a flag that takes a key. Image is the container's, command the program that runs (the
// first word, "" where the image decides), flag the flag with its dashes and without a value. A flag of no entry whose name
// tells of a Google credential file counts as one of an unknown program, with an empty Entry. The second result is false
// where the flag is not known to take a key.
func LookupFlag(image, command, flag string) (Flag, bool) {
	var named *Flag
	for _, r := range index().flags[flag] {
		found := Flag{Entry: r.entry, Name: flag, Value: r.rule.Value}
		if r.rule.recognises(image, command) {
			found.Removable, found.Hold = r.rule.Removable, r.rule.Hold
			if !found.Removable && found.Hold == nil {
				found.Hold = unknownProgram()
			}
			return found, true
		}
		if !r.rule.Only && named == nil {
			found.Hold = unknownProgram()
			named = &found
		}
	}
	switch {
	case named != nil:
		return *named, true
	case len(index().flags[flag]) == 0 && strings.HasPrefix(flag, "-") && looksLikeKey(strings.TrimLeft(flag, "-")):
		return Flag{Name: flag, Value: ValuePath, Hold: unknownProgram()}, true
	}
	return Flag{}, false
}

// LookupEnv says what is known of a variable that gives a key to a known program. The second result is false for variables
// that no entry connects with this program, StandardEnv or not.
func LookupEnv(image, command, name string) (Variable, bool) {
	for _, r := range index().variables[name] {
		if r.rule.Kind != "program" || !r.rule.recognises(image, command) {
			continue
		}
		found := Variable{Entry: r.entry, Name: name, Value: r.rule.Value, Removable: r.rule.Removable, Foreign: r.rule.Foreign, Hold: r.rule.Hold}
		if !found.Removable && found.Hold == nil {
			found.Hold = unknownProgram()
		}
		return found, true
	}
	return Variable{}, false
}
