package cli

// manual is what `dekey help` prints and what the package's documentation says: a test holds them together.
const manual = `dekey takes Google service account key files out of GKE.

It finds every key and every use of it in manifests and clusters, decides per
workload which Kubernetes service account acts as which Google service account,
and writes the change as text that people review: manifest edits, grant
commands, key-deletion steps, a report, a pull request.

dekey never changes a cluster, an IAM policy or a key. It reads, and writes
files, a branch and a pull request.

Stages
  scan      finds keys and their uses               -> inventory (JSON)
  plan      decides, and says what it can not decide -> plan (JSON)
  rewrite   edits manifests, writes the scripts      -> changeset folder
  draft     the three in one go
  report    shows any of them, for people and programs
  publish   puts a changeset on a branch               -> pull request
  check     is a step's precondition true now? The scripts ask the same
  lint      finds what brings keys back, for CI      -> violations
  guard     writes policies that keep keys out       -> files

Exit codes
  0  done
  1  failed: nothing usable was written (publish: a pull request failed)
  2  the command line or a policy file is wrong
  3  done, but something that should have been readable was not: gaps says where
  4  lint found violations, or report --verify or check that something does not
     hold

What dekey can not see
  Variables that an image sets itself, or an entrypoint script inside an image.
  Keys in a CI system's own secret store, on laptops, or on machines outside the
  cluster: only Google's own evidence of a key's use shows those.
  Whether a program signs, or reads its key in code of its own: it asks.
  Offline, whether a key in a Secret is still alive, and who else holds a grant.`
