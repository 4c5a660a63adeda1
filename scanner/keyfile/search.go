package keyfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"unicode/utf16"
)

// The limits. They leave room for the deepest nesting that is known (a Helm release with a pull secret in it: base64,
// base64, gzip, JSON, YAML, base64, JSON, base64, base64, JSON) and for values of any size, with work in proportion.
const (
	maxDepth   = 14
	workFactor = 16
	workFloor  = 64 << 20
	maxGunzip  = 32 << 20
	minKey     = 60 // no key, however encoded, is shorter
)

// A searcher looks for keys in one value, through its layers.
type searcher struct {
	name   string
	budget int // bytes that may still be looked at

	keys         []Identity
	orphans      []orphan // private keys whose account is not known yet
	emails       []string // accounts that are named beside
	certificates map[string]certificate
	malformed    []Identity
	malformedWhy string
	unknown      string // the first reason
	external     bool
	limit        bool
}

// A where is the way from the value to what is looked at.
type where struct {
	layers []string
	depth  int
	part   bool // it is only a part of the value
}

// in is the content of a layer, which is all that the layer held.
func (w where) in(layer string) where {
	layers := make([]string, 0, len(w.layers)+1)
	return where{layers: append(append(layers, w.layers...), layer), depth: w.depth + 1, part: w.part}
}

// inside is a part of a layer.
func (w where) inside(layer string) where {
	w = w.in(layer)
	w.part = true
	return w
}

func (w where) String() string { return strings.Join(w.layers, " > ") }

// spend says whether n more bytes may be looked at.
func (s *searcher) spend(n int) bool {
	if s.budget < n {
		s.limit = true
		return false
	}
	s.budget -= n
	return true
}

// opaque notes that something cannot be read; the first reason is kept.
func (s *searcher) opaque(why string) {
	if s.unknown == "" {
		s.unknown = why
	}
}

// search looks at one layer, from what it is as a whole to what hides in it.
func (s *searcher) search(data []byte, at where) {
	if at.depth > maxDepth {
		s.limit = true
		return
	}
	if !s.spend(len(data)) {
		return
	}
	if !at.part {
		if why := opaque(data); why != "" {
			s.opaque(why)
		}
		if short := bytes.TrimSpace(data); len(short) < minRun {
			s.short(short)
		}
	}
	data = plainText(data)
	if len(data) < minKey {
		return
	}
	switch {
	case isGzip(data):
		s.gunzip(data, at)
		return
	case isPFX(data):
		s.pfx(data, at)
		return
	}
	if s.wholeJSON(data, at) {
		return
	}
	if decoded, layer, ok := wholeBase64(data); ok && s.spend(len(data)) {
		before := s.found()
		s.search(decoded, at.in(layer))
		if s.found() != before {
			return
		}
	}
	s.text(data, at)
}

// short looks at a value that is too short for a key: it may stand for one, or name the account of one.
func (s *searcher) short(data []byte) {
	s.collectEmails(data)
	decoded, ok := decodeRun(bytes.TrimRight(data, "="))
	if !ok || len(decoded) == 0 {
		return
	}
	s.collectEmails(decoded)
	if why := opaque(decoded); why != "" && why != WhyEmpty {
		s.opaque(why)
	}
}

// found is how much was found so far.
func (s *searcher) found() int {
	n := len(s.keys) + len(s.malformed)
	if s.external {
		n++
	}
	return n
}

// plainText drops white space and NULs around data, and a byte order mark; UTF-16 with a mark (a file that PowerShell
// wrote) becomes UTF-8.
func plainText(data []byte) []byte {
	if len(data) >= 2 && len(data)%2 == 0 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff) {
		little := data[0] == 0xff
		units := make([]uint16, 0, len(data)/2-1)
		for i := 2; i+1 < len(data); i += 2 {
			if little {
				units = append(units, uint16(data[i])|uint16(data[i+1])<<8)
			} else {
				units = append(units, uint16(data[i+1])|uint16(data[i])<<8)
			}
		}
		data = []byte(string(utf16.Decode(units)))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if isGzip(data) || isPFX(data) {
		return data
	}
	return bytes.Trim(data, " \t\r\n\x00")
}

// wholeJSON looks at data that is one JSON document, and says whether it is.
func (s *searcher) wholeJSON(data []byte, at where) bool {
	switch data[0] {
	case '{', '[', '"':
	default:
		return false
	}
	value, end, ok := decodeJSON(data)
	if !ok || len(bytes.TrimSpace(data[end:])) > 0 {
		return false
	}
	if _, quoted := value.(string); quoted {
		s.value(value, at.in("quoted"))
		return true
	}
	s.value(value, at.in("json"))
	return true
}

// decodeJSON decodes the JSON value that data begins with, and gives the offset after it. The decoder's own error could
// quote the value, so there is none.
func decodeJSON(data []byte) (value any, end int, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil, int(decoder.InputOffset()), false
	}
	return value, int(decoder.InputOffset()), true
}

// value looks at decoded JSON.
func (s *searcher) value(value any, at where) {
	switch v := value.(type) {
	case string:
		if len(v) >= minKey {
			s.search([]byte(v), at)
		}
	case []any:
		for _, item := range v {
			s.value(item, at)
		}
	case map[string]any:
		s.object(v, at)
	}
}

// object looks at a decoded JSON object: as a credential file, as a holder of a split key, and at everything in it.
func (s *searcher) object(m map[string]any, at where) {
	if s.credential(m, at) {
		m = maps.Clone(m)
		delete(m, "private_key")
	}
	keys := sortedKeys(m)
	s.splitObject(m, keys, at)
	for _, key := range keys {
		next := at
		next.part = true
		if _, leaf := m[key].(string); leaf {
			if layer := fieldLayer(key); layer != "" {
				next.layers = at.in(layer).layers
			}
		}
		s.value(m[key], next)
	}
}

// fieldLayer is a field's name as a step of Where, or "" where the name is not one to repeat.
func fieldLayer(key string) string {
	if len(key) > 80 || IsKeyMaterial([]byte(key)) || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return key
}
