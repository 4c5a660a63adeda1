// Package github publishes to a GitHub that nobody here wrote. It is a module of its own: it needs Node.
//
//	go -C testdata/github test -count=1 -timeout 15m ./...
//
// The tests run npm ci once, which fetches what package-lock.json pins: emulate, a stateful GitHub, and
// @octokit/openapi, GitHub's description of its REST API. A hub puts emulate behind a proxy that holds every request
// and answer to the description and gives what emulate lacks, and puts git's own smart HTTP server beside it. The
// command dekey runs against the hub as a user runs it, and the same calls of go-github get the same outcomes from the
// hub and from the GitHub of dekey's own tests.
//
// What dekey's own tests are held to is made here of @octokit/openapi (MIT licence): reduce.go says of which
// operations, and this writes it again when the list changes:
//
//	go -C testdata/github test -run TestReducedDescription -update .
package github
