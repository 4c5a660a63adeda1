autopilot=
# The cluster that a context reaches must be the one that the plan means.
check_cluster() { # PROJECT LOCATION NAME CONTEXT POOL SERVER
  local project=$1 location=$2 name=$3 context=$4 pool=$5 server=$6 live host facts actual endpoint known=no
  live=$(run kubectl config view --context="$context" --minify -o 'jsonpath={.clusters[0].cluster.server}') ||
    stop "the context $context is not in the kubeconfig: gcloud container clusters get-credentials $name --location=$location --project=$project"
  if [[ -n $server && $live != "$server" ]]; then
    stop "the context $context reaches $live, and the plan was made for $server"
  fi
  if [[ -z $name ]]; then
    say "not checked: the plan does not name the GKE cluster behind $context, so its workload pool was not read"
    return 0
  fi
  facts=$(run gcloud container clusters describe "$name" --location="$location" --project="$project" \
    --format='value[separator="|"](workloadIdentityConfig.workloadPool,autopilot.enabled,endpoint,privateClusterConfig.privateEndpoint,privateClusterConfig.publicEndpoint,controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint,controlPlaneEndpointsConfig.ipEndpointsConfig.publicEndpoint,controlPlaneEndpointsConfig.ipEndpointsConfig.privateEndpoint)') ||
    stop "the cluster $project/$location/$name could not be read"
  host=${live#*://}
  host=${host%%/*}
  host=${host%:*}
  IFS='|' read -r actual autopilot endpoint <<<"$facts"
  case "|$endpoint|" in *"|$host|"*) known=yes ;; esac
  if [[ $known != yes ]]; then
    stop "the context $context reaches $live, which is no endpoint of the cluster $project/$location/$name"
  fi
  if [[ -n $pool && $actual != "$pool" ]]; then
    stop "the workload pool of $project/$location/$name is ${actual:-not set}, and the plan was made for $pool"
  fi
}
