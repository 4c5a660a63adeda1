package cluster

import (
	"encoding/base64"
	"hash/maphash"
	"math"
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/util/json"

	"dekey/scanner/claim"
)

// A decoder decodes the objects of one list. It is not safe for concurrent use.
type decoder struct {
	object *shape // of the list's kind
	about  *shape // of metadata
	secret bool
	words  words
}

// words are texts that were decoded lately. What is alike in many objects, or many times in one (names of variables, labels),
// is kept once: that is half of all texts, and each is two pieces of memory.
type words struct {
	seed  maphash.Seed
	texts [1024]any // a text stands at its hash
}

// longWord is how long a text may be that is worth a look.
const longWord = 64

func (w *words) text(data []byte) any {
	if len(data) > longWord {
		return string(data)
	}
	at := &w.texts[maphash.Bytes(w.seed, data)%uint64(len(w.texts))]
	if known, ok := (*at).(string); !ok || known != string(data) {
		*at = string(data)
	}
	return *at
}

// message reads a message as decoded JSON. What is empty and says nothing by that is left out.
func (d *decoder) message(s *shape, data []byte) (map[string]any, error) {
	content := map[string]any{}
	return content, d.messageInto(content, s, data)
}

// messageInto reads a message's fields one by one. Of a field that is no list and comes twice the last one counts.
func (d *decoder) messageInto(content map[string]any, s *shape, data []byte) error {
	for len(data) > 0 {
		number, wire, head := protowire.ConsumeTag(data)
		if head < 0 {
			return errDecode
		}
		length := protowire.ConsumeFieldValue(number, wire, data[head:])
		if length < 0 {
			return errDecode
		}
		value, rest := data[head:head+length], data[head+length:]
		if int(number) < len(s.fields) && s.fields[number].kind != left {
			f := &s.fields[number]
			if wire == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			if err := d.field(content, f, wire, value, data); err != nil {
				return err
			}
		}
		data = rest
	}
	return nil
}

// field puts one record of a field into content. From is the message from the record on.
func (d *decoder) field(content map[string]any, f *field, wire protowire.Type, value, from []byte) error {
	switch {
	case f.inline:
		if wire != protowire.BytesType || f.kind != message {
			return errDecode
		}
		return d.messageInto(content, f.of, value)
	case f.kind == manager:
		return setManager(content, f.name, value)
	case f.kind == mapping:
		return d.entry(content, f, value)
	}
	v, err := d.value(f, wire, value)
	if err != nil {
		return err
	}
	if f.list {
		items, ok := content[f.name].([]any)
		if !ok {
			items = make([]any, 0, alike(from))
		}
		content[f.name] = append(items, v)
		return nil
	}
	if f.always || f.bare || !empty(v) {
		content[f.name] = v
	}
	return nil
}

// empty says that a value is the zero value of its type.
func empty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case map[string]any:
		return len(v) == 0
	}
	return value == nil
}

// alike counts the records that follow one another under the first one's tag: the length of a list.
func alike(data []byte) int {
	first, _, _ := protowire.ConsumeTag(data)
	n := 0
	for len(data) > 0 {
		number, wire, head := protowire.ConsumeTag(data)
		if number != first || head < 0 {
			break
		}
		length := protowire.ConsumeFieldValue(number, wire, data[head:])
		if length < 0 {
			break
		}
		data = data[head+length:]
		n++
	}
	return n
}

// entry puts an entry of a mapping: its key is field 1, its value field 2.
func (d *decoder) entry(content map[string]any, f *field, entry []byte) error {
	var key string
	var value any
	found := false
	err := records(entry, func(n protowire.Number, wire protowire.Type, data []byte) error {
		var err error
		switch n {
		case 1:
			key, _ = d.words.text(data).(string)
		case 2:
			found = true
			value, err = d.value(f.value, wire, data)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		if value, err = d.value(f.value, protowire.BytesType, nil); err != nil {
			return err
		}
	}
	entries, ok := content[f.name].(map[string]any)
	if !ok {
		entries = map[string]any{}
		content[f.name] = entries
	}
	entries[key] = value
	return nil
}

// setManager keeps of who set which field the names of tools that apply their objects again.
func setManager(content map[string]any, name string, entry []byte) error {
	return records(entry, func(n protowire.Number, _ protowire.Type, data []byte) error {
		if n != 1 {
			return nil
		}
		tool := string(data)
		if claim.FieldManager(tool) != "" {
			managers, _ := content[name].([]any)
			content[name] = append(managers, map[string]any{"manager": tool})
		}
		return nil
	})
}

// value reads one value.
func (d *decoder) value(f *field, wire protowire.Type, value []byte) (any, error) {
	switch f.kind {
	case text, blob, message, odd:
		if wire != protowire.BytesType {
			return nil, errDecode
		}
	case boolean, integer:
		if wire != protowire.VarintType {
			return nil, errDecode
		}
	}
	switch f.kind {
	case text:
		return d.words.text(value), nil
	case blob:
		return base64.StdEncoding.EncodeToString(value), nil
	case boolean:
		n, _ := protowire.ConsumeVarint(value)
		return n != 0, nil
	case integer:
		n, _ := protowire.ConsumeVarint(value)
		return int64(n), nil // a negative one of 32 bits is written with 64
	case float:
		switch wire {
		case protowire.Fixed64Type:
			n, _ := protowire.ConsumeFixed64(value)
			return math.Float64frombits(n), nil
		case protowire.Fixed32Type:
			n, _ := protowire.ConsumeFixed32(value)
			return float64(math.Float32frombits(n)), nil
		}
	case message:
		return d.message(f.of, value)
	case odd:
		return decodeOdd(f.typ, value)
	}
	return nil, errDecode
}

// decodeOdd reads a value through its Go type, which knows its form in JSON.
func decodeOdd(t reflect.Type, value []byte) (any, error) {
	o, ok := reflect.New(t).Interface().(unmarshaler)
	if !ok || o.Unmarshal(value) != nil {
		return nil, errDecode
	}
	written, err := json.Marshal(o)
	if err != nil {
		return nil, errDecode
	}
	var v any
	if json.Unmarshal(written, &v) != nil {
		return nil, errDecode
	}
	return v, nil
}
