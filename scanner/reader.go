package scanner

import "context"

// A Reader yields the objects of one source: a checkout, a cluster, standard input. It only reads.
//
// Scan calls Read once, then Related with what that made interesting, and again (three times at most) with all that is
// interesting by then when Related made it more. An object that is given twice counts once. What a Reader can not read it
// gives as a Gap and goes on; an error means that nothing of the source is usable.
type Reader interface {
	// Read yields every object that can matter by itself: Secrets, whatever mentions keys or their wiring.
	Read(context.Context, Sink) error
	// Related yields the objects that the findings made interesting and that Read did not yield yet.
	Related(context.Context, Interest, Sink) error
}

// A Sink takes what a Reader finds. It looks at an object at once and keeps no content. Calls are serialised by
// the Sink: a Reader may use many goroutines.
type Sink interface {
	// Source is called first, and again with the same ID when more is known (file digests at the end).
	Source(Source)
	Object(*Object)
	// File is a whole file of a checkout that may hold a key (a kustomize generator's source, key.json). The bytes are
	// not kept.
	File(Origin, []byte)
	// Hint is a place that mentions keys and is no readable object: a template, an encrypted file. It becomes a finding
	// with an empty workload kind and the hold.
	Hint(Hint)
	Gap(Gap)
	// Cluster is what a live source knows about its cluster.
	Cluster(Cluster)
}

// A Hint is a mention of keys in something that is recognised and can not be read as an object.
type Hint struct {
	Origin Origin
	Code   string // template | account-unknown | not-provable
	What   string // what it is: a Helm template, a SOPS file, a part of an overlay that can not be rendered
	Env    string // the variable or flag that was seen, or ""
	Secret Holder // the Secret that it names, where one is known by name
}

// Interest is what the first pass over all sources made worth a second look, sorted and without repeats.
type Interest struct {
	ServiceAccounts []Ref    // namespace "" is any
	Secrets         []Holder // by name
	ConfigMaps      []Holder // that fill variables or volumes of candidate pods
	Workloads       []Ref    // whose pods egress policies may select
}

// Empty says that there is nothing to look for.
func (i Interest) Empty() bool {
	return len(i.ServiceAccounts)+len(i.Secrets)+len(i.ConfigMaps)+len(i.Workloads) == 0
}
