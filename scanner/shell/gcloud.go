package shell

import (
	"slices"
	"strconv"
	"strings"

	"dekey/scanner/iam"
	"dekey/scanner/object"
)

func itoa(n int) string { return strconv.Itoa(n) }

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// A call is one command line of gcloud or kubectl, without its first word.
type call struct {
	*reader
	origin  object.Origin
	words   []iam.Value
	origins []object.Origin // of the words, where they are known

	positional []iam.Value
	flags      map[string]iam.Value
	flagAt     map[string]object.Origin
}

// withValue are the flags that take the next word as their value.
var withValue = []string{"--member", "--role", "--condition", "--condition-from-file", "--project", "--iam-account", "--workload-pool", "--location",
	"--region", "--zone", "--cluster", "--keyring", "--key-file", "--display-name", "--description", "--format", "--account", "--namespace", "-n", "--context",
	"--kubeconfig", "--impersonate-service-account", "--verbosity", "--filter", "--key-file-type", "--cred-file"}

// split tells flags from words.
func (c *call) split() {
	c.flags, c.flagAt = map[string]iam.Value{}, map[string]object.Origin{}
	place := func(i int) object.Origin {
		if i < len(c.origins) {
			return c.origins[i]
		}
		return c.origin
	}
	for i := 0; i < len(c.words); i++ {
		word := c.words[i]
		if !strings.HasPrefix(string(word), "-") {
			c.positional = append(c.positional, word)
			continue
		}
		name, value, found := word.Cut("=")
		if !name.Known() {
			continue
		}
		flag := string(name)
		at := place(i)
		if !found && slices.Contains(withValue, flag) && i+1 < len(c.words) {
			i++
			value, at = c.words[i], place(i)
		}
		c.flags[flag], c.flagAt[flag] = value, at
	}
}

func (c *call) at(what string) iam.At {
	return iam.At{Language: iam.Gcloud, What: what, Origin: c.origin, Block: c.origin}
}

// groups are the commands that have a policy, by their words, with the kind of target.
var groups = map[string]string{
	"iam service-accounts": iam.TargetAccount, "projects": iam.TargetProject, "resource-manager folders": iam.TargetFolder,
	"organizations": iam.TargetOrganization, "storage buckets": iam.TargetBucket,
}

// gcloud reads what a gcloud command says.
// https://cloud.google.com/sdk/gcloud/reference
func (c *call) gcloud() {
	c.split()
	var verbs []string
	for len(c.positional) > len(verbs) && len(verbs) < 5 {
		word := c.positional[len(verbs)]
		if !word.Known() {
			break
		}
		verbs = append(verbs, string(word))
	}
	if len(verbs) > 0 && (verbs[0] == "alpha" || verbs[0] == "beta") {
		verbs, c.positional = verbs[1:], c.positional[1:]
	}
	line := strings.Join(verbs, " ")
	switch {
	case strings.HasPrefix(line, "iam service-accounts keys create") || strings.HasPrefix(line, "iam service-accounts keys upload"):
		c.facts.Keys = append(c.facts.Keys, iam.Key{At: c.at("gcloud iam service-accounts keys " + verbs[3]), Account: c.flags["--iam-account"]})
	case strings.HasPrefix(line, "iam service-accounts create") && len(c.positional) > 3:
		c.create(c.positional[3])
	case strings.HasPrefix(line, "auth activate-service-account"):
		c.activate()
	case strings.HasPrefix(line, "container clusters ") && c.flags["--workload-pool"] != "":
		at := c.at("gcloud container clusters")
		at.Origin = c.flagAt["--workload-pool"]
		c.facts.Pools = append(c.facts.Pools, iam.Pool{At: at, Name: c.flags["--workload-pool"]})
	default:
		for i, word := range verbs {
			if word == "add-iam-policy-binding" || word == "set-iam-policy" {
				c.grant(strings.Join(verbs[:i], " "), word, i)
				return
			}
		}
	}
}

func (c *call) project() iam.Value {
	if p, given := c.flags["--project"]; given {
		return p
	}
	return iam.Hidden(c.name + ":project")
}

func (c *call) create(name iam.Value) {
	c.facts.Accounts = append(c.facts.Accounts, iam.Account{
		At: c.at("gcloud iam service-accounts create"), Email: name + "@" + c.project() + ".iam.gserviceaccount.com",
	})
}

func (c *call) activate() {
	if c.task {
		return
	}
	c.facts.Activation = append(c.facts.Activation, iam.Activation{
		At: c.at("gcloud auth activate-service-account"), How: "hands a key file to gcloud",
	})
}

func (c *call) grant(group, verb string, at int) {
	g := iam.Grant{At: c.at("gcloud " + group + " " + verb), Mode: iam.Additive, Target: groups[group]}
	if g.Target == "" {
		g.Target = group
	}
	if len(c.positional) > at+1 {
		g.Name = c.positional[at+1]
	} else {
		g.Name = iam.Hidden(c.name + ":" + itoa(c.origin.Line) + " target")
	}
	switch g.Target {
	case iam.TargetAccount:
		g.Name = iam.AccountName(g.Name)
	case iam.TargetBucket:
		g.Name, _ = g.Name.CutPrefix("gs://")
	}
	if verb == "set-iam-policy" {
		g.Mode, g.More = iam.Policy, true
		c.facts.Grants = append(c.facts.Grants, g)
		return
	}
	g.Role = c.flags["--role"]
	if member, given := c.flags["--member"]; given {
		g.Members = []iam.Member{{Value: member, Origin: c.flagAt["--member"]}}
	} else {
		g.More = true
	}
	if condition, given := c.flags["--condition"]; given && !strings.EqualFold(string(condition), "none") {
		g.ConditionAt = c.flagAt["--condition"]
		if _, expression, found := condition.Cut("expression="); found {
			g.Condition = expression
		} else {
			g.Condition = iam.Hidden(c.name + ":" + itoa(c.origin.Line) + " condition")
		}
	}
	if _, given := c.flags["--condition-from-file"]; given {
		g.Condition, g.ConditionAt = iam.Hidden(c.name+":"+itoa(c.origin.Line)+" condition"), c.flagAt["--condition-from-file"]
	}
	c.facts.Grants = append(c.facts.Grants, g)
}

// kubectl reads the commands that make and annotate service accounts.
func (c *call) kubectl() {
	c.split()
	if len(c.positional) < 3 {
		return
	}
	verb, kind, name := c.positional[0], c.positional[1], c.positional[2]
	rest := c.positional[3:]
	if one, after, found := kind.Cut("/"); found {
		kind, name, rest = one, after, c.positional[2:]
	}
	switch kind {
	case "serviceaccount", "serviceaccounts", "sa":
	default:
		return
	}
	k := iam.KSA{At: c.at("kubectl " + string(verb) + " serviceaccount"), Name: name, Namespace: iam.Hidden(c.name + ":namespace")}
	for _, flag := range []string{"-n", "--namespace"} {
		if namespace, given := c.flags[flag]; given {
			k.Namespace = namespace
		}
	}
	switch verb {
	case "create":
	case "annotate":
		for _, pair := range rest {
			if key, value, found := pair.Cut("="); found && (!key.Known() || iam.Related(string(key), value.String())) {
				k.Annotations = append(k.Annotations, iam.Annotation{Key: key, Value: value, Origin: c.origin})
			}
		}
		if len(k.Annotations) == 0 {
			return
		}
	default:
		return
	}
	c.facts.KSAs = append(c.facts.KSAs, k)
}
