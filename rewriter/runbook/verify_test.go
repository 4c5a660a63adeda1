package runbook_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/rewriter/precondition"
)

// edit changes the first object of a kind with a name.
func (c *cloud) edit(kind, name string, change func(map[string]any)) {
	for _, o := range c.Objects[shopCTX] {
		if metadata, _ := o["metadata"].(map[string]any); o["kind"] == kind && metadata["name"] == name {
			change(o)
			return
		}
	}
	panic("no " + kind + " " + name)
}

func templateOf(o map[string]any) map[string]any {
	return o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
}

// A workload is verified when nothing at all of its wiring is left, in its template and in every pod that runs.
func TestVerify(t *testing.T) {
	key := map[string]any{"name": "key", "secret": map[string]any{"secretName": "api-key"}}
	container := func(o map[string]any) map[string]any { return o["containers"].([]any)[0].(map[string]any) }
	for _, test := range []struct {
		name, says string
		change     func(*cloud)
		fine       bool
	}{
		{"everything moved", "keyless: shop/Deployment/api", func(*cloud) {}, true},
		{"the volume is left in the template", "shop/Deployment/api: still has the volume key", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) { templateOf(o)["volumes"] = []any{key} })
		}, false},
		{"the variable is left in the template", "still has the env app GOOGLE_APPLICATION_CREDENTIALS", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) {
				container(templateOf(o))["env"] = []any{map[string]any{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/x"}}
			})
		}, false},
		{"the mount is left in the template", "still has the mount app /secrets", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) {
				container(templateOf(o))["volumeMounts"] = []any{map[string]any{"name": "x", "mountPath": "/secrets"}}
			})
		}, false},
		{"the flag is left, as one word", "still has the arg app", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) {
				container(templateOf(o))["args"] = []any{"serve", "--credentials-file=/other"}
			})
		}, false},
		{"the flag is left, as two words", "still has the arg app", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) {
				container(templateOf(o))["args"] = []any{"--credentials-file", "/other"}
			})
		}, false},
		{"a longer flag is another one", "keyless", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) { container(templateOf(o))["args"] = []any{"--credentials-file-ttl=5m"} })
		}, true},
		{"the old service account in the template", "runs as default", func(c *cloud) {
			c.edit("Deployment", "api", func(o map[string]any) { templateOf(o)["serviceAccountName"] = "default" })
		}, false},
		{"an old pod runs on", "the pod api-1 still has", func(c *cloud) {
			c.Objects[shopCTX] = append(c.Objects[shopCTX], podObject("api-1", false))
		}, false},
		{"an old pod with the new service account", "the pod api-1 still has the volume key", func(c *cloud) {
			pod := podObject("api-1", true)
			pod["spec"].(map[string]any)["volumes"] = []any{key}
			c.Objects[shopCTX] = append(c.Objects[shopCTX], pod)
		}, false},
		{"a pod under another service account", "the pod api-1 runs as other", func(c *cloud) {
			pod := podObject("api-1", true)
			pod["spec"].(map[string]any)["serviceAccountName"] = "other"
			c.Objects[shopCTX] = append(c.Objects[shopCTX], pod)
		}, false},
		{"an old pod that has ended", "keyless", func(c *cloud) {
			pod := podObject("api-1", false)
			pod["status"] = map[string]any{"phase": "Succeeded"}
			c.Objects[shopCTX] = append(c.Objects[shopCTX], pod)
		}, true},
		{"somebody else's pod", "keyless", func(c *cloud) {
			pod := podObject("web-1", false)
			pod["metadata"].(map[string]any)["labels"] = map[string]any{"app": "web"}
			c.Objects[shopCTX] = append(c.Objects[shopCTX], pod)
		}, true},
		{"a node with the node's metadata server", "metadata server is not that of GKE", func(c *cloud) {
			c.edit("Node", "node-1", func(o map[string]any) { o["metadata"] = map[string]any{"name": "node-1"} })
		}, false},
		{"on Autopilot every node has it", "keyless", func(c *cloud) {
			c.edit("Node", "node-1", func(o map[string]any) { o["metadata"] = map[string]any{"name": "node-1"} })
			c.Clusters[shopGKE].Autopilot = true
		}, true},
		{"no new service account", "the service account shop/api is not there", func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool {
				return o["kind"] == "ServiceAccount" && o["metadata"].(map[string]any)["name"] == "api"
			})
		}, false},
		{"an annotation for another account", "is annotated for x@", func(c *cloud) {
			c.edit("ServiceAccount", "api", func(o map[string]any) {
				o["metadata"].(map[string]any)["annotations"] = map[string]any{"iam.gke.io/gcp-service-account": "x@acme.iam.gserviceaccount.com"}
			})
		}, false},
		{"the grant is gone", "is not granted to", func(c *cloud) { c.Accounts[account].Policy = nil }, false},
		{"the policy can not be read", "the policy of", func(c *cloud) { c.FailOn = "get-iam-policy" }, false},
		{"the workload is gone", "is not there in", func(c *cloud) {
			c.Objects[shopCTX] = slices.DeleteFunc(c.Objects[shopCTX], func(o map[string]any) bool { return o["kind"] == "Deployment" })
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := shopCloud()
			merge(c)
			test.change(c)
			plan := sealed(t, shopPlan(t))
			p := newPlace(t, plan, c)
			if result := p.check(plan, precondition.Verify); result.Go != test.fine {
				t.Errorf("check says go=%v\n%s", result.Go, failing(result))
			}
			code := 1
			if test.fine {
				code = 0
			}
			p.must(code, test.says, "2-verify.sh")
			recorded := false
			for name := range p.evidence() {
				recorded = recorded || strings.Contains(name, "cutover-")
			}
			if recorded != test.fine {
				t.Errorf("a cut-over was recorded: %v", recorded)
			}
			if got := p.changes(); len(got) != 0 {
				t.Errorf("2-verify.sh changed something: %q", got)
			}
		})
	}
}

// The pods of a CronJob are those of its Jobs, and one that still runs with the key holds it up.
func TestVerifyCronJob(t *testing.T) {
	plan := plans(t)["a monthly job"]
	job := func(name, owner string) map[string]any {
		return map[string]any{"kind": "Job", "metadata": map[string]any{"name": name, "namespace": "shop",
			"ownerReferences": []any{map[string]any{"kind": "CronJob", "name": owner}}}}
	}
	pod := func(name, job string, moved bool) map[string]any {
		o := podObject(name, moved)
		o["metadata"].(map[string]any)["labels"] = map[string]any{"job-name": job}
		return o
	}
	c := shopCloud()
	grant(c)
	c.Objects[shopCTX] = []map[string]any{node(), newAccount(), job("api-1", "api"), job("web-1", "web"), pod("api-1-x", "api-1", false), pod("web-1-x", "web-1", false),
		{"kind": "CronJob", "metadata": map[string]any{"name": "api", "namespace": "shop"},
			"spec": map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": map[string]any{"spec": podSpecOf(true)}}}}}}
	p := newPlace(t, plan, c)
	out := p.must(1, "the pod api-1-x still has", "2-verify.sh")
	if strings.Contains(out, "web-1-x") {
		t.Errorf("another CronJob's pod is asked for:\n%s", out)
	}
	p.change(func(c *cloud) {
		c.edit("Pod", "api-1-x", func(o map[string]any) { o["status"] = map[string]any{"phase": "Failed"} })
	})
	p.must(0, "keyless: shop/CronJob/api", "2-verify.sh")
	p.offset = 30 * 24 * time.Hour
	p.seen(time.Now())
	p.must(1, "the soak is over at", "3-disable.sh") // 33 days
}
