package runbook_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The scripts are run against small programs in place of gcloud and kubectl: this test binary under another name, with
// the state of a cloud in a file. They take only what the real programs take, and log every argv.

func TestMain(m *testing.M) {
	switch os.Getenv("RUNBOOK_STUB") {
	case "gcloud":
		os.Exit(stub(gcloud))
	case "kubectl":
		os.Exit(stub(kubectl))
	}
	os.Exit(m.Run())
}

// cloud is what the stubs know and change.
type cloud struct {
	Accounts map[string]*gsa             `json:"accounts"`
	Clusters map[string]*gke             `json:"clusters"` // by PROJECT/LOCATION/NAME
	APIs     map[string][]string         `json:"apis"`     // by project
	Servers  map[string]string           `json:"servers"`  // by context
	Objects  map[string][]map[string]any `json:"objects"`  // by context
	Activity map[string]activity         `json:"activity"` // by full resource name
	Projects map[string][]policyBinding  `json:"projects"` // policies
	// FailOn makes the n-th command that starts so fail: the cut in the middle.
	FailOn    string `json:"failOn"`
	FailAfter int    `json:"failAfter"`
}

type gsa struct {
	Project  string          `json:"project"`
	UniqueID string          `json:"uniqueId"`
	Policy   []policyBinding `json:"policy"`
	Keys     []*gsaKey       `json:"keys"`
}

type policyBinding struct {
	Role      string     `json:"role"`
	Members   []string   `json:"members"`
	Condition *condition `json:"condition,omitempty"`
}

type condition struct{ Title, Expression string }

type gsaKey struct {
	ID       string `json:"id"`
	PEM      string `json:"pem"`
	Disabled bool   `json:"disabled"`
	Reason   string `json:"reason"`
	Expires  string `json:"expires"`
}

type gke struct {
	Pool, Endpoint string
	Autopilot      bool
	NodePools      map[string]string            // modes
	PoolLabels     map[string]map[string]string `json:",omitempty"`
	PoolTaints     map[string][]string          `json:",omitempty"` // key=value:Effect, as Kubernetes spells them
}

type activity struct{ Last, From, To string }

