package catalog

// An entryCase is the entry's own test: an object and what is to be found in it, or a program with its flag or variable.
// TestCases runs them.
type entryCase struct {
	Name   string         `json:"name"` // what would be wrong
	Object map[string]any `json:"object"`
	// Want are the references, as ENTRIES of wantReference; Made the provenance. Missing means none.
	Want []wantReference `json:"want"`
	Made []wantMade      `json:"made"`

	// Chart and Values are a chart's; Uses what is to be found in the values.
	Chart  string         `json:"chart"`
	Values map[string]any `json:"values"`
	Uses   []wantUse      `json:"uses"`

	Image   string `json:"image"`
	Command string `json:"command"`
	Flag    string `json:"flag"`
	Env     string `json:"env"`
	// Is says what LookupFlag or LookupEnv, StandardEnv or KeyEnv have to answer: removable, held, standard, key, none; without a
	// flag and a variable what Signs has to.
	Is string `json:"is"`
}

type wantReference struct {
	Field    string   `json:"field"`
	Secret   string   `json:"secret"` // NAMESPACE/NAME/ENTRY
	Env      string   `json:"env"`
	Target   string   `json:"target"`
	Sure     bool     `json:"sure"`
	Recipe   []string `json:"recipe"`   // OP FIELD[=JSON]
	Identity string   `json:"identity"` // NAMESPACE/NAME
	Hold     string   `json:"hold"`     // the code
}

type wantMade struct {
	Kind      string `json:"kind"`
	Secret    string `json:"secret"` // NAMESPACE/NAME
	Field     string `json:"field"`
	Recreates bool   `json:"recreates"`
}

type wantUse struct {
	Value  string   `json:"value"`
	Secret string   `json:"secret"` // NAME/ENTRY; or the kind of value that is no name
	Sure   bool     `json:"sure"`
	Recipe []string `json:"recipe"`
	Hold   string   `json:"hold"`
}
