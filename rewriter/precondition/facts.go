package precondition

import (
	"time"

	"dekey/scanner"
)

// Facts are what was read of the world, just now. A fact that is not in them was not read. Why says why something could not
// be read, and is "" where it was.
type Facts struct {
	Servers  map[string]Server      // by context
	Lists    map[List]Objects       // of clusters
	Clusters map[string]Cluster     // by PROJECT/LOCATION/NAME, as Google describes them
	APIs     map[API]Switch         //
	Accounts map[string]AccountKeys // by email
	Policies map[string]Policy      // by full resource name
}

// A Server is what a kubeconfig's context reaches.
type Server struct {
	URL string
	Why string
}

// A List names objects of one kind in a cluster. Namespace "" is all namespaces, or none; Name "" is all names.
type List struct{ Context, APIVersion, Kind, Namespace, Name string }

// Objects are decoded objects, with their status. They live in memory only.
type Objects struct {
	Items []map[string]any
	Why   string
}

// A Cluster is a GKE cluster as Google describes it. Endpoints are the hosts at which its API server answers.
type Cluster struct {
	Pool      string
	Autopilot bool
	Endpoints []string
	NodePools []scanner.NodePool
	Why       string
}

// An API is a service of a project: iamcredentials.googleapis.com.
type API struct{ Project, Name string }

// A Switch is whether an API is on.
type Switch struct {
	On  bool
	Why string
}

// AccountKeys are the user-managed keys of a Google service account.
type AccountKeys struct {
	Keys []Key
	Why  string
}

// A Key is one key as Google knows it.
type Key struct {
	ID       string
	Digest   string // SHA-256 of the public key (SPKI, DER) in hex; "" where the public key could not be read
	Disabled bool
	Reason   string // of the disabling
	Expires  time.Time
	Use      *Use // nil: was not read
}

// Use is Google's evidence about a key's use.
type Use struct {
	// Last is the day of the last authentication, zero where none was seen. From and To are the observation period; To is zero where
	// Google says nothing about the key.
	Last, From, To time.Time
	Why            string
	// Authentications are those that Monitoring counted from Since on; nil: was not read.
	Authentications *int64
	Since           time.Time
}

// A Policy is what is bound on a resource.
type Policy struct {
	Bindings []scanner.Binding
	Why      string
	// Unsupported: dekey does not read policies of this kind of resource. The scripts do.
	Unsupported bool
}
