// Package gcptest is a small stateful Google for tests: IAM, Kubernetes Engine, Resource Manager, Service Usage,
// Organization Policy, Policy Analyzer, Monitoring, Cloud Asset and the public certificates, on loopback.
//
//	google := gcptest.Start(t)
//	google.Update(func(s *gcptest.State) {
//		p := s.Project("demo-proj", "123456789012")
//		a := p.Account("api-gsa@demo-proj.iam.gserviceaccount.com")
//		a.AddKey(keyID, &private.PublicKey)
//	})
//	client, err := gcp.Open(t.Context(), gcp.Options{Endpoints: []string{google.URL}})
//	environment := google.Environment(t.TempDir()) // for the real gcloud
//
// Every API is below its own name: URL/iam/v1/projects/..., URL/container/v1/..., as gcloud's
// CLOUDSDK_API_ENDPOINT_OVERRIDES_* take it.
//
// Each request and each answer is held to the discovery document of its API, as it ships in the Go module
// google.golang.org/api: a path, parameter, field, type or enum value that is not in it fails the test. So does anything
// that looks like a private key in a request. What the documents do not say (which member spellings IAM takes, what a
// policy's etag protects) follows Google's public documentation, named where it is used.
package gcptest
