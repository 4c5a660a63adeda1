package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dekey/scanner"
	"dekey/scanner/object"
)

// The alternative for pods on the host network, which never get the GKE metadata server: a projected token of the service
// account and a credential configuration without a key. Client libraries exchange the token for the account's.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
const (
	tokenVolume     = "gcp-ksa"
	tokenMount      = "/var/run/secrets/tokens/gcp-ksa"
	tokenConfig     = "google-application-credentials.json"
	credentialsFile = "GOOGLE_APPLICATION_CREDENTIALS"
)

// projectedToken says whether the policy asks for the alternative for this workload.
func (w *world) projectedToken(x *work) bool {
	return w.policy.HostNetwork == "projected-token" || x.rule != nil && x.rule.Answers[HoldHostNetwork] == "projected-token"
}

// judgeHostNetwork holds pods on the host network, unless the alternative is asked for and can be written.
func (w *world) judgeHostNetwork(x *work) {
	const reason = "a pod on the host network gets the node's identity, not its service account's"
	if !w.projectedToken(x) {
		x.problems = append(x.problems, problem{code: HoldHostNetwork, reason: reason})
		return
	}
	if missing := w.tokenMissing(x); missing != "" {
		x.problems = append(x.problems, problem{code: HoldHostNetwork, reason: reason + "; a projected token is asked for, but " + missing})
		return
	}
	x.token = true
	if w.policy.HostNetwork == "" {
		x.answers[HoldHostNetwork] = true
	}
}

// tokenMissing says what the alternative lacks, "" where it can be written.
func (w *world) tokenMissing(x *work) string {
	switch {
	case !tokenFits(x):
		return "the key is used in another way than by " + credentialsFile
	case w.modelOf(x) != Impersonation:
		return "the direct model is asked for"
	case w.provider(x) == "":
		return "project, location and name of the one cluster are not known (--cluster)"
	}
	return ""
}

// tokenFits says whether a credential configuration can stand where the key stands.
func tokenFits(x *work) bool {
	return !slices.ContainsFunc(x.uses, func(u *use) bool { return u.Via != scanner.EnvFile || u.Env != credentialsFile || len(u.At) == 0 })
}

// provider is the URL of the identity provider that the workload's one cluster is, "" where that is not known.
func (w *world) provider(x *work) string {
	t := &x.target
	if len(t.clusters) != 1 || len(t.pools) != 1 {
		return ""
	}
	for _, r := range w.refs {
		if r.ID == t.clusters[0] && r.Name != "" {
			return fmt.Sprintf("https://container.googleapis.com/v1/projects/%s/locations/%s/clusters/%s", r.Project, r.Location, r.Name)
		}
	}
	return ""
}

// useToken are the edits that put the token and its configuration in the key's place. The variable stays, with another file.
func (w *world) useToken(x *work) []Edit {
	var edits []Edit
	for _, u := range x.uses {
		edits = append(edits, Edit{
			Object: x.ref, Op: OpSet, Field: u.At[0].Join(object.Key("value")), Value: tokenMount + "/" + tokenConfig, Why: "the variable points at the configuration without a key",
		})
	}
	config := shorten(x.target.name+"-google-credentials", 253)
	for i := range x.obj.PodSpecs {
		p := &x.obj.PodSpecs[i]
		if len(x.obj.PodSpecs) > 1 && !x.usesSpec(*p) {
			continue
		}
		edits = append(edits, x.unmount(p)...)
		edits = append(edits, Edit{Object: x.ref, Op: OpAppend, Field: p.Path.Join(object.Key("volumes")), Why: "the token and its configuration", Value: map[string]any{
			"name": tokenVolume,
			"projected": map[string]any{"sources": []any{
				map[string]any{"serviceAccountToken": map[string]any{"path": "token", "audience": x.target.pools[0].pool, "expirationSeconds": 3600}},
				map[string]any{"configMap": map[string]any{"name": config, "items": []any{map[string]any{"key": "config.json", "path": tokenConfig}}}},
			}},
		}})
	}
	for _, c := range x.keyContainers() {
		edits = append(edits, Edit{Object: x.ref, Op: OpAppend, Field: c.Field.Join(object.Key("volumeMounts")), Why: "the token and its configuration", Value: map[string]any{
			"name": tokenVolume, "mountPath": tokenMount, "readOnly": true,
		}})
	}
	return append(edits, w.credentialConfig(x, config))
}

// credentialConfig is the configuration as a ConfigMap. It holds no secret.
func (w *world) credentialConfig(x *work, name string) Edit {
	data, err := json.MarshalIndent(map[string]any{
		"type":                              "external_account",
		"audience":                          "identitynamespace:" + x.target.pools[0].pool + ":" + w.provider(x),
		"subject_token_type":                "urn:ietf:params:oauth:token-type:jwt",
		"token_url":                         "https://sts.googleapis.com/v1/token",
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + x.target.account + ":generateAccessToken",
		"credential_source":                 map[string]any{"file": tokenMount + "/token"},
	}, "", "  ")
	if err != nil {
		data = nil // texts only: cannot fail
	}
	ref := scanner.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: x.target.old.namespace, Name: name}
	return Edit{Object: ref, Op: OpCreate, Why: "the configuration without a key", Value: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace},
		"data": map[string]any{"config.json": strings.TrimRight(string(data), "\n") + "\n"},
	}}
}
