package yamledit_test

import (
	"math/rand"
	"testing"

	"dekey/rewriter/yamledit"
)

var corpus = []string{
	"spec:\n  containers:\n  - name: app\n    env:\n    # c\n    - name: K\n      value: |\n        x\n    image: y\n  volumes: [{name: k, secret: {secretName: s}}]\n",
	"a: &x [1, 2]\nb: *x\nc:\n  <<: {d: 1}\n---\n# [START r]\ne: 1\n# [END r]\nf: >+\n  g\n\n",
	"{\n\t\"a\": [1, {\"b\": \"\\/\\ud83d\\ude00\"}],\n\t\"c\": null\n}\n",
	"%YAML 1.1\n---\r\na: 'b\r\n  c' # d\r\n- e\r\n",
	"- - a: 1\n    b:\n  - c\n-\n  d: \"e\\\n    f\"\n- ? g\n  : h\n",
	"{{- if .a }}\na:\n  b: {{ .c }}\n  {{- toYaml .d | nindent 2 }}\n{{- end }}\nc: 1\n",
	"\ufeffa: [x, # y\n  z,\n]\nb: {c, d: , \"e\": !!str f}",
}

// FuzzApply edits any text at fields that it has. Nothing panics; what is not refused keeps every byte outside of the
// splices, is what a second parser makes of the planned edits, and takes no more than it must.
func FuzzApply(f *testing.F) {
	for _, file := range corpus {
		for pick := byte(0); pick < 8; pick++ {
			f.Add([]byte(file), []byte{pick, pick}, uint8(0))
			f.Add([]byte(file), []byte{pick, 0, pick + 3, 4, 7 - pick, pick}, uint8(pick))
		}
	}
	f.Add([]byte("0\ts:"), []byte("\xb7e\tls"), uint8('C'))
	f.Add([]byte("%YAML 1.1\n---\r\na: 'b\r\n  c' # d e\r"), []byte("%YAML 1.1\n---\r\na: 'b\r\n  "), uint8('l'))
	f.Fuzz(func(t *testing.T, file, picks []byte, number uint8) {
		if len(file) > 1<<14 {
			return
		}
		original := string(file)
		documents, err := yamledit.Documents(file)
		if err != nil || len(documents) == 0 {
			return
		}
		document := 1 + int(number)%len(documents)
		d := documents[document-1]
		edits := choose(document, targets(file[d.Start:d.End]), picks)
		result, err := yamledit.Apply(file, edits)
		if string(file) != original {
			t.Fatal("the input was changed")
		}
		if err == nil {
			sound(t, file, edits, result)
			if agree(file) && agree(result.Content) {
				check(t, file, edits, result)
			}
		} else if _, ok := err.(*yamledit.Refusal); !ok {
			t.Fatalf("%T is no refusal", err)
		}
		if result, err := yamledit.RemoveDocument(file, document); err == nil {
			if left, err := yamledit.Documents(result.Content); err != nil || len(left) != len(documents)-1 {
				t.Fatalf("%d documents are left of %d: %q, %q", len(left), len(documents), file, result.Content)
			}
		}
	})
}

// FuzzBuilt edits files that are built to be edited, of every layout.
func FuzzBuilt(f *testing.F) {
	for seed := range int64(20) {
		f.Add(seed, []byte{byte(seed), byte(seed * 3), byte(seed * 7), byte(seed * 5)}, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed int64, picks []byte, number uint8) {
		file := []byte(randomManifest(rand.New(rand.NewSource(seed))))
		documents, err := yamledit.Documents(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		document := 1 + int(number)%len(documents)
		d := documents[document-1]
		edits := choose(document, targets(file[d.Start:d.End]), picks)
		if result, err := yamledit.Apply(file, edits); err == nil {
			check(t, file, edits, result)
		}
	})
}

// FuzzTemplate edits templates. What is not refused is a template still, with every byte outside of the splices.
func FuzzTemplate(f *testing.F) {
	for _, file := range append(corpus, "a:\n{{- range .x }}\n- b: {{ .c }}\n{{- else }}\n- d\n{{- end }}\n{{/* e */}}\nf: |\n{{ g | indent 2 }}\n",
		"a: {{ if x }}b{{ end }}c\n{{ $d := `}}` -}}\ne:\n  {{- with .f }}\n  - {{ . }}\n  {{- end }}\n") {
		for pick := byte(0); pick < 8; pick++ {
			f.Add([]byte(file), []byte{pick, pick, pick + 1, 0})
		}
	}
	f.Fuzz(func(t *testing.T, file, picks []byte) {
		if len(file) > 1<<14 {
			return
		}
		masked, err := yamledit.Mask(file)
		if err != nil {
			return
		}
		if len(masked) != len(file) {
			t.Fatalf("the mask has another length: %q, %q", file, masked)
		}
		documents, err := yamledit.Documents(masked)
		if err != nil || len(documents) == 0 {
			return
		}
		edits := choose(1, targets(masked[documents[0].Start:documents[0].End]), picks)
		result, err := yamledit.ApplyTemplate(file, edits)
		if err != nil {
			return
		}
		untouched(t, file, result)
		if _, err := yamledit.Mask(result.Content); err != nil {
			t.Fatalf("%v: %q became %q", err, file, result.Content)
		}
	})
}
