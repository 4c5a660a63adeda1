package cluster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
)

// A form is the way in which a resource's objects are read.
type form int

const (
	typed    form = iota // protobuf, as the Go type describes it
	metadata             // protobuf, metadata alone
	custom               // JSON, unstructured
)

// A phase is when a resource is read: what the next one needs to know comes first.
type phase int

const (
	phaseSources   phase = iota // what says where live objects come from
	phaseFacts                  // service accounts, bindings, policies
	phaseCustom                 // custom resources: owners of what follows
	phaseWorkloads              // what people edit
	phaseOwned                  // what controllers make of it
	phasePods
	phaseConfig
	phaseSecrets // last: by now it is known which are wired
	phases
)

// A resource is one list of the API.
type resource struct {
	schema.GroupVersionResource
	kind       string
	namespaced bool
	form       form
	phase      phase
}

func (r resource) String() string {
	if r.Group == "" {
		return r.Resource
	}
	return r.Resource + "." + r.Group
}

func (r resource) path(namespace string) []string {
	path := []string{"apis", r.Group, r.Version}
	if r.Group == "" {
		path = []string{"api", r.Version}
	}
	if namespace != "" {
		path = append(path, "namespaces", namespace)
	}
	return append(path, r.Resource)
}

// builtin are the built-in resources that can hold a key, name a Secret or name a service account, and what the
// planner asks about a cluster. Every other built-in resource is left alone.
var builtin = map[schema.GroupResource]struct {
	phase phase
	form  form
}{
	{Resource: "serviceaccounts"}:                                                    {phase: phaseFacts},
	{Resource: "persistentvolumes"}:                                                  {phase: phaseFacts},
	{Group: "rbac.authorization.k8s.io", Resource: "rolebindings"}:                   {phase: phaseFacts},
	{Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"}:            {phase: phaseFacts},
	{Group: "networking.k8s.io", Resource: "networkpolicies"}:                        {phase: phaseFacts},
	{Group: "storage.k8s.io", Resource: "storageclasses"}:                            {phase: phaseFacts},
	{Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"}: {phase: phaseFacts},
	{Group: "admissionregistration.k8s.io", Resource: "mutatingadmissionpolicies"}:   {phase: phaseFacts},
	{Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas"}:                 {phase: phaseFacts},
	{Resource: "podtemplates"}:                                                       {phase: phaseWorkloads},
	{Resource: "replicationcontrollers"}:                                             {phase: phaseWorkloads},
	{Group: "apps", Resource: "deployments"}:                                         {phase: phaseWorkloads},
	{Group: "apps", Resource: "statefulsets"}:                                        {phase: phaseWorkloads},
	{Group: "apps", Resource: "daemonsets"}:                                          {phase: phaseWorkloads},
	{Group: "batch", Resource: "cronjobs"}:                                           {phase: phaseWorkloads},
	{Group: "apps", Resource: "replicasets"}:                                         {phase: phaseOwned, form: metadata},
	{Group: "batch", Resource: "jobs"}:                                               {phase: phaseOwned},
	{Resource: "pods"}:                                                               {phase: phasePods},
	{Resource: "configmaps"}:                                                         {phase: phaseConfig},
	{Resource: "secrets"}:                                                            {phase: phaseSecrets},
}

// sources are the custom resources that say which repository live objects come from.
var sources = map[string]bool{
	"applications.argoproj.io":                   true,
	"kustomizations.kustomize.toolkit.fluxcd.io": true,
	"helmreleases.helm.toolkit.fluxcd.io":        true,
	"gitrepositories.source.toolkit.fluxcd.io":   true,
	"ocirepositories.source.toolkit.fluxcd.io":   true,
	"helmrepositories.source.toolkit.fluxcd.io":  true,
	"buckets.source.toolkit.fluxcd.io":           true,
}

// discover asks what the server serves and keeps what is read, sorted by phase and name. A group that did not answer
// is in failed.
func (c *client) discover(ctx context.Context) (found []resource, failed []schema.GroupVersion, err error) {
	api := discovery.NewDiscoveryClient(c.rest)
	var lists []*metav1.APIResourceList
	err = c.repeat(ctx, func(ctx context.Context) error {
		var err error
		lists, err = api.ServerPreferredResourcesWithContext(ctx)
		var partly *discovery.ErrGroupDiscoveryFailed
		if errors.As(err, &partly) {
			failed = slices.SortedFunc(maps.Keys(partly.Groups), func(a, b schema.GroupVersion) int {
				return strings.Compare(a.String(), b.String())
			})
			return nil
		}
		return err
	})
	if err != nil {
		return nil, nil, plain(err)
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, api := range list.APIResources {
			if !slices.Contains(api.Verbs, "list") || strings.Contains(api.Name, "/") {
				continue
			}
			if r, ok := choose(gv, api); ok {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, func(a, b resource) int {
		if a.phase != b.phase {
			return int(a.phase - b.phase)
		}
		return strings.Compare(a.String(), b.String())
	})
	return found, failed, nil
}

func choose(gv schema.GroupVersion, api metav1.APIResource) (resource, bool) {
	if api.Group != "" {
		gv.Group = api.Group
	}
	if api.Version != "" {
		gv.Version = api.Version
	}
	r := resource{GroupVersionResource: gv.WithResource(api.Name), kind: api.Kind, namespaced: api.Namespaced}
	if b, ok := builtin[r.GroupResource()]; ok {
		r.phase, r.form = b.phase, b.form
		if !scheme.Scheme.Recognizes(gv.WithKind(api.Kind + "List")) {
			r.form = custom // a version that this client does not know yet
		}
		return r, true
	}
	if scheme.Scheme.IsGroupRegistered(gv.Group) || passedOver(r.GroupResource()) {
		return resource{}, false
	}
	r.form, r.phase = custom, phaseCustom
	if sources[r.String()] {
		r.phase = phaseSources
	}
	return r, true
}

// passedOver are resources that are no built-in ones and yet name no Secret: readings and reports, of which a cluster can
// have more than of everything else.
func passedOver(r schema.GroupResource) bool {
	switch r.Group {
	case "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io", "apiregistration.k8s.io", "apiextensions.k8s.io",
		"wgpolicyk8s.io", "openreports.io", "reports.kyverno.io", "aquasecurity.github.io", "spdx.softwarecomposition.kubescape.io":
		return true
	case "cilium.io":
		switch r.Resource {
		case "ciliumendpoints", "ciliumidentities", "ciliumendpointslices", "ciliumnodes":
			return true
		}
	}
	return false
}
