// Package runbook writes a plan's commands: bash scripts, Terraform, Config Connector objects and patches for live
// workloads. All of them say the same grants.
//
// Files gives everything for one plan, as the files of the changeset folder. The scripts call gcloud, kubectl,
// openssl and standard tools, never dekey, and need no argument, environment or terminal (rollback.sh takes the
// step). What they learn stays in runbook/evidence/: Evidence reads it back, so that whoever asks the same questions
// in Go comes to the same verdict.
//
// # Evidence
//
// A record is one file of "name: value" lines, made complete under another name and then moved into place; it is
// never written twice. The first lines are plan, time (RFC 3339, UTC) and epoch (seconds); the last is sha256, the
// digest of the lines above it. Every step has a folder per turn: grant-1 until rollback.sh undid it, then grant-2.
//
//	grant-N/    ksa-ID binding before-ID granted-ID possession-KEY account-ID created-ID done
//	verify-N/   cutover-ID
//	disable-N/  export-KEY disabled-KEY
//	delete-N/   deleting-KEY deleted-KEY
//	*/rolled-back
//
// Nothing in this package reads a clock, a file or the network.
package runbook
