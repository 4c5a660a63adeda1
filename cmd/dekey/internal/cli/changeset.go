package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter"
	"dekey/rewriter/report"
	"dekey/scanner"
	"dekey/scanner/manifest"
)

// writeChangeset carries a plan out as text, in the checkout at root ("" where only a cluster was read), and writes
// the folder. inventory is what the plan was made from; nil: the checkout is read again for it.
func writeChangeset(ctx context.Context, sys System, root, out string, plan planner.Plan, inventory *scanner.Inventory) error {
	var tree fs.FS
	options := manifestOptions(sys, root, []string{out}, plan.Namespaces, plan.Limits)
	if root != "" {
		dir, err := os.OpenRoot(root)
		if err != nil {
			return usagef("reading %s: %w", root, causeOf(err))
		}
		defer dir.Close()
		tree = dir.FS()
	}
	if inventory == nil {
		again, err := scanner.Scan(ctx, manifest.New(options))
		if err != nil {
			return err
		}
		inventory = &again
	}
	result, err := rewriter.Rewrite(ctx, tree, plan, manifest.New(options), rewriter.Options{Secrets: inventory.Secrets})
	var stale *rewriter.StaleError
	if errors.As(err, &stale) {
		return hintf(err, "the checkout changed since the scan: dekey draft it again")
	}
	if err != nil {
		return err
	}
	files, input, err := folderOf(sys, result, *inventory)
	if err != nil {
		return err
	}
	if err := refuseFolder(out, samePlan(plan.ID, result.Plan.ID)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := writeFolder(out, files); err != nil {
		return err
	}
	if err := summarize(sys, report.New(input)); err != nil {
		return err
	}
	fmt.Fprintf(sys.Stderr, "\nwritten to %s: read report.md (or report.html) first, then changes.patch\n", visible(out))
	return incomplete(len(result.Plan.Gaps))
}

// folderOf are the files of a changeset folder.
func folderOf(sys System, result rewriter.Result, inventory scanner.Inventory) (map[string][]byte, report.Input, error) {
	files := make(map[string][]byte, len(result.Folder)+7)
	for name, data := range result.Folder {
		files[name] = data
	}
	files["changes.patch"], files["cleanup.patch"] = result.Patch, result.Cleanup
	result.Changeset.Folder = digests(files)
	input := report.Input{
		Inventory: &inventory, Plan: &result.Plan, Changeset: &result.Changeset, Files: files, Tool: tool(),
	}
	var err error
	if files["inventory.json"], err = planfile.Marshal(inventory); err != nil {
		return nil, input, err
	}
	if files["plan.json"], err = planfile.Marshal(result.Plan); err != nil {
		return nil, input, err
	}
	// The reports in the folder hold no clock reading: the same input gives the same bytes.
	r := report.New(input)
	var markdown, html bytes.Buffer
	if err := errors.Join(report.Markdown(&markdown, r), report.HTML(&html, r)); err != nil {
		return nil, input, err
	}
	files["report.md"], files["report.html"] = markdown.Bytes(), html.Bytes()
	result.Changeset.Reports = digests(map[string][]byte{"report.md": files["report.md"], "report.html": files["report.html"]})
	if files["changeset.json"], err = planfile.Marshal(result.Changeset); err != nil {
		return nil, input, err
	}
	return files, input, nil
}

// digests names files by their content, sorted.
func digests(files map[string][]byte) []scanner.FileDigest {
	list := make([]scanner.FileDigest, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256(files[name])
		list = append(list, scanner.FileDigest{Path: name, SHA256: hex.EncodeToString(sum[:])})
	}
	return list
}

// readPlanID reads the id of the plan in a changeset folder, "" where there is none.
func readPlanID(folder fs.FS) string {
	data, err := fs.ReadFile(folder, "plan.json")
	if err != nil {
		return ""
	}
	plan, err := planfile.ReadPlan("plan.json", data)
	if err != nil {
		return ""
	}
	return plan.ID
}

// isChangeset says whether a folder holds a changeset at all.
func isChangeset(folder fs.FS) bool { return readPlanID(folder) != "" }

// samePlan says whether a folder holds a changeset of one of the plans (a plan has another id once moves of it became
// holds).
func samePlan(ids ...string) func(fs.FS) bool {
	return func(folder fs.FS) bool {
		id := readPlanID(folder)
		return id != "" && slices.Contains(ids, id)
	}
}

// readFiles reads the files of a changeset folder whose digests the changeset has, by slash-separated path: the patches,
// and what lies in its folders. Evidence is none of them.
func readFiles(dir string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inFolder := strings.Contains(name, "/") && !strings.HasPrefix(name, evidence+"/")
		if !entry.Type().IsRegular() || !report.Shows(name) && !inFolder && name != "cleanup.patch" {
			return nil
		}
		data, err := root.ReadFile(name)
		files[name] = data
		return err
	})
	return files, err
}

// causeOf is an error of the file system without the operation and the path, which the message names already.
func causeOf(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
