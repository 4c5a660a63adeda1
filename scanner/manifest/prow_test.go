package manifest_test

import (
	"fmt"
	"slices"
	"testing"

	"dekey/scanner/manifest"
	"dekey/scanner/object"
)

func TestProw(t *testing.T) {
	const job = `  - name: NAME
    spec:
      containers:
      - image: a
        env:
        - name: GOOGLE_APPLICATION_CREDENTIALS
          value: /c/key.json
`
	for _, test := range []struct {
		name string
		text string
		want []string
	}{
		{
			name: "jobs are objects, by repository or not",
			text: "periodics:\n" + job + "presubmits:\n  org/repo:\n" + job,
			want: []string{"ProwJob/NAME 2:5", "ProwJob/NAME 11:5"},
		},
		{
			name: "presets stand in an object without a kind",
			text: "presets:\n- labels: {preset-key: \"true\"}\n  env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /c/key.json}]\n",
			want: []string{"/ 1:1"},
		},
		{
			name: "what merely has such a field is none",
			text: "presets: [{name: a, value: GOOGLE_APPLICATION_CREDENTIALS}]\nperiodics: [weekly, monthly]\npostsubmits: {a: [b]}\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := read(t, manifest.Options{Root: write(t, map[string]string{"jobs.yaml": test.text}), ID: "repo"})
			var got []string
			for _, o := range h.objects {
				got = append(got, fmt.Sprintf("%s %d:%d", o.Ref, o.Origins[0].Line, o.Origins[0].Column))
				if o.Ref.Kind == "" {
					continue
				}
				field := object.Path{object.Key("spec"), object.Key("containers"), object.At(0), object.Key("env"), object.Item("name", "GOOGLE_APPLICATION_CREDENTIALS")}
				places := o.Places(field)
				if len(places) != 1 || places[0].Origin.Line != o.Origins[0].Line+5 {
					t.Errorf("%s stands at %+v", field, places)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
