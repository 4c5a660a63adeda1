package manifest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dekey/scanner"
	"dekey/scanner/keyfile/keytest"
	"dekey/scanner/manifest"
)

// A file is searched before it is read. A Secret that nothing names, in a file by itself, is found by what it holds, however
// that is written.
func TestKeysThatNothingNames(t *testing.T) {
	key := keytest.New("look", "look@acme-prod.iam.gserviceaccount.com")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Comment = "not as Helm writes it"
	if _, err := w.Write(key.JSON()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	base64Of := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	lines := func(s string) string {
		var b strings.Builder
		b.WriteString("|")
		for ; len(s) > 76; s = s[76:] {
			b.WriteString("\n    " + s[:76])
		}
		return b.String() + "\n    " + s
	}
	quoted := strings.ReplaceAll(key.PEM(), "\n", `\n`)
	for _, test := range []struct{ name, kind, value string }{
		{"as it is written by kubectl", "kind: Secret", key.Base64()},
		{"base64 of base64", "kind: Secret", base64Of(key.Base64())},
		{"three deep, in lines, with a quoted kind", `kind: "Secret"`, lines(base64Of(base64Of(key.Base64())))},
		{"a configuration of a registry", "kind: Secret", base64Of(`{"gcr.io":{"auth":"` + base64Of("_json_key:"+string(key.JSON())) + `"}}`)},
		{"compressed", "kind: Secret", base64Of(packed.String())},
		{"a private key in base64", "kind: Secret", base64Of(key.PEM())},
		{"a private key as text", "kind: ConfigMap", `"` + quoted + `"`},
		{"a P12 file", "kind: ConfigMap", base64Of("\x30\x82\x09\x74\x02\x01\x03\x30\x82\x09\x3a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x82\x09\x2b")},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "apiVersion: v1\n" + test.kind + "\nmetadata:\n  name: a\ndata:\n  a: " + test.value + "\n"
			h := read(t, manifest.Options{Root: write(t, map[string]string{"a.yaml": text})})
			if len(h.objects) != 1 {
				t.Errorf("the object was not given")
			}
		})
	}
	const short = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  a: %s\n"
	h := read(t, manifest.Options{Root: write(t, map[string]string{"a.yaml": fmt.Sprintf(short, base64Of(strings.Repeat("a password ", 20)))})})
	if len(h.objects) > 0 {
		t.Errorf("a Secret whose values are too short for a key was given")
	}
}

// A role of Vault stands in Vault's namespace, and lists those whose service accounts may sign in.
func TestRelatedByAListOfNamespaces(t *testing.T) {
	const role = "apiVersion: redhatcop.redhat.io/v1alpha1\nkind: KubernetesAuthEngineRole\nmetadata: {name: %s, namespace: vault}\n" +
		"spec: {targetServiceAccounts: [api], targetNamespaces: {targetNamespaces: [%s]}}\n"
	reader, h := manifest.New(manifest.Options{Root: write(t, map[string]string{
		"a.yaml": fmt.Sprintf(role, "named", "web, apps"), "b.yaml": fmt.Sprintf(role, "any", `"*"`), "c.yaml": fmt.Sprintf(role, "other", "web"),
		"d.yaml": "apiVersion: example.com/v1\nkind: Store\nmetadata: {name: short, namespace: apps}\nspec: {keeper: gcp}\n",
	})}), &heard{}
	if err := reader.Read(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	h.objects = nil
	if err := reader.Related(t.Context(), scanner.Interest{
		ServiceAccounts: []scanner.Ref{{Namespace: "apps", Name: "api"}}, Secrets: []scanner.Holder{{Kind: "Secret", Namespace: "apps", Name: "gcp"}},
	}, h); err != nil {
		t.Fatal(err)
	}
	want := []string{"vault/KubernetesAuthEngineRole/named a.yaml:1:1:1", "vault/KubernetesAuthEngineRole/any b.yaml:1:1:1", "apps/Store/short d.yaml:1:1:1"}
	if d := cmp.Diff(want, h.names()); d != "" {
		t.Error(d)
	}
}
