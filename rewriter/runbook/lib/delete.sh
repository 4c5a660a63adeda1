delete_key() { # EMAIL PROJECT DIGEST SOAK MAKERS
  local email=$1 project=$2 short=${3:0:16} soak=$4 makers=$5 name did over why
  consumer="key $short of $1" trouble=no
  name=$disable/export-$short did=$disable/disabled-$short
  if ! has "$name" || ! has "$did"; then
    no "3-disable.sh has not disabled it"
  elif ! intact "$name" || ! intact "$did"; then
    no "its evidence in $disable was edited"
  elif ! same_cutovers "$name"; then
    no "the cut-over of a consumer was undone or verified again since"
  elif ! why=$(clean "$(value "$name" lastAuthenticated)" "$(value "$name" to)" "$(value "$name" cutover)" "$(value "$name" soak)"); then
    no "$why"
  elif over=$(($(value "$did" epoch) + soak)) && (($(epoch) < over)); then
    no "the second soak is over at $(moment "$over")"
  elif ! list_keys "$email" "$project"; then
    no "the keys of $email could not be read"
  else
    state_of "$(value "$did" key)"
    if [[ -z $key ]]; then
      record "$delete/deleted-$short" "email: $email" "key: $(value "$did" key)" "by: $(if has "$delete/deleting-$short"; then printf 'this script'; else printf 'somebody else'; fi)"
      say "gone: $consumer"
    elif ! is_true "$disabled"; then
      no "somebody enabled it after it was disabled"
    elif [[ -n $makers ]]; then
      no "Terraform makes keys of $email: remove $makers and apply, which deletes the key; deleted here, the next apply would make a new one"
    else
      record "$delete/deleting-$short" "email: $email" "key: $key" "digest: $3"
      run gcloud iam service-accounts keys delete "$key" --iam-account="$email" --project="$project" --quiet || stop "the key $key of $email was not deleted"
      list_keys "$email" "$project" || stop "the keys of $email could not be read back"
      state_of "$(value "$did" key)"
      [[ -z $key ]] || stop "the key $key of $email was deleted, and is still there when it is read back"
      record "$delete/deleted-$short" "email: $email" "key: $(value "$did" key)" 'by: this script'
      say "deleted: $consumer"
    fi
  fi
  if [[ $trouble == yes ]]; then failures=$((failures + 1)); fi
}
same_cutovers() { # EXPORT: the consumers' evidence is what the export was made with
  local id at rest
  while read -r id at rest; do
    [[ -n $id ]] || continue
    intact "$verify/cutover-$id" || return 1
    [[ $(value "$verify/cutover-$id" epoch) == "$at" ]] || return 1
  done < <(sed -n 's/^consumer: //p' "$evidence/$1")
}
