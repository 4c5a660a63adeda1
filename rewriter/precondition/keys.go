package precondition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/rewriter/runbook"
	"dekey/scanner"
)

// keys asks about every key that the scripts list. What they leave alone is said.
func (c *checker) keys(ask func(runbook.Retiree)) {
	var list []runbook.Retiree
	for _, r := range c.q.Retirees {
		if r.Left != "" {
			c.result.Left = append(c.result.Left, Left{r.Key, r.Email, r.Left})
			continue
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		if len(c.result.Left) > 0 {
			c.no(CodeRetirable, "the plan", "clear what blocks the keys, and plan again", "the changeset has no key that could go yet")
		} else {
			c.yes(CodeRetirable, "the plan", "the changeset has no key")
		}
		return
	}
	for _, at := range c.q.Clusters {
		c.cluster(at)
	}
	for _, r := range list {
		ask(r)
	}
}

func keyName(r runbook.Retiree) string { return r.Email + " key " + short(r.Key) }

// accountOf are the keys of a retiree's account; nil where they could not be read, which is said.
func (c *checker) accountOf(r runbook.Retiree) *AccountKeys {
	account, ok := c.Facts.Accounts[r.Email]
	if !ok || account.Why != "" {
		c.unknown(CodeKeyState, keyName(r), "iam.serviceAccountKeys.list and .get on the account (roles/iam.serviceAccountViewer) let dekey read them", "the account's keys could not be read: %s", unread(account.Why))
		return nil
	}
	return &account
}

// CutOver is the last cut-over of a key's consumers, zero where one is not recorded.
func CutOver(r runbook.Retiree, e runbook.Evidence) time.Time {
	cutOver := r.CutOver
	for _, m := range r.Consumers {
		record, err := e.CutOver(m)
		if err != nil {
			return time.Time{}
		}
		if record.Time.After(cutOver) {
			cutOver = record.Time
		}
	}
	return cutOver
}

// disable asks what 3-disable.sh asks before it disables a key.
func (c *checker) disable(r runbook.Retiree) {
	object := keyName(r)
	verified := true
	for _, m := range r.Consumers {
		if _, err := c.Evidence.CutOver(m); err != nil {
			verified = false
			c.no(CodeCutOver, object, "bash runbook/2-verify.sh", "2-verify.sh has not verified %s: %s", m.Workload, missing(err))
		}
	}
	if !verified {
		return
	}
	cutOver := CutOver(r, c.Evidence)
	c.yes(CodeCutOver, object, "every consumer is verified, the last at %s", moment(cutOver))
	if over := cutOver.Add(r.SoakDisable); c.Now.Before(over) {
		c.no(CodeSoak, object, "wait until "+moment(over), "the soak is over at %s", moment(over))
		return
	}
	c.yes(CodeSoak, object, "the soak of %d days is over", days(r.SoakDisable))
	if account := c.accountOf(r); account != nil {
		c.disableKey(r, *account, cutOver)
	}
}

func (c *checker) disableKey(r runbook.Retiree, account AccountKeys, cutOver time.Time) {
	object := keyName(r)
	if did, err := c.Evidence.Disabled(r.Key); err == nil {
		switch live := withID(account, did.Field("key")); {
		case live == nil:
			c.yes(CodeKeyState, object, "it is deleted by now")
		case live.Disabled:
			c.yes(CodeKeyState, object, "3-disable.sh disabled it at %s", moment(did.Time))
		default:
			c.no(CodeKeyState, object, "find out who needs it; bash runbook/rollback.sh disable voids the disabling", "it was disabled at %s, and somebody enabled it since", moment(did.Time))
		}
		return
	} else if missing(err) == missing(runbook.ErrEditedRecord) {
		c.no(CodeKeyState, object, "find out who changed it", "the record of its disabling was edited")
		return
	}
	_, err := c.Evidence.Exported(r.Key)
	if err != nil && missing(err) == missing(runbook.ErrEditedRecord) {
		c.no(CodeKeyState, object, "find out who changed it", "the record of its last use was edited")
		return
	}
	exported := err == nil
	live, why := find(account, r.Key)
	switch {
	case why != "":
		c.unknown(CodeKeyState, object, "iam.serviceAccountKeys.get on the account lets dekey read them", "%s", why)
	case live == nil:
		c.no(CodeKeyState, object, "if it is deleted, remove its copies with cleanup.patch", "no public key of the account has this digest: it is not this account's, or is deleted")
	case live.Disabled && exported && !byGoogle(live.Reason):
		c.yes(CodeKeyState, object, "an earlier run of 3-disable.sh disabled it, and was cut before it recorded that")
	case live.Disabled:
		c.no(CodeKeyState, object, "ask who disabled it, and why", "it was disabled by somebody else (%s), so its last use is unknown", orNone(live.Reason, "no reason given"))
	default:
		c.yes(CodeKeyState, object, "it is there, as %s, and enabled", live.ID)
		c.unused(r, live.Use, cutOver)
	}
}

// byGoogle says that Google disabled a key, because it was seen in public.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys
func byGoogle(reason string) bool {
	return strings.Contains(reason, "EXPOSED") || strings.Contains(reason, "COMPROMISE")
}

func withID(account AccountKeys, id string) *Key {
	i := slices.IndexFunc(account.Keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return nil
	}
	return &account.Keys[i]
}

// unused asks Google's evidence.
func (c *checker) unused(r runbook.Retiree, use *Use, cutOver time.Time) {
	object := keyName(r)
	const access = "policyanalyzer.googleapis.com must be on, and roles/policyanalyzer.activityAnalysisViewer on the project lets dekey read it"
	switch {
	case use == nil:
		c.unknown(CodeUnused, object, access, "its last use was not read")
		return
	case use.Why != "":
		c.unknown(CodeUnused, object, access, "its last use could not be read: %s", use.Why)
		return
	}
	holds, do := scanner.No, "find the user: the audit logs have the caller's address, where Data Access logs are on"
	why := runbook.Clean(use.Last, use.To, cutOver, r.SoakDisable)
	if why != "" && (use.To.IsZero() || !use.To.After(cutOver.Add(r.SoakDisable))) {
		holds, do = scanner.Unknown, "ask again later: Google's evidence lags by a day or more"
	}
	switch {
	case why != "":
		c.add(CodeUnused, object, holds, why, do)
	case use.Authentications != nil && *use.Authentications > 0:
		c.no(CodeUnused, object, do+". The scripts can not see this: gcloud has no command for metrics", "Monitoring counted %d authentications since %s", *use.Authentications, moment(use.Since))
	default:
		reason := fmt.Sprintf("Google saw no use after the cut-over, up to %s", moment(use.To))
		if use.Authentications == nil {
			reason += "; Monitoring was not read"
		}
		c.yes(CodeUnused, object, "%s", reason)
	}
}

// delete asks what 4-delete.sh asks before it deletes a key.
func (c *checker) delete(r runbook.Retiree) {
	object := keyName(r)
	exported, err := c.Evidence.Exported(r.Key)
	did, err2 := c.Evidence.Disabled(r.Key)
	for _, err := range []error{err, err2} {
		if err != nil {
			c.no(CodeDisabled, object, "bash runbook/3-disable.sh", "3-disable.sh has not disabled it: %s", missing(err))
			return
		}
	}
	if !c.sameCutOvers(exported) {
		c.no(CodeCutOver, object, "bash runbook/rollback.sh disable, then 2-verify.sh and 3-disable.sh again", "the cut-over of a consumer was undone or verified again since its last use was exported")
		return
	}
	last, to, cutOver, soak, err := exportedUse(exported)
	if err != nil {
		c.no(CodeDisabled, object, "find out who changed it", "the record of its last use can not be read: %v", err)
		return
	}
	if why := runbook.Clean(last, to, cutOver, soak); why != "" {
		c.no(CodeUnused, object, "find the user", "%s", why)
		return
	}
	c.yes(CodeDisabled, object, "3-disable.sh disabled it at %s, and its evidence is clean", moment(did.Time))
	if over := did.Time.Add(r.SoakDelete); c.Now.Before(over) {
		c.no(CodeSoak, object, "wait until "+moment(over), "the second soak is over at %s", moment(over))
		return
	}
	c.yes(CodeSoak, object, "the second soak of %d days is over", days(r.SoakDelete))
	account := c.accountOf(r)
	if account == nil {
		return
	}
	switch live := withID(*account, did.Field("key")); {
	case live == nil:
		c.yes(CodeKeyState, object, "it is deleted already")
	case !live.Disabled:
		c.no(CodeKeyState, object, "find out who needs it; bash runbook/rollback.sh disable voids the disabling", "somebody enabled it after it was disabled")
	case len(r.Makers) > 0:
		c.no(CodeKeyState, object, "remove "+runbook.Makers(r.Retirement)+" and apply: that deletes the key", "Terraform makes keys of the account: deleted by hand, the next apply would make a new one")
	default:
		c.yes(CodeKeyState, object, "it is disabled")
	}
}

func (c *checker) sameCutOvers(exported runbook.Record) bool {
	consumers, err := exported.Consumers()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(consumers, func(consumer runbook.Consumer) bool {
		record, err := c.Evidence.CutOverOf(consumer)
		return err != nil || !record.Time.Equal(consumer.CutOver)
	})
}

// exportedUse is a key's last use as 3-disable.sh recorded it.
func exportedUse(r runbook.Record) (last, to, cutOver time.Time, soak time.Duration, err error) {
	for field, into := range map[string]*time.Time{"lastAuthenticated": &last, "to": &to} {
		if text := r.Field(field); text != "" && err == nil {
			*into, err = time.Parse(time.RFC3339, text)
		}
	}
	var at, seconds int64
	if _, scanErr := fmt.Sscan(r.Field("cutover")+" "+r.Field("soak"), &at, &seconds); err == nil {
		err = scanErr
	}
	return last, to, time.Unix(at, 0).UTC(), time.Duration(seconds) * time.Second, err
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }
