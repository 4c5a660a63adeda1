package runbook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dekey/planner"
)

// rolled are the kinds that replace their pods by themselves.
var rolled = map[string]bool{"Deployment": true, "StatefulSet": true, "DaemonSet": true}

// Patchable says why a live workload's move can not be written as a JSON patch, or nil: its pods can not be changed in place,
// or something that goes stands where the plan does not say, or could not be tested before it goes.
func Patchable(m planner.Move) error {
	_, err := patchOf(m)
	return err
}

// An operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patchOf writes the edits of a live workload as a JSON patch: what is added first, then what goes, from the back of each list,
// a test before each.
func patchOf(m planner.Move) ([]operation, error) {
	if m.Recreate || m.Workload.Kind == "Pod" || m.Workload.Kind == "Job" {
		return nil, errors.New("its pods can not be changed in place: it has to be made again")
	}
	var added []operation
	var removed []planner.Edit
	for _, e := range m.Edits {
		if e.Object != m.Workload || e.Op == planner.OpCreate {
			continue
		}
		if e.Pointer == "" {
			return nil, fmt.Errorf("where %s stands in the live object is not known", e.Field)
		}
		switch e.Op {
		case planner.OpRemove:
			if last := e.Field[len(e.Field)-1]; last.By == "" && e.Was == "" {
				return nil, fmt.Errorf("%s can not be tested before it goes: its value is not in the plan", e.Field)
			}
			removed = append(removed, e)
		case planner.OpSet:
			if e.Was != "" {
				added = append(added, operation{"test", e.Pointer, e.Was}, operation{"replace", e.Pointer, e.Value})
				continue
			}
			added = append(added, operation{"add", e.Pointer, e.Value})
		case planner.OpAppend:
			value := e.Value
			if !strings.HasSuffix(e.Pointer, "/-") {
				value = []any{value}
			}
			added = append(added, operation{"add", e.Pointer, value})
		}
	}
	slices.SortStableFunc(removed, func(a, b planner.Edit) int { return comparePointers(b.Pointer, a.Pointer) })
	for _, e := range removed {
		if last := e.Field[len(e.Field)-1]; last.By != "" {
			added = append(added, operation{"test", e.Pointer + "/" + last.By, last.Value})
		} else {
			added = append(added, operation{"test", e.Pointer, e.Was})
		}
		added = append(added, operation{Op: "remove", Path: e.Pointer})
	}
	return added, nil
}

// comparePointers orders JSON pointers, indexes by their number.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(x, y string) int {
		n, errN := strconv.Atoi(x)
		k, errK := strconv.Atoi(y)
		if errN == nil && errK == nil {
			return cmp.Compare(n, k)
		}
		return cmp.Compare(x, y)
	})
}

const aboutPatch = `apply.sh: after runbook/1-grant.sh. The kubectl commands, in order, that move a workload which only the cluster has.
It may be run twice. Undo: kubectl rollout undo, where the workload has revisions; then rollback.sh merge`

// patches are the files of patches/, a folder for each live workload.
func (j *job) patches() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, m := range j.plan.Moves {
		if !m.Live {
			continue
		}
		operations, err := patchOf(m)
		if err != nil {
			return nil, fmt.Errorf("patch of %s: %w", m.Workload, err)
		}
		dir := "patches/" + strings.ToLower(m.Workload.Namespace+"-"+m.Workload.Kind+"-"+m.Workload.Name) + "/"
		var patch bytes.Buffer
		encoder := json.NewEncoder(&patch)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(operations); err != nil {
			return nil, fmt.Errorf("patch of %s: %w", m.Workload, err)
		}
		files[dir+"patch.json"] = patch.Bytes()
		manifests := manifestsOf(m)
		if len(manifests) > 0 {
			files[dir+"serviceaccount.yaml"] = manifests
		}
		script, err := j.patchScript(m, len(manifests) > 0)
		if err != nil {
			return nil, fmt.Errorf("patch of %s: %w", m.Workload, err)
		}
		files[dir+"apply.sh"] = []byte(script)
	}
	return files, nil
}

// manifestsOf are the new objects of a move.
func manifestsOf(m planner.Move) []byte {
	var b strings.Builder
	for _, e := range m.Edits {
		if e.Op == planner.OpCreate {
			if b.Len() > 0 {
				b.WriteString("---\n")
			}
			block(&b, "", e.Value)
		}
	}
	return []byte(b.String())
}

// block writes a value as block YAML.
func block(b *strings.Builder, indent string, value any) {
	switch v := value.(type) {
	case map[string]any:
		keys := slices.SortedFunc(maps.Keys(v), func(x, y string) int { return cmp.Or(cmp.Compare(rankOf(x), rankOf(y)), cmp.Compare(x, y)) })
		for _, key := range keys {
			b.WriteString(indent + scalar(key) + ":")
			nested(b, indent, v[key])
		}
	case []any:
		for _, item := range v {
			var inner strings.Builder
			if m, ok := item.(map[string]any); ok && len(m) > 0 {
				block(&inner, indent+"  ", m)
				b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
				continue
			}
			b.WriteString(indent + "-")
			nested(b, indent, item)
		}
	}
}

func nested(b *strings.Builder, indent string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString(" {}\n")
			return
		}
		b.WriteString("\n")
		block(b, indent+"  ", v)
	case []any:
		if len(v) == 0 {
			b.WriteString(" []\n")
			return
		}
		b.WriteString("\n")
		block(b, indent, v)
	case string:
		b.WriteString(" " + scalar(v) + "\n")
	case nil:
		b.WriteString(" null\n")
	default:
		fmt.Fprintf(b, " %v\n", v)
	}
}

func rankOf(key string) int {
	if i := slices.Index([]string{"apiVersion", "kind", "metadata", "name", "namespace"}, key); i >= 0 {
		return i
	}
	return 5
}

func (j *job) patchScript(m planner.Move, manifests bool) (string, error) {
	s := &script{}
	s.line("main() {\n  evidence=../../runbook/evidence\n  check_granted")
	clusters := j.clustersOf(m)
	if len(clusters) == 0 {
		s.call("  ", "stop", "the plan does not know the cluster of "+m.Workload.String())
	}
	w := j.wiring(m)
	if w.spec == "" {
		return "", errors.New("where its pod spec stands is not known")
	}
	name := Resource(m.Workload)
	for _, c := range clusters {
		context, namespace := "--context="+c.Context, "--namespace="+m.Workload.Namespace
		s.line("")
		j.clusterCheck(s, c)
		if manifests {
			s.call("  ", "run", "kubectl", context, "apply", "--filename=serviceaccount.yaml")
		}
		for _, e := range m.Edits {
			if value, ok := e.Value.(string); ok && e.Object.Kind == "ServiceAccount" && e.Op == planner.OpSet {
				s.call("  ", "run", "kubectl", context, "--namespace="+e.Object.Namespace, "annotate", "serviceaccount", e.Object.Name, planner.AccountAnnotation+"="+value)
			}
		}
		s.call("  ", append([]string{"apply_patch", c.Context, m.Workload.Namespace, name, m.Workload.Name, w.spec, m.ServiceAccount.Name}, w.words...)...)
		if rolled[m.Workload.Kind] {
			s.call("  ", "run", "kubectl", context, namespace, "rollout", "status", name, m.Workload.Name, "--timeout=15m")
		}
	}
	s.line("}\n\nmain")
	return s.whole(j.plan.ID, aboutPatch, "common", "cluster", "verify", "patch")
}
