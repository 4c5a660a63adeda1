# What a pod spec says, one thing a line: the same for a workload's template and for its pods.
pod_words='{{"serviceAccount "}}{{.serviceAccountName}}{{"\n"}}{{range .volumes}}{{$v := .name}}volume {{$v}}{{"\n"}}{{with .secret}}source {{$v}} {{.secretName}}{{"\n"}}{{range .items}}item {{$v}} {{.key}}{{"\n"}}{{end}}{{end}}{{with .configMap}}{{range .items}}item {{$v}} {{.key}}{{"\n"}}{{end}}{{end}}{{with .projected}}{{range .sources}}{{with .secret}}source {{$v}} {{.name}}{{"\n"}}{{range .items}}item {{$v}} {{.key}}{{"\n"}}{{end}}{{end}}{{with .configMap}}{{range .items}}item {{$v}} {{.key}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}{{end}}{{range .containers}}CONTAINER{{end}}{{range .initContainers}}CONTAINER{{end}}{{range .ephemeralContainers}}CONTAINER{{end}}'
container_words='{{$c := .name}}{{range .env}}env {{$c}} {{.name}}{{"\n"}}{{end}}{{range .envFrom}}{{with .secretRef}}envFrom {{$c}} {{.name}}{{"\n"}}{{end}}{{end}}{{range .volumeMounts}}mount {{$c}} {{.mountPath}}{{"\n"}}{{end}}{{range .command}}arg {{$c}} {{printf "%q" .}}{{"\n"}}{{end}}{{range .args}}arg {{$c}} {{printf "%q" .}}{{"\n"}}{{end}}'
pod_words=${pod_words//CONTAINER/$container_words}

# no MESSAGE: this consumer is not verified.
no() {
  printf 'NO: %s: %s\n' "$consumer" "$*" >&2
  trouble=yes
}
still_wired() { # WORDS: the first thing of the key's wiring that is still there
  local thing words=$1
  shift
  for thing in "$@"; do
    case $thing in
    'arg '*) if grep -qF -e "$thing\"" -e "$thing=" <<<"$words"; then printf '%s\n' "$thing"; return 0; fi ;;
    *) if grep -qxF -e "$thing" <<<"$words"; then printf '%s\n' "$thing"; return 0; fi ;;
    esac
  done
  return 1
}
# template CONTEXT NAMESPACE RESOURCE NAME SPEC: what the pod spec says, into $words
template() {
  words=$(run kubectl --context="$1" --namespace="$2" get "$3" "$4" --ignore-not-found -o "go-template={{with $5}}$pod_words{{end}}")
}
check_account() { # CONTEXT NAMESPACE NAME EMAIL
  local live
  if ! live=$(run kubectl --context="$1" --namespace="$2" get serviceaccount "$3" --ignore-not-found \
    -o 'jsonpath={.metadata.name}|{.metadata.annotations.iam\.gke\.io/gcp-service-account}'); then
    no "the service account $2/$3 could not be read in $1"
  elif [[ $live != "$3|"* ]]; then
    no "the service account $2/$3 is not there in $1"
  elif [[ $live != "$3|$4" ]]; then
    no "the service account $2/$3 is annotated for ${live#*|}, and should be for ${4:-no account}"
  fi
}
check_binding() { # RESOURCE ROLE MEMBER OTHER TITLE EXPRESSION ADD-COMMAND...: without its binding a pod gets no token, or one that opens nothing
  local resource=$1 role=$2 member=$3 other=$4 title=$5 expression=$6 file
  shift 6
  file=$work/policy-$(printf '%s' "$resource" | sha256)
  if [[ -e $file ]]; then
    cp -- "$file" "$work/policy"
  elif read_policy "$@"; then
    cp -- "$work/policy" "$file"
  else
    no "the policy of $resource could not be read"
    return 0
  fi
  bound "$role" "$member" "$other" "$title" "$expression" || no "$role on $resource is not granted to $member"
}
check_template() { # CONTEXT NAMESPACE RESOURCE NAME SPEC ACCOUNT WIRING...
  local context=$1 namespace=$2 resource=$3 name=$4 spec=$5 account=$6 thing words
  shift 6
  if ! template "$context" "$namespace" "$resource" "$name" "$spec"; then
    no "could not be read in $context"
  elif [[ -z $words ]]; then
    no "is not there in $context"
  else
    if ! grep -qxF -e "serviceAccount $account" <<<"$words"; then
      no "runs as $(sed -n 's/^serviceAccount //p' <<<"$words") in $context, and should as $account"
    fi
    if thing=$(still_wired "$words" "$@"); then no "still has the $thing in $context"; fi
  fi
}
check_fields() { # CONTEXT NAMESPACE RESOURCE NAME JSONPATH...: fields that must not be there
  local context=$1 namespace=$2 resource=$3 name=$4 field live
  shift 4
  for field in "$@"; do
    if ! live=$(run kubectl --context="$context" --namespace="$namespace" get "$resource" "$name" -o "jsonpath={$field}"); then
      no "could not be read in $context"
    elif [[ -n $live ]]; then
      no "still has the field $field in $context"
    fi
  done
}
# selector RESOURCE: how a workload's pods are found, as a template over the workload
selector_of() {
  case $1 in
  replicationcontrollers) printf '%s' '{{range $k, $v := .spec.selector}}{{$k}}={{$v}},{{end}}' ;;
  *) printf '%s' '{{with .spec.selector}}{{range $k, $v := .matchLabels}}{{$k}}={{$v}},{{end}}{{range .matchExpressions}}{{if eq .operator "In"}}{{.key}} in ({{range $i, $v := .values}}{{if $i}},{{end}}{{$v}}{{end}}),{{else if eq .operator "NotIn"}}{{.key}} notin ({{range $i, $v := .values}}{{if $i}},{{end}}{{$v}}{{end}}),{{else if eq .operator "Exists"}}{{.key}},{{else}}!{{.key}},{{end}}{{end}}{{end}}' ;;
  esac
}
# pods CONTEXT NAMESPACE ARGUMENT...: what the selected pods say, into $pods
list_pods() {
  local context=$1 namespace=$2 more
  shift 2
  more=$(run kubectl --context="$context" --namespace="$namespace" get pods "$@" -o "go-template={{range .items}}{{if not (or (eq .status.phase \"Succeeded\") (eq .status.phase \"Failed\"))}}pod {{.metadata.name}}{{\"\\n\"}}node {{with .spec.nodeName}}{{.}}{{end}}{{\"\\n\"}}{{with .spec}}$pod_words{{end}}{{end}}{{end}}") || return 1
  pods+=$more$'\n'
}
find_pods() { # CONTEXT NAMESPACE RESOURCE NAME
  local jobs job selector
  pods=
  case $3 in
  pods) list_pods "$1" "$2" --field-selector="metadata.name=$4" ;;
  jobs.batch) list_pods "$1" "$2" --selector="job-name=$4" ;;
  cronjobs.batch)
    jobs=$(run kubectl --context="$1" --namespace="$2" get jobs.batch -o go-template='{{range .items}}{{$job := .metadata.name}}{{range .metadata.ownerReferences}}{{if eq .kind "CronJob"}}{{.name}} {{$job}}{{"\n"}}{{end}}{{end}}{{end}}') || return 1
    while read -r selector job; do
      [[ $selector == "$4" ]] || continue
      list_pods "$1" "$2" --selector="job-name=$job" || return 1
    done <<<"$jobs"
    ;;
  *)
    selector=$(run kubectl --context="$1" --namespace="$2" get "$3" "$4" --ignore-not-found -o "go-template=$(selector_of "$3")") || return 1
    if [[ -z $selector ]]; then
      # Nothing says which pods are its own: every pod of the namespace that mounts the key is in question.
      list_pods "$1" "$2" || return 1
      unsure=yes
    else
      list_pods "$1" "$2" --selector="${selector%,}"
    fi
    ;;
  esac
}
check_pods() { # CONTEXT NAMESPACE RESOURCE NAME ACCOUNT WIRING...
  local context=$1 namespace=$2 resource=$3 name=$4 account=$5 pods pod='' node='' words='' kind rest unsure=no
  shift 5
  if ! find_pods "$context" "$namespace" "$resource" "$name"; then
    no "its pods could not be read in $context"
    return 0
  fi
  while IFS= read -r rest; do
    kind=${rest%% *}
    if [[ $kind == pod ]]; then
      check_pod "$context" "$pod" "$node" "$words" "$account" "$unsure" "$@"
      pod=${rest#pod } node='' words=''
    elif [[ $kind == node ]]; then
      node=${rest#node }
    else
      words+=$rest$'\n'
    fi
  done <<<"$pods"
  check_pod "$context" "$pod" "$node" "$words" "$account" "$unsure" "$@"
}
check_pod() { # CONTEXT POD NODE WORDS ACCOUNT UNSURE WIRING...
  local context=$1 pod=$2 node=$3 words=$4 account=$5 unsure=$6 thing
  shift 6
  [[ -n $pod ]] || return 0
  if thing=$(still_wired "$words" "$@"); then
    no "the pod $pod still has the $thing in $context"
  elif [[ $unsure == yes ]]; then
    return 0
  elif ! grep -qxF -e "serviceAccount $account" <<<"$words"; then
    no "the pod $pod runs as $(sed -n 's/^serviceAccount //p' <<<"$words") in $context, and should as $account"
  fi
  count=$((count + 1))
  if [[ -n $node ]]; then check_node "$context" "$node"; fi
}
check_node() { # CONTEXT NODE: its metadata server must be GKE's
  local file label
  if is_true "$autopilot"; then return 0; fi
  file=$work/node-$(printf '%s' "$1/$2" | sha256)
  if [[ ! -e $file ]]; then
    if ! run kubectl --context="$1" get node "$2" -o 'jsonpath={.metadata.labels.iam\.gke\.io/gke-metadata-server-enabled}' >"$file.new"; then
      no "the node $2 could not be read in $1"
      return 0
    fi
    mv -- "$file.new" "$file"
  fi
  label=$(cat -- "$file")
  if ! is_true "$label"; then no "runs on the node $2, whose metadata server is not that of GKE"; fi
}
begin_consumer() { # ID WORKLOAD
  id=$1 consumer=$2 trouble=no count=0
}
end_consumer() {
  if [[ $trouble == yes ]]; then
    failures=$((failures + 1))
    if has "$verify/cutover-$id"; then say "it was verified at $(value "$verify/cutover-$id" time), and is not any more: rollback.sh merge voids that"; fi
    return 0
  fi
  if has "$verify/cutover-$id" && ! intact "$verify/cutover-$id"; then stop "the evidence $verify/cutover-$id was edited"; fi
  record "$verify/cutover-$id" "workload: $consumer" "pods: $count"
  say "keyless: $consumer (cut over by $(value "$verify/cutover-$id" time), $count pods now)"
}
