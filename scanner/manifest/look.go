package manifest

import (
	"bytes"
	"slices"
	"sync"

	"dekey/scanner/catalog"
	"dekey/scanner/keyfile"
	"dekey/scanner/manifest/search"
)

// Marks say why a file can matter.
type marks uint32

const (
	wired       marks = 1 << iota // names a key, or holds one
	secrets                       // names Secrets
	accounts                      // names service accounts
	configs                       // has ConfigMaps
	configUsers                   // names ConfigMaps
	policies                      // has network policies
	lone                          // is a key by itself, and no manifest
	unreadable                    // is text that is not read
	named                         // names what is asked for
	nearly                        // names a part of what is asked for: a kustomization can add to names
	gitops                        // says what is deployed, and where
	releases                      // has Flux releases of charts
	unmarked                      // has no mark: for pass.with
	custom                        // has resources of API groups that are not Kubernetes' own
	also                          // matters to whoever asked: Options.Also
)

// A pattern is text that makes a file matter.
type pattern struct {
	text  string
	marks marks
	near  near
	names reach
	key   bool // the text of a key
	hint  bool // in a template, it mentions a key
	flag  bool // a flag, or a command, and no variable: it is not assigned
}

// activation is how a script hands a key to gcloud.
const activation = "activate-service-account"

// The patterns: what every file is searched for. None is shorter than ten bytes, or the search could not skip.
var patterns = []pattern{
	{text: "GOOGLE_APPLICATION_CREDENTIALS", marks: wired, hint: true},
	{text: "google_application_credentials", marks: wired, hint: true},
	{text: "CREDENTIAL_FILE_OVERRIDE", marks: wired, hint: true},
	{text: "GOOGLE_CREDENTIALS", marks: wired, hint: true},
	// Key flags that templates of charts have, and how scripts hand a key to gcloud.
	{text: "credential_file", marks: wired, hint: true},
	{text: "credentials-file", marks: wired, hint: true},
	{text: "--service_account_key", marks: wired, hint: true, flag: true},
	{text: "--google-service-account-json", marks: wired, hint: true, flag: true},
	{text: activation, marks: wired, hint: true, flag: true},
	// What a job of Prow asks for a key with.
	{text: "preset-service-account", marks: wired},
	// Key files: as text, and in the three alignments of base64; Helm's releases in base64 of base64 of gzip.
	{text: "private_key", marks: wired, key: true},
	{text: "refresh_token", marks: wired, key: true},
	{text: "_json_key\"", marks: wired, key: true},
	{text: "_json_key:", marks: wired, key: true},
	{text: "_json_key_", marks: wired, key: true},
	{text: "c2VydmljZV9hY2NvdW50", marks: wired, key: true},
	{text: "NlcnZpY2VfYWNjb3Vud", marks: wired, key: true},
	{text: "zZXJ2aWNlX2FjY291bn", marks: wired, key: true},
	{text: "X2pzb25fa2V5", marks: wired, key: true},
	{text: "9qc29uX2tle", marks: wired, key: true},
	{text: "fanNvbl9rZX", marks: wired, key: true},
	{text: "SDRzSUFBQUFB", marks: wired, key: true},
	// A private key by itself, and a P12 file: their account stands in another entry.
	{text: "PRIVATE KEY-----", marks: wired, key: true},
	{text: "CSqGSIb3DQEHA", marks: wired, key: true},
	// Ways to a key whose names say nothing: in a file, or near a variable, that tells of Google or of credentials.
	{text: "secretName", marks: secrets, near: inFile, names: onLine},
	{text: "secretKeyRef", marks: secrets, near: inVariable, names: beside},
	// What can become interesting by name.
	{text: "secretRef:", marks: secrets, names: after},
	{text: "secretRef\"", marks: secrets, names: after},
	{text: "imagePullSecrets", marks: secrets, names: after},
	{text: "kind: Secret", marks: secrets, near: inSecret, names: inObject},
	{text: "kind: \"Secret", marks: secrets, near: inSecret, names: inObject},
	{text: "\"kind\": \"Secret", marks: secrets, near: inSecret, names: inObject},
	{text: "\"kind\":\"Secret", marks: secrets, near: inSecret, names: inObject},
	{text: "SealedSecret", marks: secrets, names: inObject},
	{text: "ExternalSecret", marks: secrets, names: inObject},
	{text: "serviceAccount", marks: accounts, names: after},
	{text: "ServiceAccount", marks: accounts, names: inObject},
	{text: "ServiceAccounts", marks: accounts, names: after},     // of a role of Vault
	{text: "ServiceAccountNames", marks: accounts, names: after}, // the same
	{text: "serviceaccount", marks: accounts, names: around},
	{text: "service_account", marks: accounts, names: after},
	{text: "principals", marks: accounts, names: after},
	{text: "cluster.local/ns/", marks: accounts, names: onLine},
	{text: ".svc.id.goog", marks: accounts, names: onLine},
	{text: "kind: ConfigMap", marks: configs, names: inObject},
	{text: "\"ConfigMap\"", marks: configs, names: inObject},
	{text: "configMap:", marks: configUsers, names: after},
	{text: "configMap\"", marks: configUsers, names: after},
	{text: "configMapRef", marks: configUsers, names: after},
	{text: "configMapKeyRef", marks: configUsers, names: beside},
	{text: "NetworkPolic", marks: policies},
	// What deploys the rest.
	{text: "kind: Application", marks: gitops},
	{text: "\"kind\": \"Application", marks: gitops},
	{text: "kustomize.toolkit.fluxcd.io", marks: gitops},
	{text: "source.toolkit.fluxcd.io", marks: gitops},
	{text: "helm.toolkit.fluxcd.io", marks: releases},
	{text: "apiVersion", names: inResource},
}

