package cluster

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
	err = fields(envelope, func(n protowire.Number, value []byte) error {
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
	err = fields(message, func(n protowire.Number, value []byte) error {
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

// fields walks the length-delimited fields of a message.
func fields(message []byte, visit func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errDecode
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return errDecode
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return errDecode
		}
		if err := visit(number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

// unmarshal decodes one object of a list in protobuf.
func (r resource) unmarshal(data []byte) (item, error) {
	var o runtime.Object = &metav1.PartialObjectMetadata{}
	if r.form != metadata {
		var err error
		if o, err = scheme.Scheme.New(r.GroupVersion().WithKind(r.kind)); err != nil {
			return item{}, errDecode
		}
	}
	decoder, ok := o.(interface{ Unmarshal([]byte) error })
	about, isObject := o.(metav1.Object)
	if !ok || !isObject || decoder.Unmarshal(data) != nil {
		return item{}, errDecode
	}
	return item{meta: about, typed: o}, nil
}
