package precondition

import (
	"errors"
	"slices"
	"time"

	"dekey/planner"
	"dekey/rewriter/runbook"
	"dekey/scanner"
)

func (c *checker) merge() {
	c.note("That a grant is in the policy, and since when, shows what is stored. Whether it has spread only a pod can show: runbook/probe.yaml.")
	for _, g := range c.q.Grants {
		if c.stored(g.Grant) {
			c.aged(g.Grant)
		}
	}
}

// Waits says whether time alone can change the verdict: all that stops the step is a grant that is not there yet, or not long
// enough. See adds the bindings that this result has read to those that were read before, for Input.Seen.
func (r Result) Waits() bool {
	return !r.Go && !slices.ContainsFunc(r.Conditions, func(c Condition) bool {
		waits := c.Code == CodeGrant && c.Holds == scanner.No || c.Code == CodeGrantAge
		return c.Needed && c.Holds != scanner.Yes && !waits
	})
}

// See notes when bindings were first read without a break: one that is gone again starts anew.
func (r Result) See(seen map[string]time.Time) {
	for _, c := range r.Conditions {
		switch {
		case c.Code != CodeGrant:
		case c.Holds != scanner.Yes:
			delete(seen, c.Object)
		case seen[c.Object].IsZero():
			seen[c.Object] = r.Time
		}
	}
}

// grantName is a grant as people read it.
func grantName(g planner.Grant) string { return g.Role + " on " + g.Resource + " for " + g.Member }

// stored asks whether a binding is in the policy.
func (c *checker) stored(g planner.Grant) bool {
	const do = "bash runbook/1-grant.sh (or apply terraform/ or config-connector/)"
	switch policy, ok := c.Facts.Policies[g.Resource]; {
	case policy.Unsupported && c.Step == Verify:
		c.unasked(CodeGrant, grantName(g), readPolicy(g), "dekey does not read policies of this kind of resource; 2-verify.sh does")
		return false
	case policy.Unsupported:
		return c.readBack(g)
	case !ok || policy.Why != "":
		c.unknown(CodeGrant, grantName(g), readPolicy(g), "the policy could not be read: %s", unread(policy.Why))
	case !c.q.Bound(g, policy.Bindings):
		c.no(CodeGrant, grantName(g), do, "the binding is in the policy in neither spelling").Symptom = symptomOfGrant(g)
	default:
		c.yes(CodeGrant, grantName(g), "the binding is in the policy")
		return true
	}
	return false
}

// readBack takes the record of 1-grant.sh for a binding that dekey can not read itself.
func (c *checker) readBack(g planner.Grant) bool {
	record, err := c.Evidence.Granted(g)
	if err != nil {
		c.unknown(CodeGrant, grantName(g), "bash runbook/1-grant.sh", "dekey does not read policies of this kind of resource, and 1-grant.sh has not: %s", missing(err))
		return false
	}
	c.unasked(CodeGrant, grantName(g), readPolicy(g), "dekey does not read policies of this kind of resource; 1-grant.sh read the binding back at %s, and nothing since", moment(record.Time))
	return true
}

// symptomOfGrant is what pods see without a grant: no token to impersonate with, or a token without the role.
func symptomOfGrant(g planner.Grant) string {
	if g.Role == planner.RoleWorkloadIdentityUser {
		return "token-403"
	}
	return "api-403"
}

// aged asks whether a binding was read back long enough ago.
func (c *checker) aged(g planner.Grant) {
	record, err := c.Evidence.Granted(g)
	if since, ok := c.Seen[grantName(g)]; ok && errors.Is(err, runbook.ErrNoRecord) {
		record, err = runbook.Record{Time: since}, nil
	}
	if err != nil {
		c.unknown(CodeGrantAge, grantName(g), "bash runbook/1-grant.sh: it leaves what is there, and records when it read it; or dekey check --wait 10m", "when the binding was first seen is not known: %s", missing(err))
		return
	}
	if age := c.Now.Sub(record.Time); age < Spread {
		c.no(CodeGrantAge, grantName(g), "merge after "+moment(record.Time.Add(Spread)), "the binding was read back at %s: seven minutes are not over, and until then it may not be known everywhere", moment(record.Time)).Symptom = symptomOfGrant(g)
		return
	}
	c.yes(CodeGrantAge, grantName(g), "the binding was read back at %s", moment(record.Time))
}
