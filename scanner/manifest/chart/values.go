package chart

import (
	"slices"

	"dekey/scanner/object"
)

// Values are the merged values of a chart that is elsewhere, as an object.Locator: a field below `values` is written in
// the last layer that has it.
type Values struct {
	Layers []*Layer
	Source string
	Roots  []string
}

// Locate finds where a value is written.
func (v *Values) Locate(field object.Path) []object.Place {
	if len(field) == 0 || field[0] != object.Key("values") {
		return nil
	}
	for _, l := range slices.Backward(v.Layers) {
		if p, ok := l.place(field[1:]); ok && len(field) > 1 {
			p.Origin.Source, p.Roots = v.Source, v.Roots
			return []object.Place{p}
		}
	}
	return nil
}

// Origins are where the layers start.
func (v *Values) Origins() []object.Origin {
	var origins []object.Origin
	for _, l := range v.Layers {
		o := object.Origin{Source: v.Source, Path: l.File, Document: l.Document, Line: 1, Column: 1}
		if l.node != nil {
			if at, ok := l.node.Locate(l.At); ok {
				o.Line, o.Column = at.Line, at.Column
			}
		}
		origins = append(origins, o)
	}
	return origins
}
