package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/planner"
)

// The defaults of a policy, in days: before keys are disabled, and after that before they are deleted.
const (
	soakDisable = 14
	soakDelete  = 30
)

// A retiring is a key that the scripts may disable and delete, when its evidence is clean.
type retiring struct {
	planner.Retirement
	moves []planner.Move // of its consumers
	// cutover is when Google's evidence about a key without a consumer was read: its soak counts from there.
	cutover                 time.Time
	soakDisable, soakDelete time.Duration
}

// A left is a key that the scripts leave alone, with the reason.
type left struct {
	planner.Retirement
	why string
}

// retiring splits the retirements into keys that the scripts list and keys that they leave alone. Missing evidence from
// Google holds nothing up here: the scripts read it.
func (j *job) retiring() (list []retiring, alone []left) {
	for _, r := range j.plan.Retirements {
		k, why := j.retire(r)
		if why != "" {
			alone = append(alone, left{r, why})
			continue
		}
		list = append(list, k)
	}
	return list, alone
}

func (j *job) retire(r planner.Retirement) (retiring, string) {
	k := retiring{Retirement: r}
	k.Project = j.accountProject(r.Email, r.Project)
	var blocked []string
	for _, b := range r.BlockedBy {
		b.What = cmp.Or(b.What, b.Code)
		switch b.Code {
		case planner.BlockerUseUnknown:
		case planner.BlockerKeyUnknown:
			if r.Key == "" {
				blocked = append(blocked, b.What)
			}
		default:
			blocked = append(blocked, b.What)
		}
	}
	switch {
	case len(blocked) > 0:
		return k, strings.Join(blocked, "; ")
	case r.Key == "" || plain("", r.Key) != nil || len(r.Key) < 16:
		return k, "which key of the account it is was not read"
	case !planner.ValidEmail(r.Email) || !planner.ValidProject(k.Project):
		return k, "the account's name is not one that Google accepts"
	case r.Moved < r.Consumers:
		return k, fmt.Sprintf("%d of %d consumers have moved", r.Moved, r.Consumers)
	case r.Consumers == 0:
		if k.cutover = r.NotUsedAt; k.cutover.IsZero() {
			return k, "nothing that was seen uses it, and Google's evidence does not say that it is not used"
		}
	}
	for _, ref := range r.Workloads {
		i := slices.IndexFunc(j.plan.Moves, func(m planner.Move) bool { return m.Workload == ref })
		if i < 0 {
			return k, ref.String() + " does not move"
		}
		k.moves = append(k.moves, j.plan.Moves[i])
	}
	return k, k.setSoak(j.plan.Soak)
}

// setSoak is the longer of the policy's soak and the longest consumer's schedule plus two days.
func (k *retiring) setSoak(soak planner.Soak) string {
	const dayLength = 24 * time.Hour
	longest := time.Duration(0)
	for _, m := range k.moves {
		if m.Schedule != "" && m.Period <= 0 {
			return "how often " + m.Workload.String() + " runs is not known"
		}
		if m.Schedule != "" {
			longest = max(longest, time.Duration(m.Period)*time.Second+2*dayLength)
		}
	}
	days := func(n, standard int) time.Duration {
		if n <= 0 {
			n = standard
		}
		return time.Duration(n) * dayLength
	}
	k.soakDisable = max(days(soak.Disable, soakDisable), longest)
	k.soakDelete = max(days(soak.Delete, soakDelete), longest)
	return ""
}

const aboutDisable = `3-disable.sh: after the soak. Exports the last use of every key, then disables it.
A key is disabled only when every consumer's cut-over is verified, the soak is over, and Google's evidence, as new as that,
shows no use since. Undo: rollback.sh disable`

const aboutDelete = `4-delete.sh: after the second soak. Deletes keys that 3-disable.sh disabled and nobody enabled since.
Deleting can not be undone. Use after the disabling can not be observed: a disabled key is in none of Google's answers.
Whoever still had the key has failed since, and should have said so.`

