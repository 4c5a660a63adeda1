package explain

// vias are the ways to a key. image-pull is with the holds: the code is both.
var vias = []Text{
	{
		Code: "env-file", Kind: Via,
		What:   "A variable holds the path of a file in a mounted key volume.",
		Why:    "With GOOGLE_APPLICATION_CREDENTIALS this is the way of all Google client libraries. A variable that points at a missing file is an error, not a fall-back, so variable, mount and volume go together.",
		Do:     "A standard variable moves. One of the program's own is held: program-reads-key.",
		Source: docADC,
	},
	{
		Code: "env-value", Kind: Via,
		What:   "A variable is filled with the key itself (secretKeyRef).",
		Why:    "The program parses the JSON; no Google client library takes a key from a variable's value by itself.",
		Do:     "Held as program-reads-key until the owner says how the program behaves without it.",
		Source: docADC,
	},
	{
		Code: "env-from", Kind: Via,
		What:   "All entries of a Secret become variables (envFrom), and one of them is a key.",
		Why:    "Which variable the program reads can not be seen, and the Secret may have other entries that it needs.",
		Do:     "Held as program-reads-key.",
		Source: docPodAPI,
	},
	{
		Code: "arg-file", Kind: Via,
		What:   "A command-line argument names a file in a mounted key volume.",
		Why:    "Each program has its own flag, and its own behaviour without it.",
		Do:     "Moves where the catalogue knows that the program falls back to the pod's identity without the flag; otherwise held as program-reads-key.",
		Source: docADC,
	},
	{
		Code: "mount", Kind: Via,
		What:   "A key volume is mounted, and nothing in the container names it.",
		Why:    "The path may be in the image, in a configuration file, or unused. At the place where client libraries look by themselves it is used without a variable.",
		Do:     "Held as program-reads-key, unless the file lies where client libraries look.",
		Source: docADC,
	},
	{
		Code: "reference", Kind: Via,
		What:   "A field of a custom resource, an annotation or a configuration names the Secret.",
		Why:    "A controller reads the key, with no pod that mounts it.",
		Do:     "Moves by the catalogue's recipe where there is one; otherwise held as no-recipe.",
		Source: ownPromise,
	},
	{
		Code: "inline", Kind: Via, Also: []Kind{Blocker},
		What:   "Key material is written out in a manifest, a ConfigMap or an argument.",
		Why:    "It is readable for everyone who may read the object, and stays in Git's history.",
		Do:     "Held: change the program first. Deleting the key at Google is what makes every copy worthless.",
		Source: docKeyPractice,
	},
}

// verdicts are the answers to: is the key in the Secret one of the account's?
var verdicts = []Text{
	{
		Code: "live", Kind: Verdict,
		What: "The account has a key with this public key, and it is enabled.",
		Why:  "Possession is proven without using the private key.",
		Do:   "Nothing.", Source: docPublicKeys,
	},
	{
		Code: "live-disabled", Kind: Verdict,
		What: "The account has this key, and it is disabled.",
		Why:  "The workload can not authenticate with it today. Where Google disabled it (it was seen in public), it must not be enabled again.",
		Do:   "Find out who disabled it and why. The move is held as key-not-live.", Source: docKeys,
	},
	{
		Code: "expired", Kind: Verdict,
		What: "The key's validity is over.",
		Why:  "It authenticates nobody any more.",
		Do:   "The move is held as key-not-live: remove the wiring, or grant as a decision of its own.", Source: docKeysDelete,
	},
	{
		Code: "deleted-key", Kind: Verdict,
		What: "The account exists and has no such key.",
		Why:  "The key was deleted, or never was this account's.",
		Do:   "The move is held as key-not-live.", Source: docPublicKeys,
	},
	{
		Code: "deleted-account", Kind: Verdict,
		What: "The account does not exist.",
		Why:  "A new account of the same name would be another one: it inherits no roles.",
		Do:   "The move is held as key-not-live. A deleted account can be restored for 30 days.", Source: docKeysDelete,
	},
	{
		Code: "foreign-account", Kind: Verdict,
		What: "The file's client id is not the account's unique id: the key belongs to another account, perhaps a deleted one of the same name.",
		Why:  "Granting to the account of today would give the workload access that its key never had.",
		Do:   "The move is held as key-not-owned.", Source: docPublicKeys,
	},
	{
		Code: "unknown-no-permission", Kind: Verdict,
		What: "Google refused to show the account's keys.",
		Why:  "Whether the key is live is unknown, and unknown is not fine.",
		Do:   "Scan with roles/iam.serviceAccountViewer on the account's project (see dekey permissions).", Source: docRoles,
	},
	{
		Code: "unverified-offline", Kind: Verdict,
		What: "Google was not asked.",
		Why:  "The plan was made from files alone. The scripts prove possession before they grant.",
		Do:   "Scan with --google to know earlier.", Source: ownPromise,
	},
	{
		Code: "malformed", Kind: Verdict,
		What: "The file says that it is a key and does not hold a private key that can be read.",
		Why:  "No client library could use it either, so the workload uses something else, or nothing.",
		Do:   "Look at how the Secret is made: a lost line break, a second base64, a placeholder.", Source: docPublicKeys,
	},
}

