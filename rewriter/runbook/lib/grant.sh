check_api() { # PROJECT API
  local enabled
  if ! enabled=$(run gcloud services list --enabled --project="$1" --filter="config.name=$2" --format='value(config.name)'); then
    refuse "the enabled APIs of $1 could not be read"
  elif [[ $enabled != "$2" ]]; then
    refuse "the API $2 is off in $1: gcloud services enable $2 --project=$1"
  fi
}

# Nodes whose metadata server is not GKE's give a pod the node's identity, whatever is granted.
list_nodes() { # PROJECT LOCATION NAME: node pools with another metadata server, their labels and taints, into $node_pools
  local pools pool mode labels taints
  node_pools=
  if is_true "$autopilot"; then return 0; fi
  if ! pools=$(run gcloud container node-pools list --cluster="$3" --location="$2" --project="$1" \
    --format='value[separator="|"](name,config.workloadMetadataConfig.mode,config.labels,config.taints[].key,config.taints[].value,config.taints[].effect)'); then
    refuse "the node pools of $1/$2/$3 could not be read"
    return 0
  fi
  while IFS='|' read -r pool mode labels taints; do
    if [[ -n $pool && $mode != GKE_METADATA ]]; then node_pools+="$pool|;$labels;cloud.google.com/gke-nodepool=$pool;|$taints"$'\n'; fi
  done <<<"$pools"
}
check_nodes() { # CONTEXT NAMESPACE RESOURCE NAME POD-SPEC
  local spec pool labels keys values effects required=affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
  [[ -n $node_pools ]] || return 0
  if ! spec=$(run kubectl --context="$1" --namespace="$2" get "$3" "$4" --ignore-not-found \
    -o "jsonpath={$5.nodeSelector}{\"\\n\"}{$5.containers[*].resources}{$5.initContainers[*].resources}{\"\\n\"}{range $5.tolerations[*]}tolerate|{.key}|{.operator}|{.value}|{.effect}{\"\\n\"}{end}{range $5.$required.nodeSelectorTerms[*]}term{\"\\n\"}{range .matchExpressions[*]}need|{.key}|{.operator}|{.values}{\"\\n\"}{end}{end}"); then
    refuse "$2/$3/$4 could not be read in $1"
    return 0
  fi
  while IFS='|' read -r pool labels keys values effects; do
    [[ -n $pool ]] || continue
    if lands; then refuse "$2/$3/$4 may run in the node pool $pool, where workloadMetadataConfig.mode is not GKE_METADATA"; fi
  done <<<"$node_pools"
}
# lands: can a pod of $spec run in the pool of $labels, $keys, $values and $effects? What only the node itself would tell fits.
lands() {
  local selector devices pair kind key operator value terms=0 term=no any=no i
  local -a taints=() with=() effect=()
  { read -r selector && read -r devices; } <<<"$spec"
  selector=${selector//[\{\}\"]/}
  while IFS= read -r -d ',' pair; do
    if [[ -n $pair ]] && ! fits "${pair%%:*}" In "[\"${pair#*:}\"]"; then return 1; fi
  done <<<"$selector,"
  while IFS='|' read -r kind key operator value; do
    case $kind in
    term)
      if [[ $term == yes ]]; then any=yes; fi
      terms=$((terms + 1)) term=yes
      ;;
    need) fits "$key" "$operator" "$value" || term=no ;;
    esac
  done <<<"$spec"
  if ((terms > 0)) && [[ $term == no && $any == no ]]; then return 1; fi
  IFS=';' read -r -a taints <<<"$keys"
  IFS=';' read -r -a with <<<"$values"
  IFS=';' read -r -a effect <<<"$effects"
  for ((i = 0; i < ${#taints[@]}; i++)); do
    case ${effect[i]-} in
    NO_SCHEDULE) tolerates "${taints[i]}" "${with[i]-}" NoSchedule || return 1 ;;
    NO_EXECUTE) tolerates "${taints[i]}" "${with[i]-}" NoExecute || return 1 ;;
    esac
  done
}
fits() { # KEY OPERATOR VALUES: a requirement of a node's labels
  local have
  case $labels in
  *";$1="*)
    have=${labels#*";$1="}
    have=${have%%;*}
    case $2 in
    In) [[ $3 == *"\"$have\""* ]] ;;
    NotIn) [[ $3 != *"\"$have\""* ]] ;;
    DoesNotExist) return 1 ;;
    esac
    ;;
  *)
    case $1 in *kubernetes.io/* | *cloud.google.com/*) return 0 ;; esac
    case $2 in In | Exists) return 1 ;; esac
    ;;
  esac
}
tolerates() { # KEY VALUE EFFECT: a taint. GKE adds the toleration of its own taints, and of devices that a container asks for
  local kind key operator value effect
  case $1 in *kubernetes.io/* | *gke.io/*) return 0 ;; esac
  if [[ $1 == */* && $devices == *"\"$1\":"* ]]; then return 0; fi
  while IFS='|' read -r kind key operator value effect; do
    [[ $kind == tolerate && (-z $effect || $effect == "$3") ]] || continue
    if [[ $operator == Exists ]]; then
      if [[ -z $key || $key == "$1" ]]; then return 0; fi
    elif [[ $key == "$1" && $value == "$2" ]]; then
      return 0
    fi
  done <<<"$spec"
  return 1
}

