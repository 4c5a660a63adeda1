package runbook

import (
	"cmp"
	"slices"

	"dekey/planner"
	"dekey/scanner"
)

const aboutRollback = `rollback.sh grant|merge|disable|delete: undoes one step, as far as the evidence says that this changeset did it.
Go backwards: disable, then merge, then grant. Deleting can not be undone.`

// rollbackScript is rollback.sh.
func (j *job) rollbackScript() (string, error) {
	s := &script{}
	if err := j.rollbackGrant(s); err != nil {
		return "", err
	}
	j.rollbackMerge(s)
	j.rollbackDisable(s)
	s.line(`rollback_delete() {
  if ! ls "$evidence"/delete-*/deleted-* >/dev/null 2>&1; then
    say 'this changeset has deleted no key'
    return 0
  fi
  stop 'a deleted key can not be brought back. A workload that still needs one needs a new key, or its move'
}

grant=$(turn grant) verify=$(turn verify) disable=$(turn disable)
case ${1-} in
grant | merge | disable | delete) "rollback_$1" ;;
*)
  say 'usage: rollback.sh grant|merge|disable|delete'
  exit 2
  ;;
esac`)
	return s.whole(j.plan.ID, aboutRollback, "common", "cluster", "key", "policy", "verify", "rollback")
}

func (j *job) rollbackGrant(s *script) error {
	s.line("# Takes back the bindings, and the accounts, that 1-grant.sh made.\nrollback_grant() {")
	if len(j.clusters) == 0 {
		s.call("  ", "stop", "the plan knows no cluster, so nothing shows that no moved pod runs: take the bindings back by hand, when none does")
		s.line("}\n")
		return nil
	}
	for _, c := range j.clusters {
		j.clusterCheck(s, c)
		for _, m := range j.plan.Moves {
			if !j.runsIn(m, c) {
				continue
			}
			sa := m.ServiceAccount
			if sa.Create {
				s.call("  ", "runs_as", c.Context, sa.Namespace, sa.Name)
			}
			if w := j.wiring(m); w.spec != "" {
				s.call("  ", append([]string{"has_moved", c.Context, m.Workload.Namespace, Resource(m.Workload), m.Workload.Name, w.spec, sa.Name}, w.words...)...)
			}
		}
	}
	s.line("  stop_if_refused")
	bindings := j.bindings()
	for i := len(bindings) - 1; i >= 0; i-- {
		b := bindings[i]
		s.WriteString("  " + Line([]string{"unbind", b.id, b.Resource, b.Role, b.Member, j.otherSpelling(b.Member), b.Title, b.Condition}) + " \\\n")
		s.call("    ", RemoveBinding(b.Grant)...)
	}
	for _, account := range j.plan.Accounts {
		s.call("  ", "remove_account", id(account.Email), account.Email, account.Project)
	}
	s.line("  if [[ -e $evidence/$grant ]]; then end_turn \"$grant\"; fi\n  say 'The grants of this changeset are taken back.'\n}\n")
	return nil
}

func (j *job) rollbackMerge(s *script) {
	s.line("# The merge is undone by people. This makes sure that the old manifests would work, and voids the verification.\nrollback_merge() {")
	for _, key := range j.usedKeys() {
		s.call("  ", "still_works", key.Email, j.accountProject(key.Email, key.Project), keyNumber(key.KeyID), key.ID)
	}
	s.line("  stop_if_refused\n  if [[ -e $evidence/$verify ]]; then end_turn \"$verify\"; fi")
	s.call("  ", "say", "The keys work. Revert the merge now (git revert, or git apply -R changes.patch), and let it roll out. The verification is void: 2-verify.sh has to run again after the next merge.")
	s.line("}\n")
}

func (j *job) rollbackDisable(s *script) {
	s.line("# Enables the keys that 3-disable.sh disabled. A key that Google disabled stays disabled.\nrollback_disable() {")
	list, _ := j.retiring()
	for _, k := range list {
		s.call("  ", "enable_key", k.Email, k.Project, k.Key)
	}
	s.line("  if ((failures > 0)); then stop \"$failures keys above are not enabled\"; fi")
	s.line("  if [[ -e $evidence/$disable ]]; then end_turn \"$disable\"; fi\n  say 'The keys that this changeset disabled are enabled.'\n}\n")
}

// usedKeys are the keys that the workloads used before their moves, each once.
func (j *job) usedKeys() []scanner.Key {
	var keys []scanner.Key
	seen := map[string]bool{}
	for _, m := range j.plan.Moves {
		for _, keyID := range m.Keys {
			key, known := j.keys[keyID]
			if known && key.Type == scanner.TypeServiceAccount && !seen[keyID] && planner.ValidEmail(key.Email) {
				seen[keyID] = true
				keys = append(keys, key)
			}
		}
	}
	sortKeys(keys)
	return keys
}

func sortKeys(keys []scanner.Key) {
	slices.SortFunc(keys, func(a, b scanner.Key) int { return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.ID, b.ID)) })
}
