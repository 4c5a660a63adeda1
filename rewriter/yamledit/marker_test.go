package yamledit

import "testing"

func TestRegions(t *testing.T) {
	tests := []shape{
		{
			name: "markers around what goes go with it",
			in: wiring("", "", `      # [START vols]
      volumes:
      - name: key
        secret:
          secretName: sa
      # [END vols]
      # [START rest]
      dnsPolicy: x
      # [END rest]
`),
			edits: []string{dropAll[2]},
			want: `
-      # [START vols]
-      volumes:
-      - name: key
-        secret:
-          secretName: sa
-      # [END vols]
`,
		},
		{
			name: "markers around more stay",
			in: `env:
# [START all]
- name: K
- name: B
# [END all]
`,
			edits: []string{"remove env[name=K]"},
			want:  "-- name: K\n",
		},
		{
			name: "a marker inside of what goes takes its partner below",
			in: `a: 1
env:
# [START key]
- name: K
# [END key]
z: 1
`,
			edits: []string{"remove env[name=K]"},
			want:  "-env:\n-# [START key]\n-- name: K\n-# [END key]\n",
		},
		{
			name: "a marker inside of what goes stays when its partner is far",
			in: `a: 1
env:
  - name: K
    # [START rest]
    value: x
z: 1
# [END rest]
`,
			edits: []string{"remove env[name=K]"},
			want:  "-env:\n-  - name: K\n-    value: x\n",
		},
		{
			name: "markers inside each other",
			in: `a: 1
# [START outer]
# [START inner]
env:
- name: K
# [END inner]

# [END outer]
z: 1
`,
			edits: []string{"remove env[name=K]"},
			want:  "-# [START outer]\n-# [START inner]\n-env:\n-- name: K\n-# [END inner]\n-\n-# [END outer]\n",
		},
		{
			name: "other spellings",
			in: `a: 1
# BEGIN managed
k: 1
# END managed
#region x
l: 1
#endregion
z: 1
`,
			edits: []string{"remove k", "remove l"},
			want:  "-# BEGIN managed\n-k: 1\n-# END managed\n-#region x\n-l: 1\n-#endregion\n",
		},
		{
			name: "markers in a script are text",
			in: `a: |
  # [START x]
k: 1
z: |
  # [END x]
`,
			edits: []string{"remove k"},
			want:  "-k: 1\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, Apply) })
	}
}
