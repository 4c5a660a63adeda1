# A workload that nothing claims is patched where it runs. The patch tests what is there before it removes anything.
check_granted() {
  if ! has "$(turn grant)/done"; then stop 'runbook/1-grant.sh has not granted everything yet'; fi
}
apply_patch() { # CONTEXT NAMESPACE RESOURCE NAME SPEC ACCOUNT WIRING...
  local words context=$1 namespace=$2 resource=$3 name=$4 spec=$5 account=$6
  shift 6
  template "$context" "$namespace" "$resource" "$name" "$spec" || stop "$namespace/$resource/$name could not be read in $context"
  if grep -qxF -e "serviceAccount $account" <<<"$words" && ! still_wired "$words" "$@" >/dev/null; then
    say "patched already: $namespace/$resource/$name in $context"
    return 0
  fi
  run kubectl --context="$context" --namespace="$namespace" patch "$resource" "$name" --type=json --patch-file=patch.json ||
    stop "$namespace/$resource/$name is not as it was when the plan was made: plan again"
}
