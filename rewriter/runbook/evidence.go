package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"dekey/planner"
)

// The steps that leave evidence, as their folders are called.
const (
	StepGrant   = "grant"
	StepVerify  = "verify"
	StepDisable = "disable"
	StepDelete  = "delete"
)

// Evidence is what the scripts of one changeset have learned, read from its runbook/evidence/. It answers the questions of the
// scripts in the scripts' way, so that another program can come to the same verdict.
type Evidence struct {
	folder fs.FS
	plan   string
}

// ReadEvidence gives the evidence in folder (the changeset's runbook/evidence; it may be missing) of the plan with that id.
func ReadEvidence(folder fs.FS, plan string) Evidence { return Evidence{folder, plan} }

// Errors of Record.
var (
	// ErrNoRecord says that the step has not got so far.
	ErrNoRecord = errors.New("there is no such record")
	// ErrEditedRecord says that the record is not as it was written, or is of another plan.
	ErrEditedRecord = errors.New("the record was edited")
)

// A Record is one thing that a script learned, and when. Fields keeps the values of every name in order.
type Record struct {
	Name   string // FOLDER/NAME
	Time   time.Time
	Fields map[string][]string
}

// Field is the first value of a name, or "".
func (r Record) Field(name string) string {
	if values := r.Fields[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Turn is the folder of the turn of a step that runs now: grant-1 until that was rolled back, then grant-2.
func (e Evidence) Turn(step string) string {
	for n := 1; ; n++ {
		name := step + "-" + strconv.Itoa(n)
		if _, err := fs.Stat(e.folder, path.Join(name, "rolled-back")); err != nil {
			return name
		}
	}
}

// Record reads a record of the current turn of a step. The error is ErrNoRecord or ErrEditedRecord, with the name.
func (e Evidence) Record(step, name string) (Record, error) {
	name = path.Join(e.Turn(step), name)
	data, err := fs.ReadFile(e.folder, name)
	if err != nil {
		return Record{}, fmt.Errorf("%s: %w", name, ErrNoRecord)
	}
	body, last, found := cutLastLine(string(data))
	sum := sha256.Sum256([]byte(body))
	if !found || last != "sha256: "+hex.EncodeToString(sum[:])+"\n" {
		return Record{}, fmt.Errorf("%s: %w", name, ErrEditedRecord)
	}
	r := Record{Name: name, Fields: map[string][]string{}}
	for line := range strings.Lines(body) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		r.Fields[key] = append(r.Fields[key], value)
	}
	seconds, err := strconv.ParseInt(r.Field("epoch"), 10, 64)
	if err != nil || r.Field("plan") != e.plan {
		return Record{}, fmt.Errorf("%s: %w", name, ErrEditedRecord)
	}
	r.Time = time.Unix(seconds, 0).UTC()
	return r, nil
}

func cutLastLine(text string) (before, last string, found bool) {
	i := strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')
	return text[:i+1], text[i+1:], i >= 0
}

// Granted is the record of a grant's binding: read back, and when.
func (e Evidence) Granted(g planner.Grant) (Record, error) {
	return e.Record(StepGrant, "granted-"+bindingID(g))
}

// Proven is the record of a key's possession, by its id in the plan.
func (e Evidence) Proven(key string) (Record, error) {
	return e.Record(StepGrant, "possession-"+short(key))
}

// NewAccount is the record of what a new Kubernetes service account's name was before 1-grant.sh: state is absent or present.
func (e Evidence) NewAccount(context, namespace, name string) (Record, error) {
	return e.Record(StepGrant, "ksa-"+id(context, namespace, name))
}

// CutOver is the record of a move's verified cut-over.
func (e Evidence) CutOver(m planner.Move) (Record, error) {
	return e.Record(StepVerify, "cutover-"+moveID(m))
}

// Exported is the record of a key's last use before it was disabled. key is its id in the plan.
func (e Evidence) Exported(key string) (Record, error) {
	return e.Record(StepDisable, "export-"+short(key))
}

// Disabled is the record of a key's disabling by 3-disable.sh.
func (e Evidence) Disabled(key string) (Record, error) {
	return e.Record(StepDisable, "disabled-"+short(key))
}

// Deleted is the record of a key's deletion, or of its being gone, by 4-delete.sh.
func (e Evidence) Deleted(key string) (Record, error) {
	return e.Record(StepDelete, "deleted-"+short(key))
}

// Edited lists every record that is not as it was written, sorted by name, whatever its turn.
func (e Evidence) Edited() []string {
	var edited []string
	_ = fs.WalkDir(e.folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		data, err := fs.ReadFile(e.folder, name)
		body, last, found := cutLastLine(string(data))
		sum := sha256.Sum256([]byte(body))
		if err != nil || !found || last != "sha256: "+hex.EncodeToString(sum[:])+"\n" || !strings.HasPrefix(body, "plan: "+e.plan+"\n") {
			edited = append(edited, name)
		}
		return nil
	})
	slices.Sort(edited)
	return edited
}

