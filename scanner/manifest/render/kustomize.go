package render

import (
	"io"
	"log"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func kustomize(k Kustomize) Response {
	log.SetOutput(io.Discard) // the library logs what it reads
	files := filesys.MakeFsInMemory()
	for name, text := range k.Files {
		if err := files.WriteFile(name, text); err != nil {
			return Response{Why: "a file can not be passed on"}
		}
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone // the files above are all there are
	options.PluginConfig = types.DisabledPluginConfig()
	rendered, err := krusty.MakeKustomizer(options).Run(files, k.Root)
	if err != nil {
		return Response{Why: kustomizeCause(err)}
	}
	var response Response
	for _, resource := range rendered.Resources() {
		text, err := resource.MarshalJSON()
		if err != nil {
			return Response{Why: "a rendered object is not JSON"}
		}
		response.Objects = append(response.Objects, text)
	}
	return response
}

// kustomizeCauses are parts of the library's messages, and what they mean.
var kustomizeCauses = []struct{ theirs, ours string }{
	{"unable to find patch target", "a patch has no target"},
	{"no matches for Id", "a patch or a generator that merges has no target"},
	{"failed to find unique target for patch", "a patch has no target, or several"},
	{"already registered id", "two resources have one name"},
	{"multiple matches", "a patch has several targets"},
	{"invalid Kustomization", "the kustomization has a field that Kustomize does not know"},
	{"unknown field", "the kustomization has a field that Kustomize does not know"},
	{"missing Resource metadata", "a resource has no metadata"},
	{"missing metadata.name", "a resource has no name"},
	{"does not exist or could not be removed", "a JSON patch does not apply"},
	{"Unable to remove nonexistent key", "a JSON patch removes what is not there"},
	{"doc is missing path", "a JSON patch does not apply"},
	{"testing path", "a JSON patch's test does not hold"},
	{"replace operation does not apply", "a JSON patch does not apply"},
	{"remove operation does not apply", "a JSON patch does not apply"},
	{"add operation does not apply", "a JSON patch does not apply"},
	{"plugins disabled", "it uses a plugin, and plugins are not run"},
	{"unable to load plugin", "it uses a plugin, and plugins are not run"},
	{"cycle detected", "a kustomization uses itself"},
	{"kustomization.yaml is empty", "the kustomization is empty"},
	{"nothing selected", "a replacement has no source"},
	{"unable to find field", "a replacement has no target"},
	{"json: cannot unmarshal", "the kustomization has a field of a wrong type"},
	{"there is no network here", "it needs something remote, which is not fetched"},
	{"trouble configuring builtin", "a field of the kustomization is not accepted"},
}

func kustomizeCause(err error) string {
	message := err.Error()
	for _, cause := range kustomizeCauses {
		if strings.Contains(message, cause.theirs) {
			return "Kustomize can not render it: " + cause.ours
		}
	}
	return "Kustomize can not render it"
}
