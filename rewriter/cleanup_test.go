package rewriter_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dekey/rewriter"
	"dekey/scanner/keyfile/keytest"
)

// The second stage takes away what held the key, prints none of it, and touches nothing that something else needs.
func TestCleanup(t *testing.T) {
	key := keytest.New("cleanup", account).JSON()
	encoded := base64.StdEncoding.EncodeToString(key)
	secret := func(more string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: api-key\n  namespace: shop\ndata:\n  key.json: " + encoded + "\n" + more
	}
	const external = `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: api-key
  namespace: shop
spec:
  data:
  - secretKey: key.json
    remoteRef: {key: api}
`
	for _, test := range []struct {
		name     string
		files    map[string]string
		accounts map[string]string
		want     map[string]string // what cleanup.patch makes of the merged checkout, "" for what is gone
		removals []string
		manual   []string
	}{
		{
			name:     "a Secret's own file is described, and not printed; the list of files is patched",
			files:    map[string]string{"api.yaml": named("api"), "secret.yaml": secret(""), "kustomization.yaml": "resources:\n- api.yaml\n- secret.yaml\n"},
			want:     map[string]string{"kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n"},
			removals: []string{"kustomization.yaml:3-3", "secret.yaml:1-7 whole key"},
		},
		{
			name:     "one document of several",
			files:    map[string]string{"all.yaml": secret("") + "---\n" + named("api")},
			removals: []string{"all.yaml:1-7 key"},
		},
		{
			name:     "a key among passwords: only the entry",
			files:    map[string]string{"api.yaml": named("api"), "secret.yaml": secret("  password: aHVudGVyMg==\n")},
			removals: []string{"secret.yaml:7-7 key"},
		},
		{
			name:     "what makes the Secret is patched",
			files:    map[string]string{"api.yaml": named("api"), "external.yaml": external},
			accounts: map[string]string{"shop": account},
			want:     map[string]string{"external.yaml": ""},
			removals: []string{"external.yaml:1-9 whole"},
		},
		{
			name: "another entry of an ExternalSecret stays",
			files: map[string]string{"api.yaml": strings.Replace(named("api"), "          secretName: api-key\n", "          secretName: api-key\n          items: [{key: key.json, path: key.json}]\n", 1),
				"external.yaml": external + "  - secretKey: password\n    remoteRef: {key: other}\n"},
			accounts: map[string]string{"shop": account},
			want:     map[string]string{"external.yaml": strings.Replace(external, "  - secretKey: key.json\n    remoteRef: {key: api}\n", "  - secretKey: password\n    remoteRef: {key: other}\n", 1)},
			removals: []string{"external.yaml:8-9"},
		},
		{
			name: "two entries of an ExternalSecret go, and the one behind them stays",
			files: map[string]string{
				"api.yaml":      strings.NewReplacer("          secretName: api-key\n", "          secretName: api-key\n          items: [{key: key.json, path: key.json}]\n").Replace(named("api")),
				"two.yaml":      strings.NewReplacer("          secretName: api-key\n", "          secretName: api-key\n          items: [{key: two.json, path: key.json}]\n").Replace(named("two")),
				"external.yaml": external + "  - secretKey: two.json\n    remoteRef: {key: two}\n  - secretKey: password\n    remoteRef: {key: other}\n",
			},
			accounts: map[string]string{"shop": account},
			want:     map[string]string{"external.yaml": strings.Replace(external, "  - secretKey: key.json\n    remoteRef: {key: api}\n", "  - secretKey: password\n    remoteRef: {key: other}\n", 1)},
			removals: []string{"external.yaml:8-9", "external.yaml:10-11"},
		},
		{
			name: "a patch of the Secret goes with its entry",
			files: map[string]string{"api.yaml": named("api"), "secret.yaml": secret(""), "label.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: api-key\n  namespace: shop\n  labels: {a: b}\n",
				"kustomization.yaml": "resources:\n- api.yaml\n- secret.yaml\npatches:\n- path: label.yaml\n"},
			want:     map[string]string{"kustomization.yaml": "resources:\n- api.yaml\n- api-serviceaccount.yaml\n", "label.yaml": ""},
			removals: []string{"kustomization.yaml:3-3", "kustomization.yaml:6-6", "label.yaml:1-6 whole", "secret.yaml:1-7 whole key"},
		},
		{
			name: "what another object takes from the Secret keeps it there: left to people",
			files: map[string]string{"api.yaml": named("api"), "secret.yaml": secret(""), "settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  from: x\n",
				"kustomization.yaml": "resources:\n- api.yaml\n- secret.yaml\n- settings.yaml\nreplacements:\n- source: {kind: Secret, name: api-key, fieldPath: metadata.name}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.from]\n"},
			manual: []string{"secret.yaml: remove shop/Secret/api-key"},
		},
		{
			name: "a consumer is held: nothing goes",
			files: map[string]string{"api.yaml": named("api"), "secret.yaml": secret(""),
				"held.yaml": strings.Replace(named("held"), "GOOGLE_APPLICATION_CREDENTIALS", "MY_KEY_FILE", 1)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range test.files {
				files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			result := draft(t, files, test.accounts)
			if bytes.Contains(result.Cleanup, []byte(encoded[:40])) || bytes.Contains(result.Patch, []byte(encoded[:40])) {
				t.Fatal("a patch prints the key")
			}
			var removals []string
			for _, r := range result.Changeset.Removals {
				text := fmt.Sprintf("%s:%d-%d", r.Path, r.From, r.To)
				if r.Whole {
					text += " whole"
				}
				if r.Key {
					text += " key"
				}
				removals = append(removals, text)
			}
			if diff := cmp.Diff(test.removals, removals); diff != "" {
				t.Errorf("removals (-want +got):\n%s", diff)
			}
			var manual []string
			for _, m := range result.Changeset.Manual {
				manual = append(manual, m.Where+": "+m.What)
			}
			if diff := cmp.Diff(test.manual, manual); diff != "" {
				t.Errorf("left to people (-want +got):\n%s", diff)
			}
			merged := gitApply(t, files, result.Patch)
			for _, file := range result.Changeset.Files {
				if file.Stage != rewriter.StageCleanup {
					continue
				}
				own := slices.DeleteFunc(slices.Clone(result.Changeset.Removals), func(r rewriter.Removal) bool { return r.Path != file.Path })
				swept, err := rewriter.Sweep([]byte(merged[file.Path]), own)
				sum := sha256.Sum256(swept)
				if got := hex.EncodeToString(sum[:]); err != nil || swept == nil && file.After != "" || swept != nil && got != file.After {
					t.Errorf("sweeping %s again gives other bytes than the file's digest says (%v):\n%s", file.Path, err, swept)
				}
			}
			want := map[string]string{}
			tree := fstest.MapFS{}
			for name, text := range merged {
				want[name] = text
				tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			for name, text := range test.want {
				if want[name] = text; text == "" {
					delete(want, name)
				}
			}
			if diff := cmp.Diff(want, gitApply(t, tree, result.Cleanup)); diff != "" {
				t.Errorf("after cleanup.patch (-want +got):\n%s", diff)
			}
		})
	}
}
