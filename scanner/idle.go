package scanner

import (
	"encoding/json"
	"slices"
	"strings"

	"dekey/scanner/wiring"
)

// idle keeps the workloads of live clusters whose pods can use no key. There are thousands of them, and only those under
// a service account that matters are ever asked for: each is a few hundred bytes, where a definition is a thousand.
type idle struct{ packed []packedWorkload }

// A packedWorkload is what decides whether a workload is asked for, and the rest as JSON.
type packedWorkload struct {
	names string // source, namespace, kind, name, API version, service account, the pod's own
	rest  []byte
}

// An idleWorkload is what a packedWorkload says without unpacking it.
type idleWorkload struct {
	source   string
	ref, key Ref // key is workloadKey of ref
	accounts [2]string
}

// restOf is what else a workload keeps.
type restOf struct {
	Managers  []string        `json:"m,omitempty"`
	Generated string          `json:"g,omitempty"`
	Host      bool            `json:"h,omitempty"`
	Replicas  *int64          `json:"r,omitempty"`
	Suspended bool            `json:"s,omitempty"`
	Schedule  string          `json:"c,omitempty"`
	Labels    []string        `json:"l,omitempty"`
	Pod       json.RawMessage `json:"p"`
}

// take packs a workload, and says whether it did.
func (i *idle) take(d *definition) bool {
	if !d.Live || d.place != (place{source: d.source, live: true}) || len(d.pods) != 1 || len(d.owners) > 0 || d.Root != "" ||
		len(d.Origins) != 1 || d.Origins[0] != (Origin{Source: d.source}) {
		return false
	}
	pod, ok := d.pods[0].Pack()
	if !ok {
		return false
	}
	account, _ := d.pods[0].Account()
	rest, err := json.Marshal(restOf{
		Managers: d.Managers, Generated: d.Generated, Host: d.HostNetwork, Replicas: d.Replicas, Suspended: d.Suspended, Schedule: d.Schedule,
		Labels: d.labels, Pod: pod,
	})
	if err != nil {
		return false
	}
	i.packed = append(i.packed, packedWorkload{
		names: strings.Join([]string{d.source, d.Ref.Namespace, d.Ref.Kind, d.Ref.Name, d.Ref.APIVersion, d.ServiceAccount, account}, packedField),
		rest:  rest,
	})
	return true
}

func (p *packedWorkload) head() idleWorkload {
	f := strings.Split(p.names, packedField)
	ref := Ref{APIVersion: f[4], Kind: f[2], Namespace: f[1], Name: f[3]}
	return idleWorkload{source: f[0], ref: ref, key: workloadKey(ref), accounts: [2]string{f[5], f[6]}}
}

func (w *idleWorkload) runsUnder(names map[accountName]bool) bool {
	return matters(names, w.ref.Namespace, w.accounts[0]) || matters(names, w.ref.Namespace, w.accounts[1])
}

// that unpacks the workloads that are asked for, in the order of their names.
func (i *idle) that(wanted func(*idleWorkload) bool) []*definition {
	slices.SortFunc(i.packed, func(a, b packedWorkload) int { return strings.Compare(a.names, b.names) })
	var found []*definition
	for n := range i.packed {
		head := i.packed[n].head()
		if !wanted(&head) {
			continue
		}
		var rest restOf
		if json.Unmarshal(i.packed[n].rest, &rest) != nil {
			continue // not possible: take wrote it
		}
		pod, err := wiring.Unpack(rest.Pod)
		if err != nil {
			continue
		}
		d := &definition{place: place{source: head.source, live: true}, pods: []wiring.Pod{pod}, labels: rest.Labels}
		d.Workload = Workload{
			Ref: head.ref, ServiceAccount: head.accounts[0], HostNetwork: rest.Host, Replicas: rest.Replicas, Origins: []Origin{{Source: head.source}},
			Managers: rest.Managers, Live: true, Generated: rest.Generated, Schedule: rest.Schedule, Suspended: rest.Suspended,
		}
		found = append(found, d)
	}
	return found
}
