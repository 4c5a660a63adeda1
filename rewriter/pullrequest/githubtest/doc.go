// Package githubtest is a GitHub for tests: in process, stateful, on loopback, without a network.
//
// Its REST answers and the requests that it takes are held to GitHub's own OpenAPI description: whatever is not as
// described is a violation, and fails the test. Its repositories are real bare repositories on disk, served by git's
// own smart HTTP server, so that a push and the API agree. It knows GitHub's rules for what dekey does there: one open
// pull request for a head and a base, heads that exist, protected branches, collaborators, forks, drafts, rate limits.
//
//	hub := githubtest.New(t, githubtest.Config{})
//	repository := hub.Repository("acme/shop", map[string]string{"apps/api.yaml": manifest})
//	... a client with BaseURL hub.API and a push to repository.URL() with hub.Token ...
//	pulls := repository.Pulls()
//
// A Fault stands for what goes wrong: a refusal, a rate limit, a cut connection, somebody else's push at a bad moment.
// Every request is recorded, and a token anywhere but in the Authorization header of the configured hosts is a
// violation.
//
// The description is that of the npm package @octokit/openapi 23.0.2 (MIT licence), reduced to the operations that are
// served here; testdata/github makes it and checks it. GraphQL is outside it: the three mutations that REST lacks are
// held to their documentation by hand.
package githubtest
