package cluster

import (
	"net"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	// The credential plugins that kubectl knows: a kubeconfig that works there works here.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
)

// Options say which cluster is read, and how.
type Options struct {
	Kubeconfig string   // path; "" is KUBECONFIG, then ~/.kube/config, then the configuration inside a pod
	Context    string   // of the kubeconfig; "" is its current context
	Namespaces []string // empty: all
	// NoSecretValues lists Secrets by their metadata alone: no value leaves the server.
	NoSecretValues bool
	UserAgent      string

	// The zero value of each is the default.
	QPS      float32       // requests a second: 50
	Burst    int           // requests at once before QPS counts: 100
	Timeout  time.Duration // of one call with its answer: 30 s
	Attempts int           // of one call: 5, but 2 where the server did not answer in time
	// Patience is the time that calls without result may take together, waits included, before the rest of the scan
	// becomes gaps: 5 min.
	Patience time.Duration
	Parallel int // lists under way at once: 4, and of workloads 2
}

func (o Options) withDefaults() Options {
	if o.QPS == 0 {
		o.QPS = 50
	}
	if o.Burst == 0 {
		o.Burst = 100
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Attempts == 0 {
		o.Attempts = 5
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Minute
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.UserAgent == "" {
		o.UserAgent = "dekey"
	}
	return o
}

// Open finds the cluster that the options name. It reads the kubeconfig and asks the cluster nothing. The error is about
// the kubeconfig: a context that it does not have, a file that is not there.
func Open(o Options) (*Reader, error) {
	loader := o.loader()
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, err
	}
	name := place{context: o.Context}
	// Inside a pod there is no kubeconfig, and no name but the server's.
	if raw, err := loader.RawConfig(); err == nil {
		if name.context == "" {
			name.context = raw.CurrentContext
		}
		if c := raw.Contexts[name.context]; c != nil {
			name.entry = c.Cluster
		}
	}
	return newReader(config, name, o)
}

// New reads the cluster that a client configuration names. Of the options, Kubeconfig is not used and Context is only a
// name.
func New(config *rest.Config, o Options) (*Reader, error) {
	return newReader(config, place{context: o.Context}, o)
}

// Namespace is the namespace that the kubeconfig's context names, "default" where it names none: what kubectl works on
// without -n and -A.
func Namespace(o Options) (string, error) {
	namespace, _, err := o.loader().Namespace()
	if err != nil {
		return "", err
	}
	return namespace, nil
}

func (o Options) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
}

// loopback says that a server is on this machine, where compression costs more than it saves.
func loopback(host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