// EditedNow lists the records of the turns that run now that are not as they were written: the scripts stop at any.
func (e Evidence) EditedNow() []string {
	return slices.DeleteFunc(e.Edited(), func(name string) bool {
		folder, _, _ := strings.Cut(name, "/")
		return !slices.ContainsFunc([]string{StepGrant, StepVerify, StepDisable, StepDelete}, func(step string) bool { return e.Turn(step) == folder })
	})
}

// A Consumer is a consumer of a key as its export names it: the cut-over that the export was made with.
type Consumer struct {
	Move     string // its id in evidence
	CutOver  time.Time
	Workload string
}

// Consumers are those that an export names. The error is ErrEditedRecord where a line can not be read.
func (r Record) Consumers() ([]Consumer, error) {
	var list []Consumer
	for _, line := range r.Fields["consumer"] {
		words := strings.SplitN(line, " ", 3)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s: %w", r.Name, ErrEditedRecord)
		}
		seconds, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, ErrEditedRecord)
		}
		list = append(list, Consumer{words[0], time.Unix(seconds, 0).UTC(), words[2]})
	}
	return list, nil
}

// CutOverOf is the record of the cut-over that a Consumer names.
func (e Evidence) CutOverOf(c Consumer) (Record, error) {
	return e.Record(StepVerify, "cutover-"+c.Move)
}

// A Retiree is a key that the scripts may disable and delete when its evidence is clean. Left says why they leave it alone
// instead, and is "" otherwise.
type Retiree struct {
	planner.Retirement
	Left      string
	Consumers []planner.Move
	// CutOver is where the soak counts from for a key without a consumer: when Google's evidence about it was read.
	CutOver time.Time
	// SoakDisable counts from the last cut-over, SoakDelete from the disabling.
	SoakDisable, SoakDelete time.Duration
}

// Retirees are the keys of a plan as the scripts treat them.
func Retirees(plan planner.Plan) ([]Retiree, error) {
	j, err := newJob(plan)
	if err != nil {
		return nil, err
	}
	list := []Retiree{}
	for _, r := range plan.Retirements {
		k, why := j.retire(r)
		list = append(list, Retiree{Retirement: k.Retirement, Left: why, Consumers: k.moves, CutOver: k.cutover, SoakDisable: k.soakDisable, SoakDelete: k.soakDelete})
	}
	return list, nil
}

// Clean says why Google's evidence about a key's last use does not clear it, or "": it must end after the soak, and its last
// day must not be after the day after the cut-over. Google's days are those of Los Angeles, as 07:00 or 08:00 UTC.
// https://cloud.google.com/policy-intelligence/docs/activity-analyzer-service-account-authentication
func Clean(last, to time.Time, cutOver time.Time, soak time.Duration) string {
	over := cutOver.Add(soak)
	switch {
	case to.IsZero():
		return "Google says nothing about its use"
	case !to.After(over):
		return fmt.Sprintf("the evidence about its use ends at %s, before the soak is over (%s)", to.Format(time.RFC3339), over.Format(time.RFC3339))
	case !last.IsZero() && last.UTC().Format(time.DateOnly) > cutOver.UTC().Add(24*time.Hour).Format(time.DateOnly):
		return fmt.Sprintf("it was used on %s, after the last cut-over (%s)", last.UTC().Format(time.DateOnly), cutOver.Format(time.RFC3339))
	}
	return ""
}
