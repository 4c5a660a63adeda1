package object

// A ValueEdit is one value of a chart's release that is to be set, and where.
type ValueEdit struct {
	Place Place
	Value any
}

// An AccountLocator knows which values of a chart decide the service account of an object's pods.
type AccountLocator interface {
	// LocateAccount gives what to set so that the pod spec with the field, a serviceAccountName, names the service account of a
	// new manifest. made says that the chart then makes that manifest too; otherwise it only takes the name. own asks for values
	// that no other release gets. Nothing is given where no value decides, or it can not make that manifest.
	LocateAccount(field Path, manifest map[string]any, own bool) (edits []ValueEdit, made bool)
}

// An AccountChoice is a part of a chart's values that gives the pods of workloads their service account: all of them the same.
type AccountChoice struct {
	By   string `json:"by"`             // the rendering, and the values in it
	Name string `json:"name,omitempty"` // what the chart calls it where no name is given
}

// An AccountChooser knows the choice for an object's pods; false where nothing, or more than one thing, chooses.
type AccountChooser interface {
	AccountChoice() (AccountChoice, bool)
}

// A SwitchLocator knows the values of a chart that switch parts of an object off.
type SwitchLocator interface {
	// LocateSwitch gives the value that, set so, makes the object render to content that is accepted. own asks for a value that
	// no other release gets.
	LocateSwitch(accept func(content map[string]any) bool, own bool) (ValueEdit, bool)
}
