package object

// A Holder is an entry of a Secret or ConfigMap, another field of an object (Entry: its path), or a file of the
// checkout (Kind File, Name its path, Entry "").
type Holder struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Entry     string `json:"entry"`
}

// A Via is the way by which a pod or resource gets at a key.
type Via string

// The vias of the contract.
const (
	EnvFile   Via = "env-file"
	EnvValue  Via = "env-value"
	EnvFrom   Via = "env-from"
	ArgFile   Via = "arg-file"
	Mount     Via = "mount"
	Reference Via = "reference"
	ImagePull Via = "image-pull"
	Inline    Via = "inline"
)

// A FieldEdit is one change of one field of an object: of a catalogue's recipe, and of a plan.
type FieldEdit struct {
	Op    string `json:"op"` // remove | set
	Field Path   `json:"field"`
	Value any    `json:"value,omitempty"`
}

// An Obstacle is a fact that forbids an automatic move: Code is a hold's code, What names what was seen and where.
type Obstacle struct {
	Code string `json:"code"`
	What string `json:"what"`
	// At is where it was seen: the line of the script, the banner of the generated file.
	At *Origin `json:"at,omitempty"`
}

// Tri is three-valued knowledge.
type Tri string

// Unknown is not No.
const (
	Yes     Tri = "yes"
	No      Tri = "no"
	Unknown Tri = "unknown"
)
