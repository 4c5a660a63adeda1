// Package planner decides: which Kubernetes service account acts as which Google service account, for every
// workload that uses a key, and what must hold before a key can go.
//
// It is pure. It has no context, no clock and reads nothing; New gives the same Plan for the same Inventory and
// Policy. What it can not decide it does not guess: every finding ends in exactly one place, a Move or a Hold, and a
// Hold asks one question.
package planner
