package planner

import (
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
)

// judge finds every reason to hold the uses of a workload, short of the ones that depend on its service account.
func (w *world) judge(x *work) {
	for _, u := range x.uses {
		w.judgeUse(x, u)
	}
	for _, u := range x.pulls {
		w.judgePull(x, u)
	}
	if len(x.uses) == 0 {
		return
	}
	w.judgeExclusions(x)
	w.judgeElsewhere(x)
	w.judgeMounts(x)
	if x.twice {
		x.problems = append(x.problems, problem{code: HoldConflict, reason: "the input has several definitions of it"})
	}
	w.judgeObject(x)
	w.judgeNames(x)
	w.judgeNamespace(x)
	w.judgeAccounts(x)
}

// judgeUse says what becomes of one finding by its own: the contract's table of vias.
func (w *world) judgeUse(x *work, u *use) {
	for i := range u.Hold {
		o := &u.Hold[i]
		u.hold(x, o.Code, o.What, o.At)
	}
	w.judgeKey(x, u)
	if x.ref.Kind == "" {
		if len(u.problems) == 0 {
			u.problems = append(u.problems, problem{code: HoldTemplate, reason: "the finding belongs to no object that could be read"})
		}
		return // nothing else is known about a template or an encrypted file
	}
	switch u.Via {
	case scanner.EnvFile:
		if !u.Standard && len(u.Recipe) == 0 {
			u.hold(x, HoldProgramReadsKey, fmt.Sprintf("no client library reads the variable %s by itself: the program does", quoted(u.Env)), nil)
		}
	case scanner.ArgFile:
		if len(u.Recipe) == 0 {
			u.hold(x, HoldProgramReadsKey, fmt.Sprintf("the program is given the key file by %s, and the catalogue knows no way to run it without", quoted(u.Field)), nil)
			w.judgeEmbedded(x, u)
		}
	case scanner.Mount:
		if !u.Standard {
			u.hold(x, HoldProgramReadsKey, "the key is mounted and nothing in the manifest names the file: the program knows the path", nil)
		}
	case scanner.EnvValue:
		u.hold(x, HoldProgramReadsKey, fmt.Sprintf("the variable %s holds the key itself: the program parses it", quoted(u.Env)), nil)
	case scanner.EnvFrom:
		u.hold(x, HoldProgramReadsKey, "the key comes with every entry of the Secret as a variable: the program parses it", nil)
		w.judgeEnvFrom(x, u)
	case scanner.Inline:
		u.problems = append(u.problems, problem{code: HoldProgramReadsKey, reason: "the key stands written out in the object: no line with key material is edited"})
	case scanner.Reference:
		w.judgeReference(x, u)
	default:
		u.problems = append(u.problems, problem{code: HoldNoRecipe, reason: fmt.Sprintf("no way out is known for the use %s", quoted(string(u.Via)))})
	}
}

// judgeEmbedded holds a flag that stands inside a longer text, answered or not: no edit by path takes it out.
func (w *world) judgeEmbedded(x *work, u *use) {
	if u.Embedded || len(u.At) == 0 {
		u.problems = append(u.problems, problem{code: HoldNotProvable, reason: "the flag stands inside a longer text, which is edited by hand"})
	}
}

// judgeEnvFrom holds a whole Secret taken as variables, answered or not, when it has (or may have) other entries.
func (w *world) judgeEnvFrom(x *work, u *use) {
	secret := w.secrets[name{u.Secret.Namespace, u.Secret.Name}]
	only := secret != nil && secret.Read && len(secret.Entries) > 0
	if only {
		for _, e := range secret.Entries {
			only = only && e.Holds == scanner.Yes
		}
	}
	if !only {
		u.problems = append(u.problems, problem{code: HoldNotProvable, reason: "the Secret may have other entries, which the program would lose with this one"})
	}
}

func (w *world) judgeReference(x *work, u *use) {
	switch {
	case slices.ContainsFunc(u.Hold, func(o scanner.Obstacle) bool { return codesContain(u.problems, o.Code) }):
		// What the catalogue says is better than that it knows no way out.
	case len(u.Recipe) == 0 || u.Embedded:
		u.problems = append(u.problems, problem{code: HoldNoRecipe, reason: fmt.Sprintf("the catalogue has no keyless way for %s of %s", quoted(u.Field), quoted(x.ref.Kind))})
	}
}

