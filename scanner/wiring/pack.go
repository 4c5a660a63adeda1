package wiring

import (
	"encoding/json"
	"fmt"

	"dekey/scanner/object"
)

// packedPod is a plain Pod as JSON.
type packedPod struct {
	Path             object.Path       `json:"p,omitempty"`
	Account          string            `json:"a,omitempty"`
	Deprecated       string            `json:"d,omitempty"`
	AccountField     object.Path       `json:"f,omitempty"`
	Automount        object.Tri        `json:"m,omitempty"`
	Labels           []string          `json:"l,omitempty"`
	NodeSelector     []string          `json:"n,omitempty"`
	AccountElsewhere bool              `json:"e,omitempty"`
	HostNetwork      bool              `json:"h,omitempty"`
	Affinity         bool              `json:"y,omitempty"`
	Containers       []packedContainer `json:"c,omitempty"`
}

type packedContainer struct {
	Name    string      `json:"n,omitempty"`
	Type    string      `json:"t,omitempty"`
	Image   string      `json:"i,omitempty"`
	Suffix  object.Path `json:"s,omitempty"`
	Sidecar bool        `json:"c,omitempty"`
}

// Pack gives a plain pod as a few hundred bytes, from which Unpack makes the same again. The second result is false for
// one that is not plain.
func (p *Pod) Pack() ([]byte, bool) {
	if !p.Plain() {
		return nil, false
	}
	packed := packedPod{
		Path: p.path, Account: p.account, Deprecated: p.deprecated, AccountField: p.accountField, Automount: p.automount, Labels: p.labels,
		NodeSelector: p.nodeSelector, AccountElsewhere: p.accountElsewhere, HostNetwork: p.hostNetwork, Affinity: p.affinity,
	}
	for _, c := range p.containers {
		packed.Containers = append(packed.Containers, packedContainer{Name: c.name, Type: c.typ, Image: c.image, Suffix: c.suffix, Sidecar: c.sidecar})
	}
	data, err := json.Marshal(packed)
	return data, err == nil
}

// Unpack reads what Pack wrote.
func Unpack(data []byte) (Pod, error) {
	var packed packedPod
	if err := json.Unmarshal(data, &packed); err != nil {
		return Pod{}, fmt.Errorf("unpacking a pod spec: %w", err)
	}
	p := Pod{
		path: packed.Path, account: packed.Account, deprecated: packed.Deprecated, accountField: packed.AccountField, automount: packed.Automount,
		labels: packed.Labels, nodeSelector: packed.NodeSelector, accountElsewhere: packed.AccountElsewhere, hostNetwork: packed.HostNetwork,
		affinity: packed.Affinity, plain: true,
	}
	for _, c := range packed.Containers {
		p.containers = append(p.containers, container{name: c.Name, typ: c.Type, image: c.Image, suffix: c.Suffix, sidecar: c.Sidecar})
	}
	return p, nil
}
