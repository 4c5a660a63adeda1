// Package lint is what `dekey lint` refuses: rules over what a scan found and what the checkout's text says about
// identities. It is pure: the same input gives the same violations, in the same order.
//
//	result := lint.Run(lint.Input{Inventory: inventory, Facts: facts, Policy: policy})
//
// A rule speaks only of what is written. What an expression hides, a module that is elsewhere, a template that nobody
// filled in is unknown: no violation, and no proof that all is well. Each rule's code has a text in package explain.
package lint
