package rewriter_test

import (
	"context"
	"io/fs"
	"testing"

	"dekey/planner"
	"dekey/rewriter"
	"dekey/scanner"
	"dekey/scanner/manifest"
)

// lying is a renderer that shows the edited checkout other than it is.
type lying struct {
	*manifest.Reader
	lie func([]*scanner.Object) []*scanner.Object
}

func (l *lying) Render(ctx context.Context, tree fs.FS, refs []scanner.Ref) ([]*scanner.Object, error) {
	objects, err := l.Reader.Render(ctx, tree, refs)
	edited := false
	for _, o := range objects {
		edited = edited || o.Ref.Kind == "ServiceAccount" // the new one: only in the edited checkout
	}
	if edited && refs == nil {
		objects = l.lie(objects)
	}
	return objects, err
}

// The proof sees whatever is not as planned: nothing of the move is written then, and the reason is a hold.
func TestProofCatches(t *testing.T) {
	find := func(objects []*scanner.Object, name string) *scanner.Object {
		for _, o := range objects {
			if o.Ref.Kind == "Deployment" && o.Ref.Name == name {
				return o
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	for name, lie := range map[string]func([]*scanner.Object) []*scanner.Object{
		"a field that was to stay is gone": func(list []*scanner.Object) []*scanner.Object {
			delete(find(list, "api").Content["metadata"].(map[string]any), "name")
			return list
		},
		"a field that was to go is there": func(list []*scanner.Object) []*scanner.Object {
			find(list, "api").Content["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["volumes"] = []any{map[string]any{"name": "key"}}
			return list
		},
		"a bystander in the same file changed": func(list []*scanner.Object) []*scanner.Object {
			find(list, "other").Content["spec"].(map[string]any)["replicas"] = int64(0)
			return list
		},
		"an object is gone": func(list []*scanner.Object) []*scanner.Object { return list[1:] },
		"an object more": func(list []*scanner.Object) []*scanner.Object {
			more := *list[0]
			more.Ref.Name = "more"
			return append(list, &more)
		},
		"the new service account has another annotation": func(list []*scanner.Object) []*scanner.Object {
			for _, o := range list {
				if o.Ref.Kind == "ServiceAccount" {
					o.Content["metadata"].(map[string]any)["annotations"] = map[string]any{}
				}
			}
			return list
		},
	} {
		files := tree("-- apps.yaml --\n" + named("other") + "---\n" + named("api"))
		l := &lying{Reader: reader("."), lie: lie}
		result, err := rewriter.Rewrite(context.Background(), files, planOf(files, unwire(t, "shop", "api")), l, rewriter.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(result.Plan.Moves) != 0 || len(result.Plan.Holds) != 1 || result.Plan.Holds[0].Code != planner.HoldNotProvable || len(result.Patch) != 0 || len(result.Changeset.Files) != 0 {
			t.Errorf("%s: %d moves, holds %+v, a patch of %d bytes", name, len(result.Plan.Moves), result.Plan.Holds, len(result.Patch))
		}
	}
}
