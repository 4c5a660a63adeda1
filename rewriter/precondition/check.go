package precondition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/planner"
	"dekey/planner/planfile"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// The steps, as people name them.
const (
	Grant   = "grant"
	Merge   = "merge"
	Verify  = "verify"
	Disable = "disable"
	Delete  = "delete"
)

// Steps are the steps in order.
var Steps = []string{Grant, Merge, Verify, Disable, Delete}

// Spread is how old a grant must be before the merge: until then it may not be known everywhere.
// https://cloud.google.com/iam/docs/access-change-propagation
const Spread = 7 * time.Minute

// An Input is everything that a verdict is made of.
type Input struct {
	Step string
	Plan planner.Plan
	// ChangesetPlan is the plan's id that changeset.json names. Written are the digests of the folder's files as changeset.json has
	// them, Found those of the files that are there: by path, SHA-256 in hex.
	ChangesetPlan  string
	Written, Found []scanner.FileDigest
	Evidence       runbook.Evidence
	Facts          Facts
	Now            time.Time
	// Seen is when somebody who asks again and again first read a binding, by Condition.Object: where 1-grant.sh has left no record
	// (the grants are Terraform's, or were made on another machine), a binding is as old as that.
	Seen map[string]time.Time
}

// A Condition is one thing that a step needs.
type Condition struct {
	Code   string      `json:"code"`
	Object string      `json:"object"`
	Holds  scanner.Tri `json:"holds"`
	Reason string      `json:"reason"` // what was seen
	Do     string      `json:"do"`     // "" where it holds
	// Needed: the step may not go on unless it holds. The others are what the scripts too name and pass over.
	Needed bool `json:"needed"`
	// Symptom is what people would see in the pods, as dekey explain knows it, or "".
	Symptom string `json:"symptom,omitempty"`
}

// A Result is the verdict on a step.
type Result struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"` // Check
	Step       string      `json:"step"`
	Plan       string      `json:"plan"`
	Time       time.Time   `json:"time"` // of the facts
	Go         bool        `json:"go"`
	Conditions []Condition `json:"conditions"`
	// Left are keys that the step leaves alone, with the reason.
	Left []Left `json:"left"`
	// Notes say what the verdict can not show.
	Notes []string `json:"notes"`
}

// Left is a key that a step leaves alone.
type Left struct {
	Key   string `json:"key"`
	Email string `json:"email"`
	Why   string `json:"why"`
}

// Complete says that every condition could be looked at, those included that the step can do without.
func (r Result) Complete() bool {
	return !slices.ContainsFunc(r.Conditions, func(c Condition) bool { return c.Holds == scanner.Unknown })
}

// Check decides whether a step may go on. The error is for a step that does not exist, and that of runbook.Files.
func Check(in Input) (Result, error) {
	if !slices.Contains(Steps, in.Step) {
		return Result{}, fmt.Errorf("step %q: it is one of %s", in.Step, strings.Join(Steps, ", "))
	}
	q, err := runbook.Ask(in.Plan)
	if err != nil {
		return Result{}, err
	}
	c := &checker{Input: in, q: q}
	c.result = Result{APIVersion: scanner.APIVersion, Kind: "Check", Step: in.Step, Plan: in.Plan.ID, Time: in.Now.UTC().Truncate(time.Second),
		Conditions: []Condition{}, Left: []Left{}, Notes: []string{}}
	c.changeset()
	c.evidence()
	switch in.Step {
	case Grant:
		c.grant()
	case Merge:
		c.merge()
	case Verify:
		c.verify()
	case Disable:
		c.keys(c.disable)
	case Delete:
		c.note("Use after the disabling can not be observed: a disabled key is in none of Google's answers. Whoever still had the key has failed since, and should have said so.")
		c.note("A key that was enabled and disabled again in between looks as if it had stayed disabled: only the audit log shows that.")
		c.keys(c.delete)
	}
	c.result.Go = !slices.ContainsFunc(c.result.Conditions, func(c Condition) bool { return c.Needed && c.Holds != scanner.Yes })
	return c.result, nil
}

// A checker is one Check under way.
type checker struct {
	Input
	q      runbook.Questions
	result Result
}

func (c *checker) note(text string) { c.result.Notes = append(c.result.Notes, text) }

// add says what was found. What can not be answered is asked for with do.
func (c *checker) add(code, object string, holds scanner.Tri, reason, do string) *Condition {
	if holds == scanner.Yes {
		do = ""
	}
	c.result.Conditions = append(c.result.Conditions, Condition{Code: code, Object: object, Holds: holds, Reason: reason, Do: do, Needed: true})
	return &c.result.Conditions[len(c.result.Conditions)-1]
}

func (c *checker) yes(code, object, format string, args ...any) {
	c.add(code, object, scanner.Yes, fmt.Sprintf(format, args...), "")
}

func (c *checker) no(code, object, do, format string, args ...any) *Condition {
	return c.add(code, object, scanner.No, fmt.Sprintf(format, args...), do)
}

