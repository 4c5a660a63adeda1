// Package iam is what a checkout's text says about Google identities: who is granted what, which accounts and keys are
// declared, and which Kubernetes service accounts are annotated. Manifests (Config Connector among them), Terraform and
// gcloud lines all become the same Facts, each with the place where it is written.
//
//	var facts iam.Facts
//	reader := facts.Listen(manifest.New(options)) // what the objects of a scan say
//	facts.Add(terraform.Read(source, files))      // what Terraform says
//
// Text hides things: a variable, an expression, a module that is somewhere else. A Value keeps what is written around what
// is hidden, and a question about it has three answers. Unknown is not No.
package iam