# A new service account's name must be free, or be there as this changeset makes it.
check_new_account() { # ID CONTEXT NAMESPACE NAME EMAIL
  local live
  if ! live=$(run kubectl --context="$2" --namespace="$3" get serviceaccount "$4" --ignore-not-found \
    -o 'jsonpath={.metadata.name}|{.metadata.annotations.iam\.gke\.io/gcp-service-account}'); then
    refuse "the service account $3/$4 could not be read in $2"
    return 0
  fi
  if [[ -z $live || $live == '|' ]]; then
    printf '%s\n' "$1" absent "$2" "$3/$4" >"$work/ksa-$1"
  elif [[ -n $5 && $live == "$4|$5" ]]; then
    printf '%s\n' "$1" present "$2" "$3/$4" >"$work/ksa-$1"
  elif intact "$grant/ksa-$1" && [[ $(value "$grant/ksa-$1" state) == absent && $live == "$4|$5" ]]; then
    say "the service account $3/$4 was not there before the first run of this script"
  else
    refuse "the service account $3/$4 exists in $2 and is not this changeset's"
  fi
}

record_accounts() { # what check_new_account saw
  local file id state context name
  for file in "$work"/ksa-*; do
    [[ -e $file ]] || continue
    { read -r id && read -r state && read -r context && read -r name; } <"$file"
    record "$grant/ksa-$id" "context: $context" "serviceAccount: $name" "state: $state"
  done
}

# What the old service account carries, the new one must carry too: pull secrets, annotations, role bindings.
check_old_account() { # CONTEXT NAMESPACE OLD NEW PULL-SECRETS ANNOTATIONS BINDINGS (each |-separated, with | around)
  local context=$1 namespace=$2 old=$3 new=$4 carried=$5$6$7 live kind name file all
  if ! live=$(run kubectl --context="$context" --namespace="$namespace" get serviceaccount "$old" --ignore-not-found -o go-template='{{range .imagePullSecrets}}secret {{.name}}{{"\n"}}{{end}}{{range $k, $v := .metadata.annotations}}annotation {{$k}}{{"\n"}}{{end}}'); then
    refuse "the service account $namespace/$old could not be read in $context"
    return 0
  fi
  while read -r kind name; do
    case "$kind $name" in
    ' ') continue ;;
    'annotation kubectl.kubernetes.io/'* | 'annotation meta.helm.sh/'* | 'annotation argocd.argoproj.io/'* | 'annotation kustomize.toolkit.fluxcd.io/'* | 'annotation helm.toolkit.fluxcd.io/'* | 'annotation config.kubernetes.io/'*) continue ;;
    esac
    case $carried in *"|$name|"*) ;; *) refuse "the live service account $namespace/$old has the $kind $name, which $namespace/$new does not get" ;; esac
  done <<<"$live"
  file=$work/bindings-$(printf '%s' "$context" | sha256)
  if [[ ! -e $file ]]; then
    if ! run kubectl --context="$context" get rolebindings.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io --all-namespaces -o go-template='{{range .items}}{{$b := .}}{{range .subjects}}{{$b.kind}}/{{with $b.metadata.namespace}}{{.}}/{{end}}{{$b.metadata.name}} {{.kind}}:{{with .namespace}}{{.}}{{end}}:{{.name}}{{"\n"}}{{end}}{{end}}' >"$file.new"; then
      refuse "the role bindings could not be read in $context"
      return 0
    fi
    mv -- "$file.new" "$file"
  fi
  all=$(cat -- "$file")
  while read -r name kind; do
    case $kind in "ServiceAccount:$namespace:$old" | "User:"*":system:serviceaccount:$namespace:$old") ;; *) continue ;; esac
    case $carried in *"|$name|"*) continue ;; esac
    if grep -qxF -e "$name ServiceAccount:$namespace:$new" <<<"$all"; then continue; fi
    refuse "the live $name names $namespace/$old, and this changeset does not add $namespace/$new to it"
  done <<<"$all"
}