func (c *checker) unknown(code, object, do, format string, args ...any) *Condition {
	return c.add(code, object, scanner.Unknown, fmt.Sprintf(format, args...), do)
}

// unasked is a condition that the scripts can not ask about either.
func (c *checker) unasked(code, object, do, format string, args ...any) {
	c.unknown(code, object, do, format, args...).Needed = false
}

// changeset holds the folder against what was reviewed.
func (c *checker) changeset() {
	const do = "draft the changeset again, or take the folder that was reviewed"
	broken := false
	wrong := func(object, format string, args ...any) {
		broken = true
		c.no(CodeChangeset, object, do, format, args...)
	}
	if planfile.Verify(c.Plan) != nil {
		wrong("plan.json", "its id is not that of its content: it was edited")
	}
	if c.ChangesetPlan != c.Plan.ID {
		wrong("changeset.json", "it is of the plan %s, and plan.json is %s", c.ChangesetPlan, c.Plan.ID)
	}
	for _, file := range c.Written {
		i := slices.IndexFunc(c.Found, func(f scanner.FileDigest) bool { return f.Path == file.Path })
		switch {
		case i < 0:
			wrong(file.Path, "the file is missing")
		case c.Found[i].SHA256 != file.SHA256:
			wrong(file.Path, "the file is not as it was written")
		}
	}
	if !broken {
		c.yes(CodeChangeset, "changeset.json", "the plan and %d files are as they were written", len(c.Written))
	}
}

// evidence holds the records of the turns that run now against their digests. What is missing is named where it is needed.
func (c *checker) evidence() {
	edited := c.Evidence.EditedNow()
	for _, name := range edited {
		c.no(CodeEvidence, "runbook/evidence/"+name, "find out who changed it; bash runbook/rollback.sh "+stepOf(name)+" ends the turn that it belongs to", "the record was edited, or is of another plan")
	}
	if len(edited) == 0 {
		c.yes(CodeEvidence, "runbook/evidence", "every record is as it was written")
	}
}

// stepOf is the step that rollback.sh takes for a record.
func stepOf(record string) string {
	step, _, _ := strings.Cut(record, "-")
	if step == runbook.StepVerify {
		return Merge // rollback.sh merge voids the verification
	}
	return step
}

// cluster asks whether a context reaches the cluster that the plan means. Nothing else that was read through it counts if not.
func (c *checker) cluster(at planner.ClusterRef) bool {
	object, server := at.Context, c.Facts.Servers[at.Context]
	credentials := "give the context of the kubeconfig that reaches it"
	if at.Name != "" {
		object = clusterName(at)
		credentials = runbook.Line([]string{"gcloud", "container", "clusters", "get-credentials", at.Name, "--location=" + at.Location, "--project=" + at.Project})
	}
	if server.URL == "" || server.Why != "" {
		c.unknown(CodeCluster, object, credentials, "what the context %s reaches is not known: %s", at.Context, unread(server.Why))
		return false
	}
	if at.Server != "" && server.URL != at.Server {
		c.no(CodeCluster, object, credentials, "the context %s reaches %s, and the plan was made for %s", at.Context, server.URL, at.Server)
		return false
	}
	if at.Name == "" {
		c.unasked(CodeCluster, object, "plan again with --cluster PROJECT/LOCATION/NAME="+at.Context, "the plan does not name the GKE cluster behind %s, so its workload pool was not read", at.Context)
		return true
	}
	facts, ok := c.Facts.Clusters[clusterName(at)]
	switch {
	case !ok || facts.Why != "":
		c.unknown(CodeCluster, object, "container.clusters.get on the project (roles/container.clusterViewer) lets dekey read it", "Google's description of the cluster could not be read: %s", unread(facts.Why))
	case !slices.Contains(facts.Endpoints, hostOf(server.URL)):
		c.no(CodeCluster, object, credentials, "the context %s reaches %s, which is no endpoint of the cluster", at.Context, server.URL)
	case at.Pool != "" && facts.Pool != at.Pool:
		c.no(CodeCluster, object, "plan again: the grants of this plan are for another pool", "its workload pool is %s, and the plan was made for %s", orNone(facts.Pool, "not set"), at.Pool)
	default:
		c.yes(CodeCluster, object, "the context %s reaches it, and its workload pool is %s", at.Context, orNone(facts.Pool, "not set"))
		return true
	}
	return false
}

func hostOf(server string) string {
	_, host, found := strings.Cut(server, "://")
	if !found {
		host = server
	}
	host, _, _ = strings.Cut(host, "/")
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return host
}

func unread(why string) string { return orNone(why, "it was not read") }

func orNone(text, none string) string {
	if text == "" {
		return none
	}
	return text
}

// missing says why a record is of no use.
func missing(err error) string {
	if errors.Is(err, runbook.ErrEditedRecord) {
		return "its record was edited"
	}
	return "there is no record of it"
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
