package runbook

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// The functions of the scripts. Every script is whole: it holds those that it calls, and no others.
//
//go:embed lib/*.sh
var libFiles embed.FS

// A chunk is a function of the library with the comments above it, or text that stands outside of functions.
type chunk struct {
	name  string // "" for text
	text  string
	calls []string
}

// library gives a file of the library in chunks, in its order.
var library = sync.OnceValues(func() (map[string][]chunk, error) {
	entries, err := libFiles.ReadDir("lib")
	if err != nil {
		return nil, err
	}
	files := map[string][]chunk{}
	for _, entry := range entries {
		text, err := libFiles.ReadFile("lib/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if files[strings.TrimSuffix(entry.Name(), ".sh")], err = chunks(string(text)); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", entry.Name(), err)
		}
	}
	return files, nil
})

func chunks(text string) ([]chunk, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	var list []chunk
	last := 0
	for i, statement := range file.Stmts {
		c := chunk{calls: called(statement)}
		if f, ok := statement.Cmd.(*syntax.FuncDecl); ok {
			c.name = f.Name.Value
		}
		end := len(text)
		if i+1 < len(file.Stmts) {
			// Comments above the next statement are its own.
			end = int(statement.End().Offset())
			end += strings.IndexByte(text[end:], '\n') + 1
		}
		c.text = text[last:end]
		last = end
		list = append(list, c)
	}
	return list, nil
}

// called are the words that stand where a command's name stands, those of wrappers (run, retry) included.
func called(node syntax.Node) []string {
	var names []string
	syntax.Walk(node, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok {
			for _, word := range call.Args[:min(2, len(call.Args))] {
				if name := word.Lit(); name != "" {
					names = append(names, name)
				}
			}
		}
		return true
	})
	return names
}

var blankLines = regexp.MustCompile(`\n{3,}`)

// linked gives the functions of some files of the library that main calls, directly or not, and the files' other text.
func linked(main string, files ...string) (string, error) {
	lib, err := library()
	if err != nil {
		return "", err
	}
	body, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(main), "")
	if err != nil {
		return "", fmt.Errorf("parsing the script: %w", err)
	}
	byName := map[string][]string{}
	queue := called(body)
	for _, file := range files {
		for _, c := range lib[file] {
			if c.name == "" {
				queue = append(queue, c.calls...)
			}
			byName[c.name] = c.calls
		}
	}
	used := map[string]bool{"": true}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if calls, ok := byName[name]; ok && !used[name] {
			used[name] = true
			queue = append(queue, calls...)
		}
	}
	var b strings.Builder
	for _, file := range files {
		for _, c := range lib[file] {
			if used[c.name] {
				b.WriteString(c.text)
			}
		}
		b.WriteString("\n")
	}
	return blankLines.ReplaceAllString(b.String(), "\n\n"), nil
}
