package cluster

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"dekey/scanner/claim"
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
	err = records(envelope, func(n protowire.Number, _, value []byte) error {
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
	err = records(message, func(n protowire.Number, _, value []byte) error {
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

// unmarshal decodes one object of a list in protobuf. What nobody asks for is left out before it is decoded: who set which
// field, which is as long as the object itself, and the status. The values of a Secret are parts of data, not copies: they
// are most of what a cluster holds. Scratch is for the next object again.
func (r resource) unmarshal(data []byte, scratch *[]byte) (item, error) {
	var o runtime.Object = &metav1.PartialObjectMetadata{}
	if r.form != metadata {
		var err error
		if o, err = scheme.Scheme.New(r.GroupVersion().WithKind(r.kind)); err != nil {
			return item{}, errDecode
		}
	}
	about, isObject := o.(metav1.Object)
	if !isObject {
		return item{}, errDecode
	}
	var err error
	if secret, ok := o.(*corev1.Secret); ok {
		err = unmarshalSecret(data, secret, scratch)
	} else {
		err = unmarshalLean(data, o, scratch)
	}
	if err != nil {
		return item{}, err
	}
	return item{meta: about, typed: o}, nil
}

// The numbers of fields, as generated.proto has them.
const (
	metadataField = 1 // of every object
	statusField   = 3 // of the kinds that have one
	managedFields = 17
)

// unmarshalLean decodes an object without its managed fields and its status.
func unmarshalLean(data []byte, o runtime.Object, scratch *[]byte) error {
	decoder, ok := o.(interface{ Unmarshal([]byte) error })
	if !ok {
		return errDecode
	}
	lean := (*scratch)[:0]
	err := records(data, func(n protowire.Number, record, value []byte) error {
		switch {
		case n == statusField && hasStatus(o):
		case n == metadataField && value != nil:
			// The length stands before what it measures: it is written with as many bytes as it may take.
			lean = protowire.AppendTag(lean, metadataField, protowire.BytesType)
			length := len(lean)
			lean = append(lean, 0, 0, 0, 0, 0)
			var err error
			if lean, err = leanMetadata(lean, value); err != nil {
				return err
			}
			size := len(lean) - length - 5
			for i := range 5 {
				lean[length+i] = byte(size>>(7*i))&0x7f | 0x80
			}
			lean[length+4] &= 0x7f
		default:
			lean = append(lean, record...)
		}
		return nil
	})
	*scratch = lean
	if err != nil || decoder.Unmarshal(lean) != nil {
		return errDecode
	}
	return nil
}

// leanMetadata appends an object's metadata without its managed fields: of those only the names of tools that apply their
// objects again are kept.
func leanMetadata(lean, message []byte) ([]byte, error) {
	err := records(message, func(n protowire.Number, record, value []byte) error {
		if n != managedFields {
			lean = append(lean, record...)
			return nil
		}
		return records(value, func(n protowire.Number, record, value []byte) error {
			if n == 1 && claim.FieldManager(string(value)) != "" {
				lean = protowire.AppendTag(lean, managedFields, protowire.BytesType)
				lean = protowire.AppendBytes(lean, record)
			}
			return nil
		})
	})
	return lean, err
}

// hasStatus says that field 3 of the kind's message is a status that is of no use.
func hasStatus(o runtime.Object) bool {
	_, pod := o.(*corev1.Pod)
	return pod || podSpec(o) != nil
}

// unmarshalSecret decodes a Secret whose values are parts of data.
func unmarshalSecret(data []byte, s *corev1.Secret, scratch *[]byte) error {
	about := (*scratch)[:0]
	err := records(data, func(n protowire.Number, record, value []byte) error {
		switch n {
		case metadataField:
			var err error
			about, err = leanMetadata(about, value)
			return err
		case 2:
			var name string
			content := []byte{}
			err := records(value, func(n protowire.Number, _, value []byte) error {
				switch n {
				case 1:
					name = string(value)
				case 2:
					content = value
				}
				return nil
			})
			if s.Data == nil {
				s.Data = map[string][]byte{}
			}
			s.Data[name] = content
			return err
		case 3:
			s.Type = corev1.SecretType(value)
		case 4:
			return errDecode // stringData is never read, only written
		case 5:
			_, _, head := protowire.ConsumeTag(record)
			flag, _ := protowire.ConsumeVarint(record[head:])
			immutable := protowire.DecodeBool(flag)
			s.Immutable = &immutable
		}
		return nil
	})
	*scratch = about
	if err != nil || s.ObjectMeta.Unmarshal(about) != nil {
		return errDecode
	}
	return nil
}

// records walks the fields of a message: each as it stands in it, tag and all, and the value of those with a length (nil of
// others).
func records(message []byte, visit func(n protowire.Number, record, value []byte) error) error {
	for len(message) > 0 {
		number, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return errDecode
		}
		length := protowire.ConsumeFieldValue(number, kind, message[head:])
		if length < 0 {
			return errDecode
		}
		record := message[: head+length : head+length]
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(record[head:])
		}
		if err := visit(number, record, value); err != nil {
			return err
		}
		message = message[head+length:]
	}
	return nil
}
