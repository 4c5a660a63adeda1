package explain

// guards are the policies of dekey guard; organisation-policy is a prerequisite too, and stands there.
var guards = []Text{
	{
		Code: "admission-policy", Kind: Rule,
		What:   "The cluster's admission policy saw a Secret or ConfigMap that newly holds a key file, or a workload that newly uses one.",
		Why:    "A migration that ends with a new key next month has not ended. What was there before is let be: it can be scaled, restarted and changed, and its key can be replaced. What CEL can not see is let through (a key that is compressed or encoded twice, a PKCS #12 file, a whole Secret as variables, custom resources): dekey scan sees those.",
		Do:     "Give the workload a service account of its own and grant that. Where it can not be, put the object into exclude of the policy file, with a reason and a last day, and write the policy again: the cluster does not know what day it is.",
		Try:    []string{"kubectl patch validatingadmissionpolicybinding dekey-key-wiring --type=merge --patch='{\"spec\":{\"validationActions\":[\"Warn\",\"Audit\"]}}'"},
		Source: docAdmission,
	},
}
