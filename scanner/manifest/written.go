package manifest

import (
	"fmt"
	"regexp"
	"strings"

	"dekey/scanner"
)

// A chart can write the Secret of a key itself, from a value that nobody commits: what is rendered has none, and the
// template says it.
var (
	secretKind = regexp.MustCompile(`(?m)^kind:[ \t]*["']?Secret["']?[ \t]*\r?$`)
	dataField  = regexp.MustCompile(`^(data|stringData):`)
	// An entry and the action that fills it, on its line or, in a block, on the next one.
	filledEntry = regexp.MustCompile(`^[ \t]+["']?([A-Za-z0-9._-]{1,100})["']?:[ \t]*(?:[|>][+-]?[0-9]?)?[ \t]*["']?(\{\{.*\}\})?["']?[ \t]*\r?$`)
	action      = regexp.MustCompile(`^[ \t]*(\{\{.*\}\})[ \t]*\r?$`)
	// valuePath is a value of the chart, or a variable of the template: an action without one only branches.
	valuePath = regexp.MustCompile(`(?:\.|\$)[A-Za-z][A-Za-z0-9_.]*`)

	accountWord = regexp.MustCompile(`(?i)service[-_]?account`)
	googleWord  = regexp.MustCompile(`(?i)gcp|gcs|gcloud|google|cloud_?sql`)
	keyWord     = regexp.MustCompile(`(?i)key|cred|json`)
	// otherWord tells of what Google has beside keys.
	otherWord = regexp.MustCompile(`(?i)hmac|api[-_]?key|oauth|client|webhook|access[-_]?key|secret[-_]?key|token|email|namespace`)
)

// secretHints are the entries of Secrets in a chart's template that are filled with a service account's key: the entry
// or the value says service account, or says Google in a chart that names a key variable elsewhere (wires).
func (r *Reader) secretHints(name string, text []byte, wires bool) []scanner.Hint {
	var hints []scanner.Hint
	start := 1
	for _, part := range regexp.MustCompile(`(?m)^---.*$`).Split(string(text), -1) {
		if secretKind.MatchString(part) {
			hints = append(hints, r.secretPart(name, part, start, wires)...)
		}
		start += strings.Count(part, "\n")
	}
	return hints
}

func (r *Reader) secretPart(name, part string, start int, wires bool) []scanner.Hint {
	var hints []scanner.Hint
	in := false
	lines := strings.Split(part, "\n")
	for i, line := range lines {
		switch {
		case dataField.MatchString(line):
			in = true
			continue
		case line != "" && line[0] != ' ' && line[0] != '\t' && line[0] != '{' && line[0] != '#' && line[0] != '\r':
			in = false
		}
		m := filledEntry.FindStringSubmatch(line)
		if !in || m == nil {
			continue
		}
		entry, fill := m[1], m[2]
		if fill == "" && i+1 < len(lines) {
			if next := action.FindStringSubmatch(lines[i+1]); next != nil && strings.ContainsAny(line, "|>") {
				fill = next[1]
			}
		}
		path := strings.Join(valuePath.FindAllString(fill, -1), " ")
		if path == "" || !writesKey(entry, path, wires) {
			continue
		}
		hints = append(hints, scanner.Hint{
			Origin: scanner.Origin{
				Source: r.source.ID, Path: name, Document: 1, Line: start + i,
				Column: 1 + len(line) - len(strings.TrimLeft(line, " \t")),
			},
			Code: "template", What: fmt.Sprintf("a Helm template that writes a key into the entry %s of a Secret", entry),
		})
	}
	return hints
}

func writesKey(entry, path string, wires bool) bool {
	all := entry + " " + path
	switch {
	case otherWord.MatchString(entry) && !accountWord.MatchString(entry), !keyWord.MatchString(all):
		return false
	case accountWord.MatchString(entry) && strings.HasSuffix(entry, ".json"):
		return true
	case accountWord.MatchString(path):
		return keyWord.MatchString(entry) && (googleWord.MatchString(all) || wires)
	}
	return wires && googleWord.MatchString(all) && strings.HasSuffix(entry, ".json")
}

// writtenSecrets gives the hints of Secrets in the charts' templates, unless the rendering gave the Secret with a key.
func (r *Reader) writtenSecrets(p *pass, sink scanner.Sink) {
	gave := map[string]bool{}
	for at := range p.yielded {
		gave[at.file] = gave[at.file] || at.ref.Kind == "Secret"
	}
	wires := map[string]bool{}
	for _, f := range p.files {
		if dir, ok := p.charts.of(f.name); ok && f.marks&wired != 0 && p.charts.renders(f.name) {
			wires[dir] = true
		}
	}
	for _, f := range p.files {
		if f.marks&(secrets|wired) == 0 || gave[f.name] || !p.charts.renders(f.name) {
			continue
		}
		data, err := p.tree.ReadFile(f.name)
		if err != nil || schema.Match(data) {
			continue
		}
		dir, _ := p.charts.of(f.name)
		for _, hint := range r.secretHints(f.name, data, wires[dir]) {
			sink.Hint(hint)
			p.digest(f.name, data)
		}
	}
}