# Possession: one of the account's public keys has the digest of the key that was found. Without that proof somebody else's
# account could be had by writing its e-mail into a file.
prove() { # EMAIL PROJECT KEY-ID DIGEST
  local email=$1 digest=$4 name=$grant/possession-${4:0:16}
  if intact "$name"; then
    say "possession of a key of $email was proven at $(value "$name" time)"
    return 0
  fi
  if ! list_keys "$1" "$2"; then
    refuse "the keys of $email could not be read, so nothing proves that the key found is one of them"
    return 0
  fi
  find_key "$@"
  if [[ -z $key ]]; then
    refuse "no public key of $email has the digest $digest: the key found is not this account's, or is deleted"
  elif is_true "$disabled"; then
    refuse "the key $key of $email is disabled: a grant would give back access that is gone"
  elif [[ -n $expires && $expires < $(now) ]]; then
    refuse "the key $key of $email expired at $expires: a grant would give back access that is gone"
  else
    record "$name" "email: $email" "digest: $digest" "key: $key"
  fi
}

# A binding, with what was there before. The arguments after the condition are the command that adds it.
bind() { # ID RESOURCE ROLE MEMBER OTHER TITLE EXPRESSION ADD-COMMAND...
  local id=$1 resource=$2 role=$3 member=$4 other=$5 title=$6 expression=$7 present=no line
  local -a was=()
  shift 7
  if has "$grant/granted-$id" && ! intact "$grant/granted-$id"; then stop "the evidence $grant/granted-$id was edited"; fi
  read_policy "$@" || stop "the policy of $resource could not be read"
  if bound "$role" "$member" "$other" "$title" "$expression"; then present=yes; fi
  if ! has "$grant/before-$id"; then
    while IFS= read -r line; do was+=("binding: $line"); done <"$work/policy"
    record "$grant/before-$id" "resource: $resource" "role: $role" "member: $member" "title: $title" "expression: $expression" "present: $present" ${was[@]+"${was[@]}"}
  fi
  if [[ $present == no ]]; then
    retry "$@" || stop "$role on $resource was not granted to $member"
    read_policy "$@" || stop "the policy of $resource could not be read back"
    bound "$role" "$member" "$other" "$title" "$expression" || stop "$role on $resource was granted to $member, and is not in the policy that was read back"
  fi
  record "$grant/granted-$id" "resource: $resource" "role: $role" "member: $member" "title: $title" "expression: $expression" "made: $([[ $(value "$grant/before-$id" present) == no ]] && printf yes || printf no)"
  say "there: $role on $resource for $member"
}

# A new Google service account (a split). It is made only where it is not there.
create_account() { # ID EMAIL PROJECT DISPLAY-NAME
  local id=$1 email=$2 project=$3 unique state=absent
  if unique=$(run gcloud iam service-accounts describe "$email" --project="$project" --format='value(uniqueId)'); then
    state=$unique
  fi
  record "$grant/account-$id" "email: $email" "state: $state"
  if [[ $state == absent ]]; then
    run gcloud iam service-accounts create "${email%%@*}" --project="$project" --display-name="$4" || stop "the account $email was not made"
    unique=$(retry gcloud iam service-accounts describe "$email" --project="$project" --format='value(uniqueId)') || stop "the account $email was made, and can not be read"
  fi
  if [[ $(value "$grant/account-$id" state) == absent ]]; then
    record "$grant/created-$id" "email: $email" "uniqueId: $unique"
  fi
}
