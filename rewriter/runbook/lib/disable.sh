# Google's evidence about a key's last use. A disabled key vanishes from it, so it is read and kept before.
last_use() { # EMAIL PROJECT KEY-ID: into $last, $from, $to; all empty where there is no answer
  local name="//iam.googleapis.com/projects/$2/serviceAccounts/$1/keys/$3" rows row
  last='' from='' to=''
  rows=$(run gcloud policy-intelligence query-activity --project="$2" --activity-type=serviceAccountKeyLastAuthentication --limit=1000 \
    --query-filter="activities.full_resource_name=\"$name\"" \
    --format='value[separator="|"](fullResourceName,activity.lastAuthenticatedTime,observationPeriod.startTime,observationPeriod.endTime)') || return 1
  while IFS='|' read -r row last from to; do
    if [[ ${row##*/} == "$3" ]]; then return 0; fi
  done <<<"$rows"
  last='' from='' to=''
}
is_time() { [[ $1 == [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*Z ]]; }
# clean LAST TO CUTOVER SOAK: the key was not used since the day after the cut-over, as far as was seen, and that is farther
# than the soak. Google's days are those of Los Angeles: one day more is not use. Says why not.
clean() {
  if ! is_time "$2"; then
    printf 'Google says nothing about its use\n'
  elif [[ ! $2 > $(moment $(($3 + $4))) ]]; then
    printf 'the evidence about its use ends at %s, before the soak is over (%s)\n' "$2" "$(moment $(($3 + $4)))"
  elif [[ -n $1 ]] && ! is_time "$1"; then
    printf 'the day of its last use is not readable\n'
  elif [[ -n $1 && ${1:0:10} > $(day $(($3 + 86400))) ]]; then
    printf 'it was used on %s, after the last cut-over (%s)\n' "${1:0:10}" "$(moment "$3")"
  else
    return 0
  fi
  return 1
}
# begin_key EMAIL PROJECT KEY-ID DIGEST SOAK CUTOVER: a key that may be disabled. CUTOVER is 0, or the time of the evidence about
# a key that nothing uses.
begin_key() {
  email=$1 project=$2 claimed=$3 digest=$4 soak=$5 cutover=$6 trouble=no lines=()
  consumer="key ${4:0:16} of $1"
}
no() {
  printf 'NO: %s: %s\n' "$consumer" "$*" >&2
  trouble=yes
}
consumed_by() { # ID WORKLOAD: its cut-over must have been verified
  local at
  if ! has "$verify/cutover-$1"; then
    no "2-verify.sh has not verified $2"
  elif ! intact "$verify/cutover-$1"; then
    no "the evidence $verify/cutover-$1 was edited"
  else
    at=$(value "$verify/cutover-$1" epoch)
    lines+=("consumer: $1 $at $2")
    if ((at > cutover)); then cutover=$at; fi
  fi
}
check_key() { # asks whether the key of begin_key may be disabled, and exports its last use
  local name=$disable/export-${digest:0:16} did=$disable/disabled-${digest:0:16} why over
  if [[ $trouble == yes ]]; then
    failures=$((failures + 1))
    return 0
  fi
  over=$((cutover + soak))
  if (($(epoch) < over)); then
    no "the soak is over at $(moment "$over")"
  elif ! list_keys "$email" "$project"; then
    no "the keys of $email could not be read"
  elif has "$did" && ! intact "$did"; then
    no "the evidence $did was edited"
  elif has "$did"; then
    state_of "$(value "$did" key)"
    if [[ -z $key ]]; then
      say "deleted by now: $consumer"
    elif is_true "$disabled"; then
      say "disabled at $(value "$did" time): $consumer"
    else
      no "it was disabled at $(value "$did" time), and somebody enabled it since: rollback.sh disable voids that"
    fi
  elif has "$name" && ! intact "$name"; then
    no "the evidence $name was edited"
  elif find_key "$email" "$project" "$claimed" "$digest" && [[ -z $key ]]; then
    no "no public key of $email has this digest: it is not this account's, or is deleted"
  elif is_true "$disabled" && has "$name" && [[ $reason != *EXPOSED* && $reason != *COMPROMISE* ]]; then
    # An earlier run was cut between the disabling and its record.
    record "$did" "email: $email" "project: $project" "key: $key" "digest: $digest"
    say "disabled by an earlier run: $consumer"
  elif is_true "$disabled"; then
    no "it was disabled by somebody else (${reason:-no reason given}), so its last use is unknown"
  elif ! last_use "$email" "$project" "$key"; then
    no "its last use could not be read"
  elif ! why=$(clean "$last" "$to" "$cutover" "$soak"); then
    no "$why"
  else
    record "$name" "email: $email" "project: $project" "key: $key" "digest: $digest" "lastAuthenticated: $last" "from: $from" "to: $to" "cutover: $cutover" "soak: $soak" ${lines[@]+"${lines[@]}"}
    ready+=("$email|$project|$key|$digest")
  fi
  if [[ $trouble == yes ]]; then failures=$((failures + 1)); fi
}
disable_key() { # EMAIL PROJECT KEY-ID DIGEST
  run gcloud iam service-accounts keys disable "$3" --iam-account="$1" --project="$2" || stop "the key $3 of $1 was not disabled"
  list_keys "$1" "$2" || stop "the keys of $1 could not be read back"
  state_of "$3"
  is_true "$disabled" || stop "the key $3 of $1 was disabled, and is not when it is read back"
  record "$disable/disabled-${4:0:16}" "email: $1" "project: $2" "key: $3" "digest: $4"
  say "disabled: the key $3 of $1"
}
