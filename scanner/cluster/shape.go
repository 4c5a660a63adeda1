package cluster

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A shape is a message of Kubernetes' protobuf encoding: what its fields are called in JSON, by their numbers. It is read off
// the tags of the message's Go type (k8s.io/api), so that an object is decoded into what JSON would give and no Go object
// stands in between: half of what a workload costs.
type shape struct {
	fields []field // by number
}

type kind uint8

const (
	left    kind = iota // not decoded
	text                // a string
	blob                // bytes, in base64
	boolean             // a varint
	integer             // a varint
	float               // 32 or 64 bits
	message             // an object, of a shape
	mapping             // an object, of entries
	odd                 // of a type with a JSON form of its own: quantities, times, ports by number or name
	manager             // who set which field
)

// A field is one field of a message.
type field struct {
	name   string
	kind   kind
	list   bool         // repeated
	always bool         // written also where it is zero
	inline bool         // the fields of a message stand among those of the one around it
	bare   bool         // says something also where it is empty or zero: emptyDir, replicas
	of     *shape       // of a message
	value  *field       // of a mapping
	typ    reflect.Type // of an odd one
}

// shapes are the shapes by their Go types. They are made when they are first asked for.
type shapes struct {
	mu   sync.Mutex
	made map[reflect.Type]*shape
}

// of gives the shape of a struct type.
func (s *shapes) of(t reflect.Type) *shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[reflect.Type]*shape{}
	}
	return s.shape(t)
}

func (s *shapes) shape(t reflect.Type) *shape {
	if made := s.made[t]; made != nil {
		return made
	}
	made := &shape{}
	s.made[t] = made // before its fields: a JSONSchemaProps holds others
	for i := range t.NumField() {
		f := t.Field(i)
		// bytes,2,opt,name=image
		number, err := strconv.Atoi(part(f.Tag.Get("protobuf"), 1))
		if err != nil || number <= 0 {
			continue // TypeMeta
		}
		for len(made.fields) <= number {
			made.fields = append(made.fields, field{})
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !wanted(t, f.Name) {
			continue
		}
		of := s.field(f.Type)
		of.name, of.inline = name, name == ""
		of.always = !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
		if t == reflect.TypeFor[metav1.ObjectMeta]() && name == "managedFields" {
			of.kind = manager
		}
		made.fields[number] = of
	}
	return made
}

func part(tag string, i int) string {
	parts := strings.Split(tag, ",")
	if i >= len(parts) {
		return ""
	}
	return parts[i]
}

// field is a field of a Go type.
func (s *shapes) field(t reflect.Type) field {
	if t.Kind() == reflect.Pointer {
		f := s.field(t.Elem())
		f.bare = t.Elem() != reflect.TypeFor[corev1.Probe]() // of which only one is left that runs something
		return f
	}
	if t.Kind() != reflect.Struct || ownJSON(t) {
		if _, decodes := reflect.New(t).Interface().(unmarshaler); decodes {
			return field{kind: odd, typ: t}
		}
	}
	switch t.Kind() {
	case reflect.String:
		return field{kind: text}
	case reflect.Bool:
		return field{kind: boolean}
	case reflect.Int32, reflect.Int64:
		return field{kind: integer}
	case reflect.Float32, reflect.Float64:
		return field{kind: float}
	case reflect.Struct:
		return field{kind: message, of: s.shape(t)}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return field{kind: blob}
		}
		item := s.field(t.Elem())
		item.list = true
		item.bare = true // its place counts
		return item
	case reflect.Map:
		value := s.field(t.Elem())
		value.bare = true
		return field{kind: mapping, value: &value}
	}
	return field{}
}

type unmarshaler interface{ Unmarshal([]byte) error }

// ownJSON says that a struct is no object in JSON.
func ownJSON(t reflect.Type) bool {
	_, own := reflect.New(t).Interface().(interface{ MarshalJSON() ([]byte, error) })
	return own
}

// kept are, of messages of which little is asked for, the fields that are decoded.
var kept = map[reflect.Type][]string{
	reflect.TypeFor[metav1.ObjectMeta](): {
		"Name", "Namespace", "UID", "Labels", "Annotations", "OwnerReferences", "DeletionTimestamp", "ManagedFields",
	},
	reflect.TypeFor[metav1.OwnerReference](): {"APIVersion", "Kind", "Name", "UID", "Controller"},
	reflect.TypeFor[corev1.VolumeMount]():    {"Name", "MountPath", "ReadOnly", "SubPath", "SubPathExpr"},
	reflect.TypeFor[corev1.Probe]():          {"ProbeHandler"},
	reflect.TypeFor[corev1.ProbeHandler]():   {"Exec"}, // runs in the container, with its key
}

// passed are, of other messages, the fields that are not: what says nothing of what runs in a pod.
var passed = map[reflect.Type][]string{
	reflect.TypeFor[appsv1.DeploymentSpec](): {"Strategy", "RevisionHistoryLimit", "ProgressDeadlineSeconds"},
	reflect.TypeFor[corev1.PodSpec]():        {"SchedulerName", "TerminationGracePeriodSeconds"},
	reflect.TypeFor[corev1.Container](): {
		"Resources", "Ports", "TerminationMessagePath", "TerminationMessagePolicy", "ImagePullPolicy", "ResizePolicy",
	},
	reflect.TypeFor[corev1.EphemeralContainerCommon](): {
		"Resources", "Ports", "TerminationMessagePath", "TerminationMessagePolicy", "ImagePullPolicy", "ResizePolicy",
	},
}

func wanted(t reflect.Type, name string) bool {
	if only, some := kept[t]; some {
		return slices.Contains(only, name)
	}
	if _, isObject := t.FieldByName("ObjectMeta"); isObject && name == "Status" {
		return false
	}
	return !slices.Contains(passed[t], name)
}
