# A key is known by the digest of its public key. Its id at Google is looked up by that: a file may name another.
public_digest() { # EMAIL PROJECT KEY-ID: SHA-256 of the public key (SPKI, DER)
  local file=$work/public-key
  rm -f -- "$file"
  run gcloud beta iam service-accounts keys get-public-key "$3" --iam-account="$1" --project="$2" --output-file="$file" || return 1
  if grep -q 'BEGIN CERTIFICATE' "$file"; then
    run openssl x509 -in "$file" -noout -pubkey >"$file.pem" || return 1
  else
    cp -- "$file" "$file.pem"
  fi
  run openssl pkey -pubin -in "$file.pem" -outform DER -out "$file.der" || return 1
  sha256 <"$file.der"
}
list_keys() { # EMAIL PROJECT: the account's own keys, into $keys
  keys=$(run gcloud iam service-accounts keys list --iam-account="$1" --project="$2" --managed-by=user \
    --format='value[separator="|"](name.basename(),disabled,validBeforeTime,disableReason)')
}
find_key() { # EMAIL PROJECT KEY-ID DIGEST: into $key, $disabled, $expires, $reason; $key is empty where there is none
  local digest=$4 order
  # The key that the file names first, then the others.
  order=$(
    grep -e "^${3:-none}|" <<<"$keys" || true
    grep -v -e "^${3:-none}|" <<<"$keys" || true
  )
  while IFS='|' read -r key disabled expires reason; do
    [[ -n $key ]] || continue
    if [[ $(public_digest "$1" "$2" "$key") == "$digest" ]]; then return 0; fi
  done <<<"$order"
  key=
}
state_of() { # KEY-ID: into $key, $disabled, $expires, $reason, from $keys
  while IFS='|' read -r key disabled expires reason; do
    if [[ $key == "$1" ]]; then return 0; fi
  done <<<"$keys"
  key=
}
