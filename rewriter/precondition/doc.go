// Package precondition decides whether a step of a migration may go on: grant, merge, verify, disable or delete.
//
// It asks what the scripts of the runbook ask, of facts that somebody else has read, and comes to the same verdict. Needs
// says what to read, Check decides:
//
//	needs, err := precondition.NeedsOf(plan, precondition.Verify)
//	facts := ... // read, from the cluster and from Google
//	result, err := precondition.Check(precondition.Input{Step: precondition.Verify, Plan: plan, Facts: facts, Now: now, ...})
//
// A condition holds, does not hold, or is unknown, and unknown is never taken for fine: a step goes on only where every
// condition that it needs holds. Conditions that are not needed are those that the scripts too name and pass over.
//
// What it can not decide: whether a grant has spread (a policy that was read back shows what is stored), whether a pod gets
// a token (runbook/probe.yaml asks that, for people), and whether a disabled key was tried (a disabled key is in none of
// Google's answers). Each result says so.
//
// Nothing in this package reads a clock, a file or the network.
package precondition