// judgeKey holds what the key itself forbids.
func (w *world) judgeKey(x *work, u *use) {
	if u.key == nil {
		return
	}
	if u.key.Type == scanner.TypeAuthorizedUser {
		u.problems = append(u.problems, problem{code: HoldUserCredential, reason: "the credential is a person's refresh token: no service account acts as a person"})
		return
	}
	fact := w.facts[u.key.ID]
	switch {
	case fact == nil:
	case fact.Verdict == scanner.VerdictForeign:
		u.problems = append(u.problems, problem{code: HoldKeyNotOwned, reason: fmt.Sprintf("the key is none of %s: whoever wrote its e-mail into the Secret does not have its access", quoted(u.email))})
	case fact.Verdict == scanner.VerdictMalformed:
		u.problems = append(u.problems, problem{code: HoldKeyNotOwned, reason: "the key can not be compared with the account's: it is malformed"})
	case gone(fact.Verdict):
		u.hold(x, HoldKeyNotLive, fmt.Sprintf("Google says of the key: %s; a grant would give back access that is gone", fact.Verdict), nil)
	}
}

// judgePull holds an image pull: the kubelet pulls, with the node's service account.
func (w *world) judgePull(x *work, u *use) {
	for i := range u.Hold {
		u.problems = append(u.problems, problem{code: u.Hold[i].Code, reason: u.Hold[i].What, at: u.Hold[i].At})
	}
	u.problems = append(u.problems, problem{code: HoldImagePull, reason: "images are pulled by the kubelet with the node's service account, not with the pod's"})
	if !w.validNames(x, u) {
		u.problems = append(u.problems, problem{code: HoldInvalidName, reason: "a name is none that Kubernetes would accept"})
	}
}

// judgeObject holds what cannot or must not be edited here.
func (w *world) judgeObject(x *work) {
	if x.ref.Kind == "" {
		return
	}
	if x.obj == nil {
		if needsPods(x) {
			x.hold(HoldNotProvable, "the object's pods were not read")
		}
		return
	}
	o := x.obj
	if o.Conflict != "" {
		x.problems = append(x.problems, problem{code: HoldConflict, reason: o.Conflict})
	}
	if o.Generated != "" {
		x.hold(HoldGenerated, "the file is written by "+o.Generated)
	}
	if !w.inCheckout(o.Origins) && len(o.Managers) > 0 {
		x.hold(HoldManagedElsewhere, "the live object is claimed by "+strings.Join(o.Managers, ", ")+", and its source is not in the input")
	} else if slices.Contains(o.Managers, "gke") {
		x.hold(HoldManagedElsewhere, "GKE itself manages the object")
	}
	for _, id := range w.clustersOf(x) {
		if w.clusters[id].GKE == scanner.No {
			x.hold(HoldNotGKE, fmt.Sprintf("the cluster %s is none of GKE's: no metadata server answers there", quoted(w.clusters[id].ID)))
			break
		}
	}
	w.judgePods(x)
}

// judgePods holds what the pod templates forbid.
func (w *world) judgePods(x *work) {
	host := x.obj.HostNetwork
	for _, p := range x.obj.PodSpecs {
		host = host || p.HostNetwork
		for _, c := range p.Containers {
			if x.usesNode(&c) {
				x.hold(HoldMetadataIdentity, fmt.Sprintf("the container %s has no key and is known to use the metadata server: today it is the node there, after the move the account", quoted(c.Name)))
			}
		}
	}
	if host {
		w.judgeHostNetwork(x)
	}
}

// usesNode says whether the container is known to use the metadata server and has no key.
func (x *work) usesNode(c *scanner.Container) bool {
	verdict, _, _ := strings.Cut(c.Metadata, ":") // the reason follows
	return verdict == "used" && !x.usesIn(c.Name)
}

// usesIn says whether a use stands in the container.
func (x *work) usesIn(container string) bool {
	return slices.ContainsFunc(x.uses, func(u *use) bool { return u.Container == container })
}

// needsPods says whether a use stands in a pod template.
func needsPods(x *work) bool {
	return slices.ContainsFunc(x.uses, func(u *use) bool { return u.Via != scanner.Reference && u.Via != scanner.Inline })
}

// judgeExclusions holds what the policy file takes out of the plan.
func (w *world) judgeExclusions(x *work) {
	if x.rule != nil && x.rule.Hold != "" {
		x.problems = append(x.problems, problem{code: HoldExcluded, reason: "held by the policy: " + x.rule.Hold})
		return
	}
	for _, e := range w.policy.Exclude {
		if e.Code != "" || e.Expired(w.policy.Now) {
			continue
		}
		if x.ref.Kind == "" {
			for _, u := range x.uses { // templates: each is a place of its own
				if e.Path != "" && standsIn(e.Path, u.Origins) {
					u.problems = append(u.problems, problem{code: HoldExcluded, reason: e.text()})
				}
			}
			continue
		}
		if e.Workload != "" && matchRef(e.Workload, x.ref) || e.Path != "" && x.standsIn(e.Path) {
			x.problems = append(x.problems, problem{code: HoldExcluded, reason: e.text()})
			return
		}
	}
}

func (w *world) judgeNames(x *work) {
	if x.ref.Kind == "" {
		return // a template: nothing in it was read
	}
	for _, u := range x.uses {
		if !w.validNames(x, u) {
			u.problems = append(u.problems, problem{code: HoldInvalidName, reason: w.invalidName(x, u) + ", which Kubernetes or Google would not accept"})
		}
	}
}

