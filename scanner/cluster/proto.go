package cluster

import (
	"bytes"
	"hash/maphash"
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// protoMagic opens every answer in Kubernetes' protobuf encoding; a message Unknown follows, which holds the list.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
var protoMagic = []byte("k8s\x00")

// split cuts a list in protobuf into its objects, which stay encoded: one is decoded at a time, because a decoded page
// takes several times the memory. Every list message has its metadata in field 1 and its items in field 2
// (k8s.io/api, generated.proto).
func split(answer []byte) (list [][]byte, next string, err error) {
	envelope, ok := bytes.CutPrefix(answer, protoMagic)
	if !ok {
		return nil, "", errDecode
	}
	var message []byte
	err = records(envelope, func(n protowire.Number, _ protowire.Type, value []byte) error {
		switch n {
		case 2:
			message = value
		case 3:
			if len(value) > 0 {
				return errDecode // an encoding that nothing is known of
			}
		}
		return nil
	})
	if err != nil || message == nil {
		return nil, "", errDecode
	}
	list = [][]byte{}
	err = records(message, func(n protowire.Number, _ protowire.Type, value []byte) error {
		switch n {
		case 1:
			var about metav1.ListMeta
			if about.Unmarshal(value) != nil {
				return errDecode
			}
			next = about.Continue
		case 2:
			list = append(list, value)
		}
		return nil
	})
	return list, next, err
}

// decoder gives what decodes the objects of a list of the resource.
func (s *shapes) decoder(r resource) (*decoder, error) {
	d := &decoder{about: s.of(reflect.TypeFor[metav1.ObjectMeta]())}
	d.words.seed = maphash.MakeSeed()
	switch r.form {
	case custom:
		return d, nil
	case metadata:
		d.object = s.of(reflect.TypeFor[metav1.PartialObjectMetadata]())
		return d, nil
	}
	o, err := scheme.Scheme.New(r.GroupVersion().WithKind(r.kind))
	if err != nil {
		return nil, errDecode
	}
	_, d.secret = o.(*corev1.Secret)
	d.object = s.of(reflect.TypeOf(o).Elem())
	return d, nil
}

// decode decodes one object of a list in protobuf. The values of a Secret are parts of data, not copies: they are most of
// what a cluster holds.
func (d *decoder) decode(data []byte) (item, error) {
	switch {
	case d.object == nil:
		return item{}, errDecode
	case d.secret:
		return d.decodeSecret(data)
	}
	content, err := d.message(d.object, data)
	return newItem(content), err
}

func (d *decoder) decodeSecret(data []byte) (item, error) {
	content, values := map[string]any{}, map[string][]byte{}
	err := records(data, func(n protowire.Number, _ protowire.Type, value []byte) error {
		var err error
		switch n {
		case 1:
			content["metadata"], err = d.message(d.about, value)
		case 2:
			name, entry := "", []byte{}
			err = records(value, func(n protowire.Number, wire protowire.Type, part []byte) error {
				switch {
				case n == 1:
					name, _ = d.words.text(part).(string)
				case n == 2 && wire == protowire.BytesType:
					entry = part
				}
				return nil
			})
			values[name] = entry
		case 3:
			if len(value) > 0 {
				content["type"] = d.words.text(value)
			}
		case 4:
			err = errDecode // stringData is never read, only written
		case 5:
			flag, _ := protowire.ConsumeVarint(value)
			content["immutable"] = protowire.DecodeBool(flag)
		}
		return err
	})
	it := newItem(content)
	it.values = values
	return it, err
}

// records walks the fields of a message: the value of each, without its length where it has one.
func records(message []byte, visit func(n protowire.Number, wire protowire.Type, value []byte) error) error {
	for len(message) > 0 {
		number, wire, head := protowire.ConsumeTag(message)
		if head < 0 {
			return errDecode
		}
		length := protowire.ConsumeFieldValue(number, wire, message[head:])
		if length < 0 {
			return errDecode
		}
		value := message[head : head+length : head+length]
		if wire == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if err := visit(number, wire, value); err != nil {
			return err
		}
		message = message[head+length:]
	}
	return nil
}
