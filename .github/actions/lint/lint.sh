#!/usr/bin/env bash
# Runs dekey lint for the action: annotations on standard output, SARIF in a file, and lint's own exit code. A gap (3) fails
# only where the action says so.
set -euo pipefail

flags=()
[ -z "${LINT_SINCE:-}" ] || flags+=("--since=$LINT_SINCE")
[ -z "${LINT_POLICY:-}" ] || flags+=("--policy=$LINT_POLICY")
[ -z "${LINT_BASELINE:-}" ] || flags+=("--baseline=$LINT_BASELINE")
paths=()
while IFS= read -r path; do
  [ -z "$path" ] || paths+=("$path")
done <<<"${LINT_PATHS:-.}"

# run FORMAT: 0, 3 and 4 have a result, everything else has none.
run() {
  local code=0
  "$DEKEY" lint "${flags[@]}" --output="$1" -- "${paths[@]}" || code=$?
  case $code in
    0 | 3 | 4) result=$code ;;
    *) exit "$code" ;;
  esac
}

sarif=$RUNNER_TEMP/dekey.sarif
run sarif >"$sarif"
printf 'sarif=%s\n' "$sarif" >>"$GITHUB_OUTPUT"
run github
if [ "$result" = 3 ] && [ "${LINT_FAIL_ON_GAPS:-false}" != true ]; then
  result=0
fi
exit "$result"