func (w *world) validNames(x *work, u *use) bool { return w.invalidName(x, u) == "" }

// invalidName says which name is none, or "".
func (w *world) invalidName(x *work, u *use) string {
	switch {
	case !validKind(x.ref):
		return "the kind is " + quoted(x.ref.APIVersion+" "+x.ref.Kind)
	case x.ref.Namespace != "" && !ValidNamespace(x.ref.Namespace):
		return "the namespace is " + quoted(x.ref.Namespace)
	case !validObject(x.ref.Name):
		return "the object's name is " + quoted(x.ref.Name)
	case x.ksa.name != "" && !ValidName(x.ksa.name):
		return "the service account is " + quoted(x.ksa.name)
	case x.ksa.namespace != "" && !ValidNamespace(x.ksa.namespace):
		return "the service account's namespace is " + quoted(x.ksa.namespace)
	case u.Container != "" && (!ValidNamespace(u.Container)):
		return "the container is " + quoted(u.Container)
	case u.Secret.Namespace != "" && !ValidNamespace(u.Secret.Namespace):
		return "the Secret's namespace is " + quoted(u.Secret.Namespace)
	case u.Secret.Kind == "Secret" && u.Secret.Name != "" && !ValidName(u.Secret.Name):
		return "the Secret is " + quoted(u.Secret.Name)
	case u.Secret.Kind == "Secret" && u.Secret.Entry != "" && !ValidSecretEntry(u.Secret.Entry):
		return "the Secret's entry is " + quoted(u.Secret.Entry)
	case u.email != "" && !ValidEmail(u.email):
		return "the account is " + quoted(u.email)
	case u.key != nil && u.key.Project != "" && !ValidProject(u.key.Project):
		return "the key's project is " + quoted(u.key.Project)
	}
	return ""
}

func (w *world) judgeNamespace(x *work) {
	if x.ref.Kind == "" || x.ksa.name == "" {
		return // nothing of it runs under a service account that is known
	}
	if x.ksa.namespace == "" {
		x.hold(HoldNamespaceUnknown, "the manifest names no namespace, and the grant does")
	}
}

func (w *world) judgeAccounts(x *work) {
	if x.ref.Kind == "" {
		return
	}
	for _, u := range x.uses {
		if u.email == "" && (u.key == nil || u.key.Type != scanner.TypeAuthorizedUser) && !codesContain(u.problems, HoldAccountUnknown) {
			u.problems = append(u.problems, problem{code: HoldAccountUnknown, reason: "nothing that was read says whose key is in " + quoted(u.Secret.Namespace+"/"+u.Secret.Name)})
		}
	}
	if len(x.emails) > 1 && len(w.seenIn(x)) > 1 && x.disagrees() {
		x.problems = append(x.problems, problem{code: HoldConflict, reason: "the same use has keys of " + strings.Join(x.emails, " and ") + " in different clusters, and the same NAMESPACE/NAME would act as both"})
		return
	}
	if len(x.emails) > 1 {
		x.problems = append(x.problems, problem{code: HoldSeveralAccounts, reason: "the pod has keys of " + strings.Join(x.emails, " and ") + ", and a pod acts as one account only"})
	}
}

// judgeElsewhere holds variables of ConfigMaps that cannot be taken out.
func (w *world) judgeElsewhere(x *work) {
	for _, u := range x.uses {
		if u.Elsewhere != nil && u.Via == scanner.EnvFile && len(u.Recipe) == 0 && len(u.At) == 0 && !w.soleReader(x, *u.Elsewhere) && x.container(u) == nil {
			u.problems = append(u.problems, problem{code: HoldNotProvable, reason: "the variable comes from a ConfigMap that others read, and the container was not read"})
		}
		if u.Elsewhere == nil && len(u.At) == 0 && len(u.Recipe) == 0 && u.Via == scanner.EnvFile && len(u.problems) == 0 {
			u.problems = append(u.problems, problem{code: HoldNotProvable, reason: "where the variable is written is not known"})
		}
	}
}

// disagrees says whether one use has keys of several accounts: what merged inventories see differently.
func (x *work) disagrees() bool {
	type what struct {
		container, named string
		via              scanner.Via
		secret           scanner.Holder
	}
	seen := make(map[what]string)
	for _, u := range x.uses {
		key := what{u.Container, u.Env + u.Field, u.Via, u.Secret}
		if other, found := seen[key]; found && other != u.email {
			return true
		}
		seen[key] = u.email
	}
	return false
}

func codesContain(problems []problem, code string) bool {
	return slices.ContainsFunc(problems, func(p problem) bool { return p.code == code })
}

// quoted makes a text of the input visible and harmless in a reason.
func quoted(s string) string { return fmt.Sprintf("%q", s) }
