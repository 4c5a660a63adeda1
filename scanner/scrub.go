package scanner

import (
	"reflect"

	"dekey/scanner/keyfile"
)

// withheld stands where a manifest had key material in a place that is shown: a name, a label, an image.
const withheld = "[key material]"

// Scrub replaces every string below the pointer v that may hold a part of a key: Scan does so with its inventory, and whoever
// shows more of a checkout's text does so with that.
func Scrub(v any) { scrub(reflect.ValueOf(v)) }

// scrub replaces every string below v that may hold a part of a key. Nothing that is kept should, but every string of a
// manifest can be anything. Places in files are left alone: what is edited is found by them.
func scrub(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			scrub(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Origin]() || v.Type() == reflect.TypeFor[Source]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scrub(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			scrub(v.Index(i))
		}
	case reflect.Map:
		if v.Type() == reflect.TypeFor[map[string]string]() {
			scrubMap(v)
		}
	case reflect.String:
		if s := v.String(); v.CanSet() && isKeyMaterial(s) {
			v.SetString(withheld)
		}
	}
}

func scrubMap(v reflect.Value) {
	m, _ := v.Interface().(map[string]string)
	for key, value := range m {
		if isKeyMaterial(key) {
			delete(m, key)
			key = withheld
		}
		if isKeyMaterial(value) {
			m[key] = withheld
		}
	}
}

// shortest is the length below which nothing can be a part of a key that is worth anything.
const shortest = 40

func isKeyMaterial(s string) bool {
	return len(s) >= shortest && keyfile.IsKeyMaterial([]byte(s))
}
