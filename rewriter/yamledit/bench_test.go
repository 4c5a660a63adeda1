package yamledit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// manifest is a Deployment of some containers, as long as those that people write.
func manifest(containers int) string {
	var b strings.Builder
	b.WriteString("# Deployed by the payments team.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: payments\n  labels:\n    app: api\n" +
		"spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: api\n  template:\n    metadata:\n      labels:\n        app: api\n    spec:\n      containers:\n")
	for i := range containers {
		fmt.Fprintf(&b, "      - name: app%d\n        image: registry.example.com/payments/api:1.%d # pinned\n        args: [\"--port=8080\", '--verbose', --key=/var/key.json]\n        env:\n", i, i)
		for k := range 8 {
			fmt.Fprintf(&b, "        # what %d is for\n        - name: SETTING_%d\n          value: \"%d\"\n", k, k, k)
		}
		b.WriteString("        - name: GOOGLE_APPLICATION_CREDENTIALS\n          value: /var/key.json\n        resources:\n          limits:\n            cpu: 500m\n            memory: 512Mi\n" +
			"        volumeMounts:\n        - name: key\n          mountPath: /var\n          readOnly: true\n")
	}
	b.WriteString("      volumes:\n      - name: key\n        secret:\n          secretName: sa\n")
	return b.String()
}

// move is what takes the key out of manifest.
func move(b testing.TB, containers int) []Edit {
	lines := []string{"set spec.template.spec.serviceAccountName = api-wi", "remove spec.template.spec.volumes[name=key]"}
	for i := range containers {
		at := fmt.Sprintf("spec.template.spec.containers[name=app%d]", i)
		lines = append(lines, "remove "+at+".env[name=GOOGLE_APPLICATION_CREDENTIALS]", "remove "+at+".volumeMounts[name=key]", "remove "+at+".args[2]")
	}
	return edits(b, lines...)
}

// BenchmarkApply measures a whole move with its proof, in parses of the same document by yaml.v3: the document has to be parsed
// twice at least.
func BenchmarkApply(b *testing.B) {
	for _, containers := range []int{1, 5, 40} {
		file, move := []byte(manifest(containers)), move(b, containers)
		b.Run(fmt.Sprintf("lines=%d", strings.Count(string(file), "\n")), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			var parse, apply time.Duration
			for b.Loop() {
				start := time.Now()
				var n yaml.Node
				if err := yaml.Unmarshal(file, &n); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				if _, err := Apply(file, move); err != nil {
					b.Fatal(err)
				}
				parse += middle.Sub(start)
				apply += time.Since(middle)
			}
			b.ReportMetric(float64(apply)/float64(parse), "x-parse")
			b.ReportMetric(float64(apply.Microseconds())/float64(b.N), "µs/apply")
		})
	}
}
