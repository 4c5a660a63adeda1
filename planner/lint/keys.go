package lint

import (
	"fmt"
	"strings"

	"dekey/scanner"
	"dekey/scanner/iam"
)

// wiring reports every use of a key, and variables that name a file that nothing brings.
func (w *world) wiring() {
	for _, f := range w.Inventory.Findings {
		if f.Workload.Kind == "" || f.Via == scanner.Inline {
			continue // a template that is not filled in; a key that is reported where it is written
		}
		at := iam.At{What: f.Workload.String(), Origin: first(f.Origins)}
		if len(f.Origins) > 0 {
			at.Block = f.Origins[0]
		}
		named := f.Env
		if named == "" {
			named = f.Field
		}
		detail := strings.Join([]string{f.Container, string(f.Via), named, f.Secret.Name, f.Secret.Entry}, "\x00")
		if why := f.Unproven(); why != "" {
			w.doubt(RuleKeyWiring, at, detail, why).addBlocks(w.workloadOrigins(f.Workload))
			continue
		}
		if missing(f) {
			w.report(RuleVariableWithoutFile, at, detail, fmt.Sprintf("%s of container %s names %s, and nothing in the object brings that file", named, f.Container, f.Path)).
				addBlocks(w.workloadOrigins(f.Workload))
			continue
		}
		w.report(RuleKeyWiring, at, detail, wired(f, named)).addBlocks(w.workloadOrigins(f.Workload))
	}
	for _, a := range w.Facts.Activation {
		w.report(RuleKeyWiring, a.At, a.How, a.What+" "+a.How)
	}
}

// addBlocks adds places whose comments speak of the violation.
func (v *Violation) addBlocks(origins []scanner.Origin) { v.blocks = append(v.blocks, origins...) }

func (w *world) workloadOrigins(ref scanner.Ref) []scanner.Origin {
	for _, x := range w.Inventory.Workloads {
		if x.Ref == ref {
			return x.Origins
		}
	}
	return nil
}

func first(origins []scanner.Origin) scanner.Origin {
	if len(origins) == 0 {
		return scanner.Origin{}
	}
	return origins[len(origins)-1]
}

// missing says that a finding names a file that nothing brings. A job of Prow gets files from presets, a path may still be
// to be filled in from elsewhere, and what lies on a node's disk or a claim is there.
func missing(f scanner.Finding) bool {
	return strings.HasPrefix(f.Path, "/") && !strings.Contains(f.Path, "$") && f.Workload.Kind != "ProwJob" && f.Dangling() && !f.FilledElse()
}

// wired says how a key is used.
func wired(f scanner.Finding, named string) string {
	secret := "a key"
	if f.Secret.Name != "" {
		secret = f.Secret.Kind + " " + f.Secret.Name
	}
	who := "it"
	if f.Container != "" {
		who = "container " + f.Container
	}
	switch f.Via {
	case scanner.EnvFile, scanner.ArgFile:
		if f.FilledElse() {
			return fmt.Sprintf("%s gets at a key: %s names %s, in a volume that no Secret fills", who, named, f.Path)
		}
		if f.Path != "" {
			return fmt.Sprintf("%s gets at %s: %s names %s", who, secret, named, f.Path)
		}
		return fmt.Sprintf("%s gets at %s by %s", who, secret, named)
	case scanner.EnvValue, scanner.EnvFrom:
		return fmt.Sprintf("%s has %s in its environment (%s)", who, secret, named)
	case scanner.Mount:
		return fmt.Sprintf("%s mounts %s (volume %s)", who, secret, f.Volume)
	case scanner.ImagePull:
		return fmt.Sprintf("images are pulled with the key in %s", secret)
	case scanner.Reference:
		return fmt.Sprintf("the field %s names %s as a key", named, secret)
	}
	return fmt.Sprintf("%s uses %s", who, secret)
}

// keys reports key files, and keys written out in manifests.
func (w *world) keys() {
	for _, k := range w.Inventory.Keys {
		whose := "a key"
		switch {
		case k.Type == scanner.TypeAuthorizedUser:
			whose = "a person's refresh token"
		case k.Email != "":
			whose = "a key of " + k.Email
		}
		for _, c := range k.Copies {
			if c.Origin.Path == "" {
				continue
			}
			if c.Holder.Kind == "File" {
				w.report(RuleKeyFile, iam.At{What: c.Holder.Name, Origin: c.Origin, Block: c.Origin}, k.ID, "the file is "+whose)
				continue
			}
			object := scanner.Ref{Kind: c.Holder.Kind, Namespace: c.Holder.Namespace, Name: c.Holder.Name}.String()
			w.report(RuleKeyInManifest, iam.At{What: object, Origin: c.Origin, Block: c.Origin}, k.ID+c.Holder.Entry,
				fmt.Sprintf("%s stands in %s", whose, strings.TrimSpace(object+" "+c.Holder.Entry)))
		}
	}
}

// history reports keys in earlier commits.
func (w *world) history() {
	for _, k := range w.History {
		whose := "a key"
		if k.Email != "" {
			whose = "a key of " + k.Email
		}
		commit := k.Commit[:min(len(k.Commit), 12)]
		w.report(RuleKeyInHistory, iam.At{What: k.Path, Origin: scanner.Origin{Source: k.Source, Path: k.Path}}, k.Key,
			fmt.Sprintf("commit %s holds %s in this file: everyone who can clone the repository has it", commit, whose))
	}
}

// keyResources reports what makes new keys.
func (w *world) keyResources() {
	for _, k := range w.Facts.Keys {
		text := k.What + " makes a key"
		if k.Account != "" && !k.Account.Wholly() {
			text += " of " + k.Account.String()
		}
		w.report(RuleKeyResource, k.At, k.What, text)
	}
}

// names reports pod specs whose two spellings of the service account differ.
func (w *world) names() {
	for _, c := range w.Facts.Conflicts {
		w.report(RuleServiceAccountNames, c.At, c.Name+"\x00"+c.Obsolete,
			fmt.Sprintf("serviceAccountName is %s and serviceAccount is %s: the pod runs under the first, and the second misleads", c.Name, c.Obsolete))
	}
}
