package explain

// blockers are why a key can not be deleted yet.
var blockers = []Text{
	{
		Code: "consumer-elsewhere", Kind: Blocker,
		What: "A consumer's source is in another repository, or was seen only live.",
		Why:  "Its change is not part of this changeset, so it still needs the key.",
		Do:   "Move it there; a later scan shows that it moved.", Source: ownPromise,
	},
}

// prerequisites are what somebody must change before the first grant.
var prerequisites = []Text{}