// disableScript is 3-disable.sh.
func (j *job) disableScript() (string, error) {
	s := &script{}
	s.line("main() {\n  local -a ready=() lines=()\n  local line\n  verify=$(turn verify) disable=$(turn disable)\n  check_evidence")
	list, alone := j.retiring()
	if !j.retireHead(s, list, alone) {
		return s.whole(j.plan.ID, aboutDisable, "common")
	}
	for _, k := range list {
		s.line("")
		s.call("  ", "begin_key", k.Email, k.Project, keyNumber(k.KeyID), k.Key, seconds(k.soakDisable), cutover(k))
		for _, m := range k.moves {
			s.call("  ", "consumed_by", moveID(m), m.Workload.String())
		}
		s.line("  check_key")
	}
	s.line("\n  for line in ${ready[@]+\"${ready[@]}\"}; do\n    IFS='|' read -r email project key digest <<<\"$line\"")
	s.line("    disable_key \"$email\" \"$project\" \"$key\" \"$digest\"\n  done")
	s.line("  if ((failures > 0)); then stop \"$failures keys above are not disabled\"; fi")
	s.line("  say 'Every key listed here is disabled: 4-delete.sh, when the second soak is over. To undo: rollback.sh disable'\n}\n\nmain")
	return s.whole(j.plan.ID, aboutDisable, "common", "cluster", "key", "disable")
}

// deleteScript is 4-delete.sh.
func (j *job) deleteScript() (string, error) {
	s := &script{}
	s.line("main() {\n  verify=$(turn verify) disable=$(turn disable) delete=$(turn delete)\n  check_evidence")
	s.call("  ", "say", "Use after the disabling can not be observed: a disabled key is in none of Google's answers.")
	list, alone := j.retiring()
	if !j.retireHead(s, list, alone) {
		return s.whole(j.plan.ID, aboutDelete, "common")
	}
	for _, k := range list {
		s.line("")
		s.call("  ", "delete_key", k.Email, k.Project, k.Key, seconds(k.soakDelete), Makers(k.Retirement))
	}
	s.line("\n  if ((failures > 0)); then stop \"$failures keys above are not deleted\"; fi")
	s.line("  say 'Every key listed here is deleted. The Secrets that held them can go: cleanup.patch'\n}\n\nmain")
	return s.whole(j.plan.ID, aboutDelete, "common", "cluster", "key", "disable", "delete")
}

// retireHead starts both scripts: the clusters, and the keys that are left alone. False: nothing is left to do.
func (j *job) retireHead(s *script, list []retiring, alone []left) bool {
	for _, k := range alone {
		what := "the key " + short(k.Key) + " of " + k.Email
		if k.Key == "" {
			what = "the key of " + k.Email
		}
		s.call("  ", "say", visible("left alone: "+what+": "+k.why))
	}
	switch {
	case len(list) == 0 && len(alone) == 0:
		s.line("  say 'this changeset has no key'\n}\n\nmain")
		return false
	case len(list) == 0:
		s.line("  stop 'this changeset has no key that could go yet'\n}\n\nmain")
		return false
	}
	for _, c := range j.clusters {
		j.clusterCheck(s, c)
	}
	return true
}

// Makers names the Terraform that makes keys of a retirement's account, or "": what has to go before such a key is deleted.
func Makers(r planner.Retirement) string {
	var list []string
	for _, m := range r.Makers {
		list = append(list, fmt.Sprintf("%s (%s:%d)", m.Resource, m.Origin.Path, m.Origin.Line))
	}
	return visible(strings.Join(list, ", "))
}

func short(key string) string { return key[:min(len(key), 16)] }

func seconds(d time.Duration) string { return fmt.Sprint(int64(d / time.Second)) }

func cutover(k retiring) string {
	if k.cutover.IsZero() {
		return "0"
	}
	return fmt.Sprint(k.cutover.Unix())
}
