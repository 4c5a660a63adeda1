package manifest

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// A reach says where the names stand that a pattern of interest goes with.
type reach int

const (
	noNames    reach = iota
	onLine           // on its line
	after            // in the text that follows it
	beside           // close behind it
	around           // before it and after it
	inObject         // in its document, as the values of keys that end in name
	inResource       // in its document, as any value: of custom resources
)

// How far names are looked for, in bytes.
const (
	lineReach   = 300
	afterReach  = 240
	besideReach = 120
)

// wild is in a file's names when they could not all be read: it has to be looked at for any name.
const wild uint32 = 0

var seed = maphash.MakeSeed()

// hashName is a name of one class in four bytes. Two names with one hash cost a second look, and nothing else.
func hashName(class marks, name []byte) uint32 {
	if h := uint32(maphash.Bytes(seed, name)) + uint32(class)*0x9E3779B1; h != wild {
		return h
	}
	return 1
}

// nameIndex collects the names of one file. It is used again for the next.
type nameIndex struct {
	names     []uint32
	objects   []declared
	variables map[string]bool // whether they hold keys by their names; kept from file to file
}

// declared is a place that says of what kind an object is.
type declared struct {
	offset int
	class  marks
}

func (x *nameIndex) reset() { x.names, x.objects = x.names[:0], x.objects[:0] }

// add notes the names that go with a pattern at offset.
func (x *nameIndex) add(data []byte, offset int, p *pattern) {
	class := p.marks & (secrets | accounts | configs | configUsers)
	switch p.names {
	case onLine:
		rest := data[offset:min(len(data), offset+lineReach)]
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[:end]
		}
		x.words(class, rest)
	case after:
		x.words(class, data[offset:min(len(data), offset+afterReach)])
	case beside:
		x.words(class, data[offset:min(len(data), offset+besideReach)])
	case around:
		x.words(class, data[max(0, offset-afterReach):min(len(data), offset+afterReach)])
	case inObject:
		x.objects = append(x.objects, declared{offset, class})
	}
}

func (x *nameIndex) words(class marks, text []byte) {
	eachToken(text, func(word []byte) bool {
		x.names = append(x.names, hashName(class, word))
		return true
	})
}

// finish gives the names in memory of their own, each once.
func (x *nameIndex) finish(data []byte) []uint32 {
	slices.SortFunc(x.objects, func(a, b declared) int { return cmp.Or(cmp.Compare(a.class, b.class), a.offset-b.offset) })
	var class marks
	done := 0
	for _, o := range x.objects {
		if o.class == class && o.offset < done {
			continue
		}
		start := max(bytes.LastIndex(data[:o.offset], []byte("\n---")), 0)
		end := len(data)
		if i := bytes.Index(data[o.offset:], []byte("\n---")); i >= 0 {
			end = o.offset + i
		}
		if o.class == custom {
			x.anyValues(data[start:end])
		} else {
			x.values(o.class, data[start:end])
		}
		class, done = o.class, end
	}
	if len(x.names) == 0 {
		return nil
	}
	slices.Sort(x.names)
	return slices.Clone(slices.Compact(x.names))
}

// maxValues bounds what is noted of one custom resource; one with more (a dashboard) has to be looked at for any name.
const maxValues = 500

// anyValues notes all values that can name a Secret, as far as they begin with a letter and have three: what is shorter,
// or a number, is found by its own pattern or not at all.
func (x *nameIndex) anyValues(text []byte) {
	noted := 0
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != ':' && c != '-' && c != '[' && c != ',' {
			continue
		}
		start := i + 1
		for start < len(text) && (text[start] == ' ' || text[start] == '"' || text[start] == '\'' || text[start] == '\t') {
			start++
		}
		if start == len(text) || text[start] < 'a' || text[start] > 'z' {
			i = start - 1
			continue
		}
		end, kinds := start, byte(0)
		for end < len(text) && wordByte[text[end]] != 0 {
			kinds |= wordByte[text[end]]
			end++
		}
		if end-start > 2 && end-start <= 253 && kinds&noName == 0 && (end == len(text) || endsValue[text[end]]) {
			if noted++; noted > maxValues {
				x.names = append(x.names, wild)
				return
			}
			x.names = append(x.names, hashName(secrets, text[start:end]))
		}
		i = end - 1
	}
}

// endsValue are the bytes that can stand behind a value.
var endsValue = [256]bool{'\r': true, '\n': true, '"': true, '\'': true, ',': true, ' ': true, '}': true, ']': true, '#': true}

// values notes the values of all keys that end in name.
func (x *nameIndex) values(class marks, text []byte) {
	for {
		i := bytes.Index(text, []byte("ame"))
		if i < 0 {
			return
		}
		text = text[i+3:]
		rest := bytes.TrimLeft(text, "\"'")
		rest = bytes.TrimLeft(rest, " \t")
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " \t\"'")
		end := 0
		for end < len(rest) && wordByte[rest[end]] != 0 {
			end++
		}
		switch {
		case end > 0:
			x.names = append(x.names, hashName(class, rest[:end]))
		case len(rest) > 0 && rest[0] != '\n' && rest[0] != '\r' && rest[0] != '{' && rest[0] != '[':
			x.names = append(x.names, wild)
		}
	}
}
