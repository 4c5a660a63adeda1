// Package planfile reads and writes inventories and plans as versioned, reviewable JSON, and reads the policy file.
//
// The same value gives the same bytes: two spaces of indent, no HTML escaping, a final newline, lists as the producer sorted
// them and never null. A reader takes documents with fields that it does not know (a newer dekey wrote them), and refuses
// another apiVersion or kind. No error quotes content of a document: it names the file, the offset and what was expected.
package planfile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"dekey/planner"
	"dekey/scanner"
)

// Write writes any of dekey's documents (an Inventory, a Plan, a Changeset) in their form.
func Write(w io.Writer, document any) error {
	data, err := Marshal(document)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// Marshal is the document's bytes.
func Marshal(document any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", document, err)
	}
	return b.Bytes(), nil
}

// ReadInventory reads an Inventory. Name is what errors call it.
func ReadInventory(name string, data []byte) (scanner.Inventory, error) {
	var inv scanner.Inventory
	if err := Read(name, data, "Inventory", &inv); err != nil {
		return scanner.Inventory{}, err
	}
	return inv, nil
}

// ReadPlan reads a Plan. Whether its ID is that of its content is asked with Verify.
func ReadPlan(name string, data []byte) (planner.Plan, error) {
	var p planner.Plan
	if err := Read(name, data, "Plan", &p); err != nil {
		return planner.Plan{}, err
	}
	return p, nil
}

// ErrKind says that a document is of another kind or version than was asked for.
var ErrKind = errors.New("not the kind of document that is wanted here")

// Kind is a document's kind, and an error where it is none of dekey's or of a version that this dekey does not know.
func Kind(name string, data []byte) (string, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := decode(name, data, &head); err != nil {
		return "", err
	}
	switch {
	case head.APIVersion == "" && head.Kind == "":
		return "", fmt.Errorf("reading %s: %w: it has no apiVersion and kind", name, ErrKind)
	case head.APIVersion != scanner.APIVersion:
		return "", fmt.Errorf("reading %s: %w: apiVersion is %.60q, and this dekey reads %s", name, ErrKind, head.APIVersion, scanner.APIVersion)
	}
	return head.Kind, nil
}

// Read reads a document of the kind into a value of its type: a Changeset, which this package does not know.
func Read(name string, data []byte, want string, into any) error {
	kind, err := Kind(name, data)
	if err != nil {
		return err
	}
	if kind != want {
		return fmt.Errorf("reading %s: %w: kind is %.60q, want %s", name, ErrKind, kind, want)
	}
	return decode(name, data, into)
}

// decode never passes the decoder's own text on: it can quote the input.
func decode(name string, data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	err := d.Decode(into)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line, column := position(data, syntax.Offset)
		return fmt.Errorf("reading %s:%d:%d: malformed JSON", name, line, column)
	case errors.As(err, &mismatch):
		line, column := position(data, mismatch.Offset)
		return fmt.Errorf("reading %s:%d:%d: %s must be %s", name, line, column, mismatch.Field, mismatch.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("reading %s: the document ends too early", name)
	case err != nil:
		return fmt.Errorf("reading %s: a value is not of the form that its field has", name)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		line, column := position(data, d.InputOffset())
		return fmt.Errorf("reading %s:%d:%d: something follows the document", name, line, column)
	}
	return nil
}

// position is the line and column of an offset, both counted from 1.
func position(data []byte, offset int64) (line, column int) {
	before := data[:min(max(offset, 0), int64(len(data)))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

// Digest is the SHA-256 of an inventory's bytes as Marshal writes them, in hex.
func Digest(inv scanner.Inventory) (string, error) { return digest(inv) }

// ID is the plan's id: the SHA-256 of its bytes without the id, in hex. Anyone can compute it again from plan.json.
func ID(p planner.Plan) (string, error) {
	p.ID = ""
	return digest(p)
}

func digest(document any) (string, error) {
	data, err := Marshal(document)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Seal gives a plan the basis that it was made from and its id. Called again after a change of the plan (a move that became
// a hold), it keeps the basis when no inventories are given.
func Seal(p planner.Plan, inventories ...scanner.Inventory) (planner.Plan, error) {
	if len(inventories) > 0 {
		p.Basis = []planner.Basis{}
	}
	for _, inv := range inventories {
		sum, err := Digest(inv)
		if err != nil {
			return planner.Plan{}, err
		}
		basis := planner.Basis{SHA256: sum, Sources: []string{}}
		for _, s := range inv.Sources {
			basis.Sources = append(basis.Sources, s.ID)
		}
		p.Basis = append(p.Basis, basis)
	}
	sortBasis(p.Basis)
	id, err := ID(p)
	if err != nil {
		return planner.Plan{}, err
	}
	p.ID = id
	return p, nil
}

// ErrEdited says that a plan is not what its id says.
var ErrEdited = errors.New("the plan's id is not that of its content: it was edited")

// Verify says whether the plan's id is that of its content.
func Verify(p planner.Plan) error {
	id, err := ID(p)
	if err != nil {
		return err
	}
	if id != p.ID {
		return ErrEdited
	}
	return nil
}

func sortBasis(basis []planner.Basis) {
	slices.SortFunc(basis, func(a, b planner.Basis) int { return cmp.Compare(a.SHA256, b.SHA256) })
}
