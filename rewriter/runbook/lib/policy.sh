# Policies are read with the same words as they are changed.
read_policy() { # ADD-OR-REMOVE-COMMAND...: role, member, condition's title and expression of every binding, into $work/policy
  local word
  local -a reading=()
  for word in "$@"; do
    case $word in
    add-iam-policy-binding | remove-iam-policy-binding) reading+=(get-iam-policy) ;;
    --role=* | --member=* | --condition=*) ;;
    *) reading+=("$word") ;;
    esac
  done
  run "${reading[@]}" --flatten='bindings[].members' \
    --format='value[separator="|"](bindings.role,bindings.members,bindings.condition.title,bindings.condition.expression)' >"$work/policy"
}
bound() { # ROLE MEMBER OTHER TITLE EXPRESSION
  local role member title expression
  while IFS='|' read -r role member title expression; do
    [[ $role == "$1" && $title == "$4" && $expression == "$5" ]] || continue
    if [[ $member == "$2" ]]; then return 0; fi
    # The other spelling of the same service account counts: the number of the pool's project is all that may be unknown.
    # shellcheck disable=SC2053
    if [[ -n $3 && $member == $3 ]]; then return 0; fi
  done <"$work/policy"
  return 1
}
retry() { # COMMAND...: policies change under concurrent writers, and a new account takes a while to be known
  local wait
  for wait in 2 4 8 16 0; do
    if run "$@"; then return 0; fi
    ((wait == 0)) || sleep "$wait"
  done
  return 1
}