// uses are the three values of a key's use.
var uses = []Text{
	{
		Code: "used", Kind: Use,
		What:   "Google saw the key authenticate within the observation period.",
		Why:    "Somebody needs it. After the cut-over the last day of use must not advance.",
		Do:     "Find the caller: a consumer that did not move, or one outside the clusters.",
		Try:    []string{`gcloud logging read 'protoPayload.authenticationInfo.serviceAccountKeyName="//iam.googleapis.com/projects/PROJECT/serviceAccounts/EMAIL/keys/KEY"' --project=PROJECT --freshness=30d --limit=50 --format=json`},
		Source: docActivity,
	},
	{
		Code: "not-used", Kind: Use,
		What: "Google's evidence covers the period and saw no use.",
		Why:  "Only this, with no consumer left, makes a key ready to be disabled.",
		Do:   "Go on with the steps in order.", Source: docActivity,
	},
	{
		Code: "unknown", Kind: Use,
		What: "There is no evidence about the key's use: nobody asked, or Google did not answer for this key.",
		Why:  "Unknown is never taken for not used. A disabled key is missing from Google's answers, so the evidence is exported before.",
		Do:   "Scan with --google and roles/policyanalyzer.activityAnalysisViewer and roles/monitoring.viewer.", Source: docActivity + "; " + docMonitor,
	},
}

// exits are the exit codes.
var exits = []Text{
	{Code: "exit-0", Kind: Exit, What: "Done.", Why: "Everything that should have been readable was read.", Do: "Read the holds: they are not errors.", Source: ownPromise},
	{Code: "exit-1", Kind: Exit, What: "Failed: nothing usable was written. For publish: a pull request failed.", Why: "The error says what was being done, to what, and why it failed.", Do: "Follow the hint below the error.", Source: ownPromise},
	{Code: "exit-2", Kind: Exit, What: "The command line or a policy file is wrong.", Why: "Nothing was read and nothing was written.", Do: "The error names the flag, or the policy file's line and column.", Source: ownPromise},
	{Code: "exit-3", Kind: Exit, What: "Done, but something that should have been readable was not.", Why: "gaps in the document say what and where. What was not seen is not clean.", Do: "Close the gaps and run again; or accept them with open eyes.", Source: ownPromise},
	{Code: "exit-4", Kind: Exit, What: "lint found violations, or check found that a precondition does not hold.", Why: "It outranks 3.", Do: "Read what was printed; each line carries its code.", Source: ownPromise},
}

// gaps explain the document's gaps; they carry words of their own and share one code.
var gaps = []Text{
	{
		Code: "gap", Kind: Gap,
		What:   "Something that should have been readable was not: a malformed file, a forbidden list, a link that leaves the root, a limit that was reached.",
		Why:    "Keys may be there. No conclusion that would need it is drawn: no key is ready to delete while a gap could hide a consumer.",
		Do:     "Each gap says what and why: mend the file, allow the list (dekey permissions prints the rules), raise the limit in the policy file.",
		Source: ownPromise,
	},
}