// near says whether the text around a pattern makes the file wired.
type near int

const (
	nowhere    near = iota
	inFile          // one of keyWords, anywhere in the file
	inVariable      // the name of a variable that holds a key, close by
	inSecret        // a value, anywhere in the file, that is long enough for a key in layers of base64
)

// allPatterns are the patterns, and the words by which the catalogue's objects are found.
var allPatterns = sync.OnceValue(func() []pattern {
	all := patterns
	for _, word := range catalog.Words() {
		if !slices.ContainsFunc(all, func(p pattern) bool { return p.text == word }) {
			all = append(all, pattern{text: word, marks: wired})
		}
	}
	return all
})

var first = sync.OnceValue(func() *search.Set {
	texts := make([]string, len(allPatterns()))
	for i, p := range allPatterns() {
		texts[i] = p.text
	}
	return search.New(texts...)
})

// keyWords tell of Google or of credentials, in names of variables, flags, images, files.
var keyWords = search.New("GOOGLE", "GCP", "GCLOUD", "GCS", "GSA", "GCR", "GAR_", "GKE", "FIREBASE", "FIRESTORE", "BIGQUERY", "BQ_", "BIGTABLE",
	"PUBSUB", "SPANNER", "STACKDRIVER", "CLOUDSQL", "CLOUDSDK", "DATASTORE", "VERTEX", "GSUTIL", "CREDENTIAL", "CREDS", "KEY_FILE", "KEYFILE",
	"credential", "google", "gcloud", "gcp", "gcs", "cloudsql", "cloud-sql", "cloud_sql", "service_account", "service-account", "key_file",
	"key-file", "keyfile", "key.json", "sa.json", "sa-key", "creds", "configMapRef")

// look searches a file.
func look(name string, data []byte, x *nameIndex) marks {
	switch classify(name) {
	case manifest:
		if bomOf16(data) {
			return unreadable
		}
	case keystore:
		return lone
	case other:
		if first := bytes.TrimLeft(data[:min(len(data), 512)], " \t\r\n\ufeff"); len(first) > 0 && first[0] == '{' && searchText(data)&wired != 0 {
			return lone
		}
		return 0
	}
	found := searchNames(data, x)
	if isHelmfile(name) || found&releases != 0 && releaseMatters(data) {
		found |= gitops
	}
	return found &^ releases
}

