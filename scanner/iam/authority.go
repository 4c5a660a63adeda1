package iam

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"dekey/scanner"
)

// connectorGroup are the resources of Config Connector that keep policies, and the accounts that these name.
var connectorGroup = []byte("iam.cnrm.cloud.google.com")

// Keeps says whether a manifest, or a document of one, has to be decoded for what keeps allow policies.
func Keeps(text []byte) bool { return bytes.Contains(text, connectorGroup) }

// OfConnector says whether an object is one of those.
func OfConnector(o *scanner.Object) bool { return o.Ref.Group() == string(connectorGroup) }

// Authorities are what keeps allow policies as a whole, sorted, each once: Terraform's _binding and _policy, Config
// Connector's IAMPolicy, set-iam-policy. A module that is not in the checkout is among them with every account that it is
// given, because it can.
func (f Facts) Authorities() []scanner.Authority {
	var list []scanner.Authority
	for _, g := range f.Grants {
		if g.Mode == Additive {
			continue
		}
		role := g.Role
		if g.Mode == Policy {
			role = ""
		}
		list = append(list, authority(g.At, g.Target, g.Name, role))
	}
	for _, o := range f.Opaque {
		for _, value := range o.Values {
			if name := AccountName(value); name.Has("@") && name.Has("gserviceaccount.com") {
				if _, email, found := name.Cut("serviceAccount:"); found {
					name = email
				}
				list = append(list, authority(o.At, "", name, ""))
			}
		}
	}
	slices.SortFunc(list, scanner.Authority.Compare)
	return slices.CompactFunc(list, func(a, b scanner.Authority) bool { return a.Compare(b) == 0 })
}

// expression is how a hole of Terraform is named that no one thing hides: by its place.
var expression = regexp.MustCompile(`^([0-9]+:)*expression$`)

func authority(at At, target string, name, role Value) scanner.Authority {
	a := scanner.Authority{Owner: at.What, Target: target, Name: name.pattern(), Role: role.pattern(), Origin: at.Block}
	for _, v := range []Value{name, role} {
		for _, hole := range v.Holes() {
			name := strings.Trim(Hidden(hole).String(), "${}")
			if expression.MatchString(name) {
				name = "an expression"
			}
			a.Hides = append(a.Hides, name)
		}
	}
	slices.Sort(a.Hides)
	a.Hides = slices.Compact(a.Hides)
	return a
}

// pattern writes a Value with * for what is hidden. No name has one of its own.
func (v Value) pattern() string {
	parts := v.parts()
	for i := range parts {
		if parts[i] = strings.ReplaceAll(parts[i], "*", "?"); i%2 == 1 {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "")
}
