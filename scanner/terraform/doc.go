// Package terraform reads what Terraform files say about identities: grants, service accounts, keys, workload identity
// pools, Kubernetes service accounts.
//
// Nothing is run and nothing is fetched. An expression is followed as far as it is constant (literals, locals, templates,
// format, the e-mails of accounts that the module declares); a variable, a count, a module that is not in the checkout
// hides the rest, and the Value says so.
//
//	facts, gaps := terraform.Read("checkout", []terraform.File{{Path: "infra/main.tf", Data: data}})
//
// Files are hostile. One that is too large, nested too deep or not Terraform is a gap; the rest of its module is read.
package terraform
