package iam

import (
	"slices"
	"strings"

	"dekey/scanner/object"
)

// The annotations of GKE on a Kubernetes service account.
// https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
const (
	AccountAnnotation   = "iam.gke.io/gcp-service-account"
	QuotaAnnotation     = "iam.gke.io/credential-quota-project"
	EmailAnnotation     = "iam.gke.io/return-principal-id-as-email"
	DelegatesAnnotation = "iam.gke.io/gcp-service-account-delegates"
)

// projectAnnotation names the project of a Config Connector resource.
const projectAnnotation = "cnrm.cloud.google.com/project-id"

// accountDomain ends the e-mails of accounts that a project made.
const accountDomain = ".iam.gserviceaccount.com"

// Object adds what one Kubernetes object says.
func (f *Facts) Object(o *object.Object) {
	if o.Ref.Namespace != "" && !strings.HasSuffix(o.Ref.Group(), "cnrm.cloud.google.com") {
		f.see(o.Ref.Namespace)
	}
	r := objectReader{facts: f, o: o}
	r.At = At{Language: Kubernetes, What: o.Ref.String()}
	if len(o.Origins) > 0 {
		r.Block, r.Origin = o.Origins[0], o.Origins[0]
	}
	switch group := o.Ref.Group(); {
	case o.Ref.Kind == "ServiceAccount" && group == "":
		r.account()
	case group == "iam.cnrm.cloud.google.com":
		r.Language = ConfigConnector
		r.configConnector()
	case group == "container.cnrm.cloud.google.com" && o.Ref.Kind == "ContainerCluster":
		r.Language = ConfigConnector
		if pool := r.text("spec", "workloadIdentityConfig", "workloadPool"); pool != "" {
			f.Pools = append(f.Pools, Pool{r.at("spec", "workloadIdentityConfig", "workloadPool"), Text(pool)})
		}
	case o.Ref.Kind == "ServiceAccountKey" && strings.HasPrefix(group, "cloudplatform.gcp."):
		f.Keys = append(f.Keys, Key{r.At, Hidden("crossplane:" + o.Ref.String())})
	case slices.Contains(podKinds, o.Ref.Kind):
		r.workload()
	}
	r.pods(o.Content, nil, 0)
}

// podKinds are Kubernetes' own kinds with pods.
var podKinds = []string{"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"}

type objectReader struct {
	At
	facts *Facts
	o     *object.Object
}

// at is where a field is written.
func (r *objectReader) at(keys ...string) At { return r.place(object.Keys(keys...)) }

func (r *objectReader) place(field object.Path) At {
	at := r.At
	if places := r.o.Places(field); len(places) > 0 {
		at.Origin = places[len(places)-1].Origin
	}
	return at
}

func (r *objectReader) value(keys ...string) any {
	v, _ := object.Keys(keys...).Lookup(map[string]any(r.o.Content))
	return v
}

func (r *objectReader) text(keys ...string) string {
	s, _ := r.value(keys...).(string)
	return s
}

// account reads a Kubernetes service account.
func (r *objectReader) account() {
	ksa := KSA{At: r.At, Namespace: Text(r.o.Ref.Namespace), Name: Text(r.o.Ref.Name)}
	if r.o.Ref.Namespace == "" {
		ksa.Namespace = Hidden("kubernetes:namespace")
	}
	annotations, _ := r.value("metadata", "annotations").(map[string]any)
	for _, key := range sortedKeys(annotations) {
		value, isText := annotations[key].(string)
		if isText && Related(key, value) {
			at := r.at("metadata", "annotations", key)
			ksa.Annotations = append(ksa.Annotations, Annotation{Text(key), Text(value), at.Origin})
		}
	}
	r.facts.KSAs = append(r.facts.KSAs, ksa)
	for _, place := range []struct {
		name string
		path []string
	}{
		{"the labels", []string{"metadata", "labels"}},
		{"the top of the object, beside metadata", []string{"annotations"}},
		{"metadata, beside annotations", []string{"metadata"}},
		{"the top of the object, beside metadata", nil},
		{"the labels at the top of the object", []string{"labels"}},
	} {
		r.misplaced(place.name, place.path...)
	}
}

// workload reads where the annotation of a service account stands on a pod or its owner, which GKE does not read.
func (r *objectReader) workload() {
	templates := [][]string{{"metadata"}, {"spec", "template", "metadata"}, {"spec", "jobTemplate", "metadata"},
		{"spec", "jobTemplate", "spec", "template", "metadata"}}
	for _, t := range templates {
		for _, kind := range []string{"annotations", "labels"} {
			r.misplaced("the "+kind+" of a "+owner(t, r.o.Ref.Kind), slices.Concat(t, []string{kind})...)
		}
	}
}

func owner(template []string, kind string) string {
	if len(template) > 1 && template[len(template)-2] == "template" {
		return "pod template"
	}
	return kind
}

// misplaced notes GKE's annotations in a mapping where they mean nothing.
func (r *objectReader) misplaced(place string, path ...string) {
	where, _ := r.value(path...).(map[string]any)
	for _, key := range sortedKeys(where) {
		if key != AccountAnnotation && key != QuotaAnnotation && key != EmailAnnotation {
			continue
		}
		value, _ := where[key].(string)
		at := r.at(slices.Concat(path, []string{key})...)
		r.facts.Misplaced = append(r.facts.Misplaced, Misplaced{At: at, Object: r.o.Ref, Key: key, Value: Text(value), Place: place})
	}
}

// maxLevels bounds how deep pod specs are looked for.
const maxLevels = 40

// pods notes which service accounts pods run under, and specs whose two spellings differ.
func (r *objectReader) pods(value any, path object.Path, level int) {
	if level > maxLevels {
		return
	}
	switch value := value.(type) {
	case map[string]any:
		if _, spec := value["containers"].([]any); spec {
			name, _ := value["serviceAccountName"].(string)
			obsolete, _ := value["serviceAccount"].(string)
			if name != "" && obsolete != "" && name != obsolete {
				r.facts.Conflicts = append(r.facts.Conflicts, Conflict{
					At: r.place(path.Join(object.Key("serviceAccount"))), Object: r.o.Ref, Name: name, Obsolete: obsolete,
				})
			}
			for _, n := range []string{name, obsolete} {
				if n != "" {
					r.facts.Uses = append(r.facts.Uses, Use{Namespace: r.o.Ref.Namespace, Name: n})
				}
			}
			return
		}
		for _, key := range sortedKeys(value) {
			r.pods(value[key], path.Join(object.Key(key)), level+1)
		}
	case []any:
		for i, item := range value {
			r.pods(item, path.Join(object.At(i)), level+1)
		}
	}
}

// Related says whether an annotation of a service account is one of GKE's, or looks as if it were meant to be.
func Related(key, value string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "gke.io") || strings.Contains(key, "gcp-service") || strings.Contains(key, "iam.gke") ||
		strings.Contains(value, "gserviceaccount") || strings.Contains(key, "gcp") && strings.Contains(value, "@")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