func stub(run func(*cloud, []string) (string, error)) int {
	file := os.Getenv("STUB_STATE")
	data, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	c := &cloud{}
	if err := json.Unmarshal(data, c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	argv := append([]string{os.Getenv("RUNBOOK_STUB")}, os.Args[1:]...)
	log, err := os.OpenFile(file+".log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	line, _ := json.Marshal(argv)
	fmt.Fprintln(log, string(line))
	log.Close()
	if c.FailOn != "" && strings.Contains(strings.Join(argv, " "), c.FailOn) {
		if c.FailAfter--; c.FailAfter < 0 {
			fmt.Fprintln(os.Stderr, "ERROR: cut")
			return 1
		}
	}
	out, err := run(c, os.Args[1:])
	data, _ = json.MarshalIndent(c, "", " ")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return 70
	}
	io.WriteString(os.Stdout, out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		if _, usage := err.(usageError); usage {
			return 2
		}
		return 1
	}
	return 0
}

type usageError string

func (e usageError) Error() string { return string(e) }

// parse splits an argv into words and flags, and refuses flags that the command does not have.
func parse(argv []string, allowed ...string) ([]string, map[string]string, error) {
	var words []string
	flags := map[string]string{}
	for i := 0; i < len(argv); i++ {
		word := argv[i]
		if !strings.HasPrefix(word, "-") {
			words = append(words, word)
			continue
		}
		name, value, found := strings.Cut(word, "=")
		if !found && name == "-o" {
			i++
			value = argv[i]
		}
		if !slices.Contains(allowed, name) {
			return nil, nil, usageError("unrecognized arguments: " + word)
		}
		flags[name] = value
	}
	return words, flags, nil
}

// gcloudCommands are the commands that the scripts may use, without their values. The real gcloud is held to the same list in
// cmd/dekey/journey.
//
//go:embed testdata/gcloud.txt
var gcloudCommands string

// shapeOf is a command without its values: ARG stands for what is no word of a group or command.
func shapeOf(words []string, flags map[string]string) string {
	words = slices.Clone(words)
	if last := words[len(words)-1]; last != "list" && last != "query-activity" {
		words[len(words)-1] = "ARG"
	}
	return strings.Join(append(words, slices.Sorted(maps.Keys(flags))...), " ")
}

func gcloud(c *cloud, argv []string) (string, error) {
	words, flags, err := parse(argv, "--project", "--location", "--format", "--flatten", "--filter", "--enabled", "--cluster", "--iam-account",
		"--managed-by", "--output-file", "--member", "--role", "--condition", "--display-name", "--quiet", "--activity-type", "--limit", "--query-filter")
	if err != nil {
		return "", err
	}
	if flags["--project"] == "" {
		return "", usageError("every call needs --project")
	}
	if shape := shapeOf(words, flags); !strings.Contains("\n"+gcloudCommands, "\n"+shape+"\n") {
		return "", usageError("unrecognized arguments: " + shape)
	}
	command := strings.Join(words, " ")
	match := func(prefix string, count int) ([]string, bool) {
		rest, ok := strings.CutPrefix(command, prefix)
		fields := strings.Fields(rest)
		return fields, ok && len(fields) == count
	}
	if rest, ok := match("container clusters describe", 1); ok {
		k := c.Clusters[flags["--project"]+"/"+flags["--location"]+"/"+rest[0]]
		if k == nil {
			return "", fmt.Errorf("(gcloud.container.clusters.describe) ResponseError: code=404, message=Not found")
		}
		return format(flags, map[string]any{"endpoint": k.Endpoint, "autopilot": map[string]any{"enabled": k.Autopilot},
			"workloadIdentityConfig": map[string]any{"workloadPool": k.Pool}})
	}
	if _, ok := match("container node-pools list", 0); ok {
		k := c.Clusters[flags["--project"]+"/"+flags["--location"]+"/"+flags["--cluster"]]
		var rows []any
		for name, mode := range k.NodePools {
			config := map[string]any{"workloadMetadataConfig": map[string]any{"mode": mode}, "labels": k.PoolLabels[name]}
			var taints []any
			for _, t := range k.PoolTaints[name] {
				key, rest, _ := strings.Cut(t, "=")
				value, effect, _ := strings.Cut(rest, ":")
				taint := map[string]any{"key": key, "effect": map[string]string{"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}[effect]}
				if value != "" {
					taint["value"] = value
				}
				taints = append(taints, taint)
			}
			config["taints"] = taints
			rows = append(rows, map[string]any{"name": name, "config": config})
		}
		return format(flags, rows...)
	}
	if _, ok := match("services list", 0); ok {
		want := strings.TrimPrefix(flags["--filter"], "config.name=")
		if slices.Contains(c.APIs[flags["--project"]], want) {
			return want + "\n", nil
		}
		return "", nil
	}
	if _, ok := match("policy-intelligence query-activity", 0); ok {
		m := regexp.MustCompile(`^activities\.full_resource_name="([^"]+)"$`).FindStringSubmatch(flags["--query-filter"])
		if m == nil {
			return "", usageError("bad filter")
		}
		a, ok := c.Activity[m[1]]
		parts := strings.Split(m[1], "/")
		if account := c.Accounts[parts[6]]; ok && account != nil {
			for _, k := range account.Keys {
				ok = ok && !(k.ID == parts[8] && k.Disabled) // a disabled key vanishes
			}
		}
		if !ok {
			return "", nil
		}
		row := map[string]any{"fullResourceName": m[1], "observationPeriod": map[string]any{"startTime": a.From, "endTime": a.To}, "activity": map[string]any{}}
		if a.Last != "" {
			row["activity"] = map[string]any{"lastAuthenticatedTime": a.Last}
		}
		return format(flags, row)
	}
	for _, verb := range []string{"get-iam-policy", "add-iam-policy-binding", "remove-iam-policy-binding"} {
		if rest, ok := match("iam service-accounts "+verb, 1); ok {
			a := c.Accounts[rest[0]]
			if a == nil {
				return "", fmt.Errorf("PERMISSION_DENIED")
			}
			return policy(&a.Policy, verb, flags)
		}
		if rest, ok := match("projects "+verb, 1); ok {
			p := c.Projects[rest[0]]
			out, err := policy(&p, verb, flags)
			if c.Projects == nil {
				c.Projects = map[string][]policyBinding{}
			}
			c.Projects[rest[0]] = p
			return out, err
		}
	}
	if rest, ok := match("iam service-accounts describe", 1); ok {
		a := c.Accounts[rest[0]]
		if a == nil {
			return "", fmt.Errorf("PERMISSION_DENIED")
		}
		return format(flags, map[string]any{"uniqueId": a.UniqueID})
	}
	if rest, ok := match("iam service-accounts create", 1); ok {
		email := rest[0] + "@" + flags["--project"] + ".iam.gserviceaccount.com"
		if c.Accounts[email] != nil {
			return "", fmt.Errorf("ALREADY_EXISTS")
		}
		c.Accounts[email] = &gsa{Project: flags["--project"], UniqueID: fmt.Sprint(1000 + len(c.Accounts))}
		return "", nil
	}
	if rest, ok := match("iam service-accounts delete", 1); ok {
		if _, quiet := flags["--quiet"]; !quiet || c.Accounts[rest[0]] == nil {
			return "", fmt.Errorf("not deleted")
		}
		delete(c.Accounts, rest[0])
		return "", nil
	}
	return c.keys(command, flags, match)
}

func (c *cloud) keys(command string, flags map[string]string, match func(string, int) ([]string, bool)) (string, error) {
	a := c.Accounts[flags["--iam-account"]]
	if a == nil {
		return "", fmt.Errorf("PERMISSION_DENIED for %s", command)
	}
	find := func(id string) *gsaKey {
		for _, k := range a.Keys {
			if k.ID == id {
				return k
			}
		}
		return nil
	}
	if _, ok := match("iam service-accounts keys list", 0); ok {
		var rows []any
		for _, k := range a.Keys {
			row := map[string]any{"name": "projects/" + a.Project + "/serviceAccounts/" + flags["--iam-account"] + "/keys/" + k.ID, "validBeforeTime": k.Expires}
			if k.Disabled {
				row["disabled"], row["disableReason"] = true, k.Reason
			}
			rows = append(rows, row)
		}
		return format(flags, rows...)
	}
	for _, verb := range []string{"disable", "enable", "delete"} {
		rest, ok := match("iam service-accounts keys "+verb, 1)
		if !ok {
			continue
		}
		k := find(rest[0])
		if k == nil {
			return "", fmt.Errorf("NOT_FOUND")
		}
		switch verb {
		case "disable":
			k.Disabled, k.Reason = true, "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
		case "enable":
			k.Disabled, k.Reason = false, ""
		default:
			if _, quiet := flags["--quiet"]; !quiet {
				return "", fmt.Errorf("aborted: it asks, and nobody answers")
			}
			a.Keys = slices.DeleteFunc(a.Keys, func(o *gsaKey) bool { return o == k })
		}
		return "", nil
	}
	if rest, ok := match("beta iam service-accounts keys get-public-key", 1); ok {
		k := find(rest[0])
		if k == nil {
			return "", fmt.Errorf("NOT_FOUND")
		}
		return "", os.WriteFile(flags["--output-file"], []byte(k.PEM), 0o600)
	}
	return "", usageError("Invalid choice: " + command)
}

func policy(bindings *[]policyBinding, verb string, flags map[string]string) (string, error) {
	var want *condition
	switch text := flags["--condition"]; {
	case text == "" && verb != "get-iam-policy" && slices.ContainsFunc(*bindings, func(b policyBinding) bool { return b.Condition != nil }):
		return "", fmt.Errorf("prohibited in non-interactive mode. Run the command again with `--condition=None`")
	case text != "" && text != "None":
		delimiter := ","
		if rest, ok := strings.CutPrefix(text, "^"); ok {
			delimiter, text, _ = strings.Cut(rest, "^")
		}
		want = &condition{}
		for _, part := range strings.Split(text, delimiter) {
			name, value, _ := strings.Cut(part, "=")
			switch name {
			case "title":
				want.Title = value
			case "expression":
				want.Expression = value
			default:
				return "", usageError("bad condition")
			}
		}
	}
	same := func(b policyBinding) bool {
		return b.Role == flags["--role"] && (b.Condition == nil) == (want == nil) && (want == nil || *b.Condition == *want)
	}
	switch verb {
	case "add-iam-policy-binding":
		for i, b := range *bindings {
			if same(b) {
				if !slices.Contains(b.Members, flags["--member"]) {
					(*bindings)[i].Members = append(b.Members, flags["--member"])
				}
				return "", nil
			}
		}
		*bindings = append(*bindings, policyBinding{Role: flags["--role"], Members: []string{flags["--member"]}, Condition: want})
		return "", nil
	case "remove-iam-policy-binding":
		for i, b := range *bindings {
			if same(b) && slices.Contains(b.Members, flags["--member"]) {
				(*bindings)[i].Members = slices.DeleteFunc(b.Members, func(m string) bool { return m == flags["--member"] })
				return "", nil
			}
		}
		return "", fmt.Errorf("policy binding with the specified member and role not found")
	}
	if flags["--flatten"] != "bindings[].members" {
		return "", usageError("bad --flatten")
	}
	var rows []any
	for _, b := range *bindings {
		for _, m := range b.Members {
			row := map[string]any{"role": b.Role, "members": m}
			if b.Condition != nil {
				row["condition"] = map[string]any{"title": b.Condition.Title, "expression": b.Condition.Expression}
			}
			rows = append(rows, map[string]any{"bindings": row})
		}
	}
	return format(flags, rows...)
}

// format does what --format=value[separator="|"](a.b,c.basename()) does.
func format(flags map[string]string, rows ...any) (string, error) {
	m := regexp.MustCompile(`^value(?:\[separator="(.)"\])?\((.*)\)$`).FindStringSubmatch(flags["--format"])
	if m == nil {
		return "", usageError("bad --format " + flags["--format"])
	}
	separator := m[1]
	if separator == "" {
		separator = "\t"
	}
	var out strings.Builder
	for _, row := range rows {
		var cells []string
		for _, field := range strings.Split(m[2], ",") {
			field, base := strings.CutSuffix(field, ".basename()")
			var value any = row
			field, each, list := strings.Cut(field, "[].")
			for _, key := range strings.Split(field, ".") {
				object, _ := value.(map[string]any)
				value = object[key]
			}
			if items, _ := value.([]any); list {
				var texts []string
				for _, item := range items {
					text, _ := item.(map[string]any)[each].(string)
					texts = append(texts, text)
				}
				value = strings.Join(texts, ";")
			}
			text := ""
			switch v := value.(type) {
			case nil:
			case map[string]string:
				var pairs []string
				for _, key := range slices.Sorted(maps.Keys(v)) {
					pairs = append(pairs, key+"="+v[key])
				}
				text = strings.Join(pairs, ";")
			case bool:
				text = map[bool]string{true: "True", false: "False"}[v]
			default:
				text = fmt.Sprint(v)
			}
			if base {
				text = text[strings.LastIndex(text, "/")+1:]
			}
			cells = append(cells, text)
		}
		out.WriteString(strings.Join(cells, separator) + "\n")
	}
	return out.String(), nil
}
