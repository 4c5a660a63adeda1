package wiring

import "dekey/scanner/object"

// A PodSpec is what the planner asks about one pod template of a workload.
type PodSpec struct {
	Path object.Path `json:"path"` // spec.template.spec
	// ServiceAccountName and DeprecatedServiceAccount are the two spellings as written, "" where not.
	ServiceAccountName       string `json:"serviceAccountName,omitempty"`
	DeprecatedServiceAccount string `json:"deprecatedServiceAccount,omitempty"`
	// AccountField is where the service account is named when that is not Path.serviceAccountName: an outer level that
	// speaks for the whole resource (an Argo Workflow). AccountElsewhere says that no field of this object names it (a
	// Tekton Task, a Prow preset).
	AccountField     object.Path       `json:"accountField,omitempty"`
	AccountElsewhere bool              `json:"accountElsewhere,omitempty"`
	Automount        *bool             `json:"automount,omitempty"`
	HostNetwork      bool              `json:"hostNetwork,omitempty"`
	ImagePullSecrets []string          `json:"imagePullSecrets,omitempty"`
	NodeSelector     map[string]string `json:"nodeSelector,omitempty"`
	Affinity         bool              `json:"affinity,omitempty"`  // node affinity is set
	Scheduling       Scheduling        `json:"scheduling,omitzero"` // what it says of nodes, beside the node selector
	Labels           map[string]string `json:"labels,omitempty"`    // of the pod template
	Annotations      map[string]string `json:"annotations,omitempty"`
	Volumes          []Volume          `json:"volumes,omitempty"` // those that a Secret, ConfigMap or CSI driver fills
	Containers       []Container       `json:"containers"`        // in the order of the object: containers, init, ephemeral
}

// A Volume is a pod's volume whose files come from Secrets, ConfigMaps or a CSI driver.
type Volume struct {
	Name    string         `json:"name"`
	Field   object.Path    `json:"field"` // of the volume
	Sources []VolumeSource `json:"sources"`
	// Other says that the volume has sources of other kinds too (tokens, downward API).
	Other bool `json:"other,omitempty"`
}

// A VolumeSource is one Secret or ConfigMap that fills a volume. Field is the path of the projected source, or the
// volume's own.
type VolumeSource struct {
	Kind     string       `json:"kind"` // Secret | ConfigMap | SecretProviderClass
	Name     string       `json:"name"`
	Field    object.Path  `json:"field"`
	Items    bool         `json:"items,omitempty"` // the files are picked one by one
	Optional bool         `json:"optional,omitempty"`
	Files    []VolumeFile `json:"files"`
	// Complete says that Files are all there are: items are listed, or the content was read.
	Complete bool `json:"complete,omitempty"`
}

// A VolumeFile is one file of a volume.
type VolumeFile struct {
	Entry string      `json:"entry"` // in the Secret
	Path  string      `json:"path"`  // in the volume
	Field object.Path `json:"field"` // of the item, or ""
	Key   string      `json:"key"`   // an id, or ""
	Holds object.Tri  `json:"holds"` // does it hold a key?

	presumed bool // by the wiring alone
}

// A Container is what the planner asks about one container.
type Container struct {
	Name   string        `json:"name"`
	Type   string        `json:"type"`
	Field  object.Path   `json:"field"`
	Image  string        `json:"image,omitempty"`
	Mounts []VolumeMount `json:"mounts,omitempty"` // of the pod's Volumes above
	// Env are the names of its variables in order; EnvFrom says that there are more that are not known by name.
	Env     []string `json:"env,omitempty"`
	EnvFrom bool     `json:"envFrom,omitempty"`
	// Uses says whether the container is known to use Google's metadata server or a Google client itself without a
	// key: used, not-used, or unknown with the reason.
	Metadata string `json:"metadata,omitempty"`
	// Signs are hints that the program signs with the key (URLs, JWTs, delegation): what was seen.
	Signs []string `json:"signs,omitempty"`
	// Sidecar: an init container that keeps running.
	Sidecar bool `json:"sidecar,omitempty"`
}

// A VolumeMount is one mount of a Volume.
type VolumeMount struct {
	Volume    string      `json:"volume"`
	MountPath string      `json:"mountPath"`
	SubPath   string      `json:"subPath,omitempty"`
	Field     object.Path `json:"field"`
	// Mentions are places in the pod that name a file below the mount and are not findings: a probe, a hook, a
	// second variable, another flag. Any of them forbids removing the mount.
	Mentions []string `json:"mentions,omitempty"`
}
