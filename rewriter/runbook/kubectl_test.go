package runbook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/client-go/util/jsonpath"
)

// kinds are the resources that the stub serves.
var kinds = map[string]string{
	"serviceaccount": "ServiceAccount", "serviceaccounts": "ServiceAccount", "deployments.apps": "Deployment", "cronjobs.batch": "CronJob", "jobs.batch": "Job",
	"pods": "Pod", "node": "Node", "rolebindings.rbac.authorization.k8s.io": "RoleBinding", "clusterrolebindings.rbac.authorization.k8s.io": "ClusterRoleBinding",
}

func kubectl(c *cloud, argv []string) (string, error) {
	words, flags, err := parse(argv, "--context", "--namespace", "--ignore-not-found", "--all-namespaces", "--minify", "-o", "--selector", "--field-selector",
		"--filename", "--type", "--patch-file", "--timeout")
	if err != nil {
		return "", err
	}
	context := flags["--context"]
	if context == "" {
		return "", usageError("every call needs --context")
	}
	if strings.Join(words, " ") == "config view" {
		server, ok := c.Servers[context]
		if !ok {
			return "", fmt.Errorf("context %q does not exist", context)
		}
		return render(flags["-o"], map[string]any{"clusters": []any{map[string]any{"cluster": map[string]any{"server": server}}}})
	}
	if words[0] != "get" {
		return c.write(context, words, flags)
	}
	var found []any
	for _, resource := range strings.Split(words[1], ",") {
		kind, ok := kinds[resource]
		if !ok {
			return "", usageError("the server doesn't have a resource type " + resource)
		}
		for _, object := range c.Objects[context] {
			metadata, _ := object["metadata"].(map[string]any)
			namespace, _ := metadata["namespace"].(string)
			_, all := flags["--all-namespaces"]
			switch {
			case object["kind"] != kind, !all && kind != "Node" && namespace != flags["--namespace"]:
			case len(words) > 2 && metadata["name"] != words[2]:
			case flags["--field-selector"] != "" && flags["--field-selector"] != fmt.Sprint("metadata.name=", metadata["name"]):
			case !selected(flags["--selector"], metadata["labels"]):
			default:
				found = append(found, object)
			}
		}
	}
	if len(words) > 2 {
		if len(found) == 0 {
			if _, ignore := flags["--ignore-not-found"]; ignore {
				return "", nil
			}
			return "", fmt.Errorf("(NotFound): %s %q not found", words[1], words[2])
		}
		return render(flags["-o"], found[0])
	}
	return render(flags["-o"], map[string]any{"kind": "List", "items": found})
}

// write is what kubectl changes: apply, annotate, patch, rollout status.
func (c *cloud) write(context string, words []string, flags map[string]string) (string, error) {
	find := func(kind, namespace, name string) map[string]any {
		for _, o := range c.Objects[context] {
			metadata, _ := o["metadata"].(map[string]any)
			if o["kind"] == kind && metadata["namespace"] == namespace && metadata["name"] == name {
				return o
			}
		}
		return nil
	}
	switch {
	case words[0] == "apply":
		data, err := os.ReadFile(flags["--filename"])
		if err != nil {
			return "", err
		}
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		for {
			o := map[string]any{}
			if err := decoder.Decode(&o); err == io.EOF {
				return "", nil
			} else if err != nil {
				return "", err
			}
			metadata, _ := o["metadata"].(map[string]any)
			if find(fmt.Sprint(o["kind"]), fmt.Sprint(metadata["namespace"]), fmt.Sprint(metadata["name"])) == nil {
				c.Objects[context] = append(c.Objects[context], o)
			}
		}
	case words[0] == "rollout" && len(words) == 4 && words[1] == "status":
		return "", nil
	case words[0] == "patch" && len(words) == 3 && flags["--type"] == "json":
		o := find(kinds[words[1]], flags["--namespace"], words[2])
		data, err := os.ReadFile(flags["--patch-file"])
		if err != nil || o == nil {
			return "", fmt.Errorf("not found: %v", err)
		}
		patch, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return "", err
		}
		before, _ := json.Marshal(o)
		after, err := patch.Apply(before)
		if err != nil {
			return "", err
		}
		for key := range o {
			delete(o, key)
		}
		return "", json.Unmarshal(after, &o)
	}
	return "", usageError("unknown command")
}

func selected(selector string, labels any) bool {
	have, _ := labels.(map[string]any)
	for _, term := range strings.Split(selector, ",") {
		if key, value, ok := strings.Cut(term, "="); ok && have[key] != value {
			return false
		}
	}
	return true
}

// render does what kubectl does for -o jsonpath= and -o go-template=, with its libraries.
func render(output string, object any) (string, error) {
	var out bytes.Buffer
	if text, ok := strings.CutPrefix(output, "jsonpath="); ok {
		path := jsonpath.New("out").AllowMissingKeys(true)
		if err := path.Parse(text); err != nil {
			return "", err
		}
		err := path.Execute(&out, object)
		return out.String(), err
	}
	text, ok := strings.CutPrefix(output, "go-template=")
	if !ok {
		return "", usageError("bad -o")
	}
	t, err := template.New("out").Parse(text)
	if err != nil {
		return "", err
	}
	err = t.Execute(&out, object)
	return out.String(), err
}