// releaseMatters says whether a Flux release is of a chart in a repository, or of one that the catalogue knows.
func releaseMatters(data []byte) bool {
	if bytes.Contains(data, []byte("GitRepository")) || bytes.Contains(data, []byte("kind: Bucket")) {
		return true
	}
	for rest := data; ; {
		_, after, found := bytes.Cut(rest, []byte("chart"))
		if !found {
			return false
		}
		rest = after
		name := bytes.TrimLeft(after, "\"': \t")
		if end := bytes.IndexAny(name, "\"' \t\r\n,{}"); end >= 0 {
			name = name[:end]
		}
		if len(name) == 0 || len(name) > 200 {
			continue
		}
		if _, ok := catalog.ChartValues(string(name)); ok || name[0] == '.' {
			return true
		}
	}
}

// searchText searches a document.
func searchText(data []byte) marks { return searchNames(data, nil) }

// searchNames searches a text, and notes its names.
func searchNames(data []byte, x *nameIndex) marks {
	var found, asked marks
	encoded := false // whether a long value was looked for
	all := allPatterns()
	first().Find(data, func(n, offset int) bool {
		p := &all[n]
		if p.names == inResource {
			if isCustom(data[offset+len(p.text):]) {
				found |= custom
				if x != nil {
					x.objects = append(x.objects, declared{offset, custom})
				}
			}
			return true
		}
		found |= p.marks
		if x != nil && p.names != noNames {
			x.add(data, offset, p)
		}
		if found&wired != 0 {
			return true
		}
		switch p.near {
		case inFile:
			if asked&wired == 0 && keyWords.Has(data) {
				found |= wired
			}
			asked |= wired
		case inVariable:
			if x.keyVariable(data[max(0, offset-variableReach):min(len(data), offset+besideReach)]) {
				found |= wired
			}
		case inSecret:
			if !encoded && keyfile.HasLongRun(data) {
				found |= wired
			}
			encoded = true
		}
		return true
	})
	return found
}

// isCustom says whether the text after an apiVersion names an API group that is not Kubernetes' own: fields of such
// resources name Secrets in ways that nobody can list.
func isCustom(text []byte) bool {
	text = bytes.TrimLeft(text[:min(len(text), 100)], "\"' \t:")
	end := 0
	for end < len(text) && wordByte[text[end]] != 0 {
		end++
	}
	group := text[:end]
	if end == len(text) || text[end] != '/' || bytes.IndexByte(group, '.') < 0 {
		return false
	}
	return !bytes.HasSuffix(group, []byte(".k8s.io")) || bytes.HasSuffix(group, []byte(".x-k8s.io"))
}

// variableReach is how far before secretKeyRef the name of the variable is looked for.
const variableReach = 200

// keyVariable says whether text names a variable that holds a key by its name.
func (x *nameIndex) keyVariable(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 'A' || c > 'Z' {
			continue
		}
		start := i
		for i < len(text) && (text[i] >= 'A' && text[i] <= 'Z' || text[i] == '_' || text[i] >= '0' && text[i] <= '9') {
			i++
		}
		if i-start > 4 && x.isKey(text[start:i]) {
			return true
		}
	}
	return false
}

// isKey asks the catalogue, once for each name: a checkout uses the same ones all over.
func (x *nameIndex) isKey(name []byte) bool {
	if x == nil {
		return catalog.KeyEnv(string(name))
	}
	is, asked := x.variables[string(name)]
	if !asked {
		is = catalog.KeyEnv(string(name))
		if x.variables == nil || len(x.variables) > 10_000 {
			x.variables = map[string]bool{}
		}
		x.variables[string(name)] = is
	}
	return is
}
