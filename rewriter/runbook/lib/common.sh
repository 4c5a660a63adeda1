export LC_ALL=C CLOUDSDK_CORE_DISABLE_PROMPTS=1
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
exec </dev/null

evidence=evidence
failures=0
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Everything that is said goes to standard error: standard output is for what commands answer.
say() { printf '%s\n' "$*" >&2; }
refuse() {
  printf 'NO: %s\n' "$*" >&2
  failures=$((failures + 1))
}
stop() {
  printf 'STOP: %s\n' "$*" >&2
  exit 1
}
stop_if_refused() {
  if ((failures > 0)); then stop "$failures of the checks above failed; nothing was changed"; fi
}

# run COMMAND...: shows the command, then runs it.
run() {
  local word line='+'
  for word in "$@"; do
    printf -v word '%q' "$word"
    line+=" $word"
  done
  printf '%s\n' "$line" >&2
  "$@"
}

is_true() { [[ $1 == [Tt]rue ]]; } # gcloud prints True, kubectl true
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
epoch() { date -u +%s; }
# day EPOCH, moment EPOCH: the date, and the time, in UTC (GNU date, then BSD date).
day() { date -u -d "@$1" +%Y-%m-%d 2>/dev/null || date -u -r "$1" +%Y-%m-%d; }
moment() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$1" +%Y-%m-%dT%H:%M:%SZ; }
sha256() {
  local digest
  digest=$(openssl dgst -sha256 -r) || return 1
  printf '%s\n' "${digest%% *}"
}

# Evidence: a record is a file of "name: value" lines, written once, with the digest of its lines as the last one.
# Every step has a folder for each turn: rollback.sh ends a turn, and the next run of the step begins another.
turn() { # STEP: the folder of the turn that runs now
  local n=1
  while [[ -e $evidence/$1-$n/rolled-back ]]; do n=$((n + 1)); done
  printf '%s-%s\n' "$1" "$n"
}
has() { [[ -e $evidence/$1 ]]; }
record() { # FOLDER/NAME LINE...
  local name=$1 new line
  shift
  if has "$name"; then return 0; fi
  mkdir -p -- "$evidence/${name%/*}"
  new=$(mktemp "$work/record.XXXXXX")
  printf '%s\n' "plan: $plan" "time: $(now)" "epoch: $(epoch)" >"$new"
  for line in "$@"; do printf '%s\n' "${line//[$'\001'-$'\037']/ }" >>"$new"; done
  printf 'sha256: %s\n' "$(sha256 <"$new")" >>"$new"
  cp -- "$new" "$evidence/${name%/*}/.new"
  mv -n -- "$evidence/${name%/*}/.new" "$evidence/$name"
}
intact() { # FOLDER/NAME: the record is there, of this plan, and as it was written
  local file=$evidence/$1 line first='' last=''
  [[ -f $file ]] || return 1
  while IFS= read -r line; do first=${first:-$line} last=$line; done <"$file"
  [[ $first == "plan: $plan" && $last == "sha256: $(sed '$d' "$file" | sha256)" ]]
}
value() { # FOLDER/NAME FIELD: the field's first value
  sed -n "s/^$2: //p" "$evidence/$1" | sed -n 1p
}
check_evidence() { # every record of the turns that run now is as it was written, and of this plan
  local step file
  for step in grant verify disable delete; do
    for file in "$evidence/$(turn "$step")"/*; do
      [[ -e $file ]] || continue
      intact "${file#"$evidence/"}" || refuse "the evidence $file was edited"
    done
  done
  stop_if_refused
}
