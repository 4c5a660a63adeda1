end_turn() { # FOLDER: what was done in it is undone
  record "$1/rolled-back" 'by: rollback.sh'
}
unbind() { # ID RESOURCE ROLE MEMBER OTHER TITLE EXPRESSION REMOVE-COMMAND...
  local name=$grant/granted-$1 resource=$2 role=$3 member=$4 title=$6 expression=$7
  shift 7
  if ! has "$name"; then return 0; fi
  intact "$name" || stop "the evidence $name was edited"
  if [[ $(value "$name" made) != yes ]]; then
    say "left: $role on $resource for $member was there before"
    return 0
  fi
  read_policy "$@" || stop "the policy of $resource could not be read"
  if bound "$role" "$member" '' "$title" "$expression"; then
    run "$@" || stop "$role on $resource was not taken back from $member"
    read_policy "$@" || stop "the policy of $resource could not be read back"
    if bound "$role" "$member" '' "$title" "$expression"; then stop "$role on $resource was taken back from $member, and is still there"; fi
  fi
  say "taken back: $role on $resource from $member"
}
remove_account() { # ID EMAIL PROJECT
  local name=$grant/created-$1 unique
  if ! has "$name"; then return 0; fi
  intact "$name" || stop "the evidence $name was edited"
  unique=$(run gcloud iam service-accounts describe "$2" --project="$3" --format='value(uniqueId)') || {
    say "gone: the account $2"
    return 0
  }
  [[ $unique == "$(value "$name" uniqueId)" ]] || stop "the account $2 is not the one that 1-grant.sh made"
  run gcloud iam service-accounts delete "$2" --project="$3" --quiet || stop "the account $2 was not deleted"
  say "deleted: the account $2 (gcloud iam service-accounts undelete $unique, within 30 days)"
}
has_moved() { # CONTEXT NAMESPACE RESOURCE NAME SPEC ACCOUNT WIRING...: refuses a workload that runs without its key
  local words context=$1 namespace=$2 resource=$3 name=$4 spec=$5 account=$6
  shift 6
  if ! template "$context" "$namespace" "$resource" "$name" "$spec"; then
    refuse "$namespace/$resource/$name could not be read in $context"
  elif [[ -n $words ]] && grep -qxF -e "serviceAccount $account" <<<"$words" && ! still_wired "$words" "$@" >/dev/null; then
    refuse "$namespace/$resource/$name has moved in $context, and would lose its access: undo the merge first"
  fi
}
runs_as() { # CONTEXT NAMESPACE ACCOUNT: refuses while pods run under a new service account
  local pods
  if ! pods=$(run kubectl --context="$1" --namespace="$2" get pods -o "go-template={{range .items}}{{if and (eq .spec.serviceAccountName \"$3\") (not (or (eq .status.phase \"Succeeded\") (eq .status.phase \"Failed\")))}}{{.metadata.name}} {{end}}{{end}}"); then
    refuse "the pods of $2 could not be read in $1"
  elif [[ -n $pods ]]; then
    refuse "pods run as $2/$3 in $1: $pods"
  fi
}
still_works() { # EMAIL PROJECT KEY-ID DIGEST: the key that the old manifests use must be there and enabled
  if ! list_keys "$1" "$2"; then
    refuse "the keys of $1 could not be read"
    return 0
  fi
  find_key "$@"
  if [[ -z $key ]]; then
    refuse "the key ${4:0:16} of $1 is deleted: nothing can bring it back, and without it the old manifests do not work"
  elif is_true "$disabled"; then
    refuse "the key $key of $1 is disabled: rollback.sh disable first"
  fi
}
enable_key() { # EMAIL PROJECT DIGEST
  local short=${3:0:16} name=$disable/disabled-${3:0:16} export=$disable/export-${3:0:16} id
  if has "$name"; then
    intact "$name" || stop "the evidence $name was edited"
    id=$(value "$name" key)
  elif has "$export"; then
    intact "$export" || stop "the evidence $export was edited"
    id=$(value "$export" key)
  else
    return 0
  fi
  list_keys "$1" "$2" || stop "the keys of $1 could not be read"
  state_of "$id"
  if [[ -z $key ]]; then
    refuse "the key $id of $1 is deleted: nothing can bring it back"
  elif ! is_true "$disabled"; then
    say "enabled: the key $id of $1"
  elif [[ $reason == *EXPOSED* || $reason == *COMPROMISE* ]]; then
    refuse "Google disabled the key $id of $1 ($reason): it stays disabled"
  else
    run gcloud iam service-accounts keys enable "$id" --iam-account="$1" --project="$2" || stop "the key $id of $1 was not enabled"
    list_keys "$1" "$2" || stop "the keys of $1 could not be read back"
    state_of "$id"
    if is_true "$disabled"; then stop "the key $id of $1 was enabled, and is not when it is read back"; fi
    say "enabled: the key $id of $1 (evidence $short)"
  fi
}
