package gcptest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A log is a Reporter that keeps what it is told.
type log struct {
	*testing.T
	said []string
}

func (l *log) Errorf(format string, args ...any) {
	l.said = append(l.said, fmt.Sprintf(format, args...))
}

const world = `
project demo-proj 123456789012 folders/7 organizations/9
account api@demo-proj.iam.gserviceaccount.com
key api@demo-proj.iam.gserviceaccount.com api used=3
cluster demo-proj/us-central1/c1
bind api@demo-proj.iam.gserviceaccount.com roles/viewer user:x@example.com request.time < timestamp("2030-01-01T00:00:00Z")
`

func start(t *testing.T) (*Server, *log) {
	t.Helper()
	l := &log{T: t}
	s := Start(l)
	if err := s.World(world); err != nil {
		t.Fatal(err)
	}
	return s, l
}

func ask(t *testing.T, method, address, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	_ = json.Unmarshal(data, &value) // an answer that is no object stays nil
	return answer.StatusCode, value
}

const account = "/iam/v1/projects/demo-proj/serviceAccounts/api@demo-proj.iam.gserviceaccount.com"

// Whatever the discovery documents do not have fails the test that asks for it.
func TestMadeUpRequestsAreCaught(t *testing.T) {
	tests := []struct{ name, method, path, body, want string }{
		{"a path that no method has", "GET", "/iam/v1/projects/demo-proj/keys", "", "no method"},
		{"an API that is not there", "GET", "/compute/v1/projects/demo-proj", "", "no method"},
		{"a verb that is not there", "POST", account + ":rotate", "{}", "no method"},
		{"the wrong HTTP method", "PUT", account + ":getIamPolicy", "{}", "no method"},
		{"a made-up parameter", "GET", account + "?publicKeyType=TYPE_NONE", "", `no parameter "publicKeyType"`},
		{"a parameter twice", "GET", account + "/keys/0123456789abcdef0123456789abcdef01234567?publicKeyType=TYPE_NONE&publicKeyType=TYPE_NONE", "", "stands 2 times"},
		{"a made-up value of a parameter", "GET", account + "/keys/0123456789abcdef0123456789abcdef01234567?publicKeyType=TYPE_PEM", "", "TYPE_PEM"},
		{"a parameter of the wrong type", "POST", account + ":getIamPolicy?options.requestedPolicyVersion=three", "", "no integer"},
		{"a made-up field", "POST", account + ":setIamPolicy", `{"policy":{"bindings":[{"rule":"roles/viewer"}]}}`, `no field "rule"`},
		{"a field of the wrong type", "POST", account + ":setIamPolicy", `{"policy":{"bindings":{}}}`, "a list is expected"},
		{"a made-up enum value", "PUT", "/container/v1/projects/demo-proj/locations/us-central1/clusters/c1/nodePools/default-pool", `{"workloadMetadataConfig":{"mode":"GKE_METADATA_SERVER"}}`, "is none of"},
		{"a body that is no JSON", "POST", account + ":setIamPolicy", `{`, "no JSON"},
		{"a body where none belongs", "GET", account, `{}`, "takes no body"},
		{"a method that is not built", "POST", account + ":signBlob", `{}`, "not built"},
		{"a private key", "POST", account + ":setIamPolicy", `{"policy":{"etag":"-----BEGIN RSA PRIVATE` + ` KEY-----"}}`, "private key"},
		{"a certificate of nothing", "GET", "/certificates/robot/v1/metadata/x509/x", "", "certificates"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, l := start(t)
			ask(t, test.method, s.URL+test.path, test.body)
			if !strings.Contains(strings.Join(l.said, "\n"), test.want) {
				t.Errorf("said %q, want %q", l.said, test.want)
			}
		})
	}
}

func TestMadeUpAnswersAreCaught(t *testing.T) {
	s, l := start(t)
	have := handlers["iam.v1:projects.serviceAccounts.get"]
	t.Cleanup(func() { handlers["iam.v1:projects.serviceAccounts.get"] = have })
	handlers["iam.v1:projects.serviceAccounts.get"] = func(*call) (any, *failure) {
		return map[string]any{"email": "x", "lastUsed": "yesterday"}, nil
	}
	ask(t, "GET", s.URL+account, "")
	if len(l.said) != 1 || !strings.Contains(l.said[0], `no field "lastUsed"`) {
		t.Errorf("said %q", l.said)
	}
}

func TestRegisteredSecretsAreCaught(t *testing.T) {
	s, l := start(t)
	s.Secret("canary")
	ask(t, "GET", s.URL+account+"?quotaUser=a-canary", "")
	if len(l.said) != 1 {
		t.Errorf("said %q", l.said)
	}
}

// Every handler answers to a method that the documents have, so that a misspelled name can not lie idle.
func TestHandlersAreMethods(t *testing.T) {
	all, err := methods()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, list := range all {
		for _, m := range list {
			known[m.name] = true
		}
	}
	if len(known) < 500 {
		t.Errorf("the documents have %d methods: they were not read", len(known))
	}
	for name := range handlers {
		if !known[name] {
			t.Errorf("no method is called %s", name)
		}
	}
}

func TestPolicies(t *testing.T) {
	s, l := start(t)
	read := func() string {
		_, p := ask(t, "POST", s.URL+account+":getIamPolicy?options.requestedPolicyVersion=3", "")
		return p["etag"].(string)
	}
	etag := read()
	tests := []struct {
		name, body string
		code       int
	}{
		{"a binding for a KSA of a pool that exists", `{"policy":{"bindings":[{"role":"roles/iam.workloadIdentityUser","members":["serviceAccount:demo-proj.svc.id.goog[apps/api]"]}]}}`, 200},
		{"both spellings are kept as they are", `{"policy":{"bindings":[{"role":"roles/iam.workloadIdentityUser","members":["principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/subject/ns/apps/sa/api"]}]}}`, 200},
		{"an etag that somebody overtook", `{"policy":{"etag":"` + etag + `"}}`, 409},
		{"a pool that does not exist", `{"policy":{"bindings":[{"role":"roles/viewer","members":["serviceAccount:other.svc.id.goog[apps/api]"]}]}}`, 400},
		{"a pool under another project's number", `{"policy":{"bindings":[{"role":"roles/viewer","members":["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/demo-proj.svc.id.goog/subject/ns/a/sa/b"]}]}}`, 400},
		{"an account that does not exist", `{"policy":{"bindings":[{"role":"roles/viewer","members":["serviceAccount:no@demo-proj.iam.gserviceaccount.com"]}]}}`, 400},
		{"a member without a kind", `{"policy":{"bindings":[{"role":"roles/viewer","members":["api@demo-proj.iam.gserviceaccount.com"]}]}}`, 400},
		{"a condition without version 3", `{"policy":{"bindings":[{"role":"roles/viewer","members":["user:a@b.c"],"condition":{"expression":"true"}}]}}`, 400},
		{"a condition with version 3", `{"policy":{"version":3,"bindings":[{"role":"roles/viewer","members":["user:a@b.c"],"condition":{"expression":"true"}}]}}`, 200},
	}
	for _, test := range tests {
		if code, answer := ask(t, "POST", s.URL+account+":setIamPolicy", test.body); code != test.code {
			t.Errorf("%s: %d, want %d: %v", test.name, code, test.code, answer)
		}
	}
	if _, p := ask(t, "POST", s.URL+account+":getIamPolicy", ""); !strings.Contains(fmt.Sprint(p["bindings"]), "_withcond_") {
		t.Errorf("a caller who asked for version 1 sees the condition's binding as its own: %v", p)
	}
	if len(l.said) > 0 {
		t.Errorf("said %q", l.said)
	}
}

func TestKeysLiveAndDie(t *testing.T) {
	s, l := start(t)
	_, list := ask(t, "GET", s.URL+account+"/keys?keyTypes=USER_MANAGED", "")
	name := list["keys"].([]any)[0].(map[string]any)["name"].(string)
	at := s.URL + "/iam/v1/" + name
	for _, step := range []struct {
		method, path, body string
		code               int
	}{
		{"POST", at + ":disable", "{}", 200}, {"POST", at + ":disable", "{}", 200}, {"POST", at + ":enable", "{}", 200},
		{"DELETE", at, "", 200}, {"DELETE", at, "", 404}, {"GET", at, "", 404},
	} {
		if code, answer := ask(t, step.method, step.path, step.body); code != step.code {
			t.Errorf("%s %s: %d, want %d: %v", step.method, step.path, code, step.code, answer)
		}
	}
	for n := range 11 {
		want := 200
		if n == 10 {
			want = 400
		}
		s.Update(func(state *State) { // ten is the limit: keys of the same kind, made cheaply
			if n > 0 && n < 10 {
				a := state.FindAccount("api@demo-proj.iam.gserviceaccount.com")
				for _, k := range a.Keys {
					a.AddKey(fmt.Sprintf("%040d", n), k.PublicKey)
					break
				}
			}
		})
		if n == 0 || n == 10 {
			if code, _ := ask(t, "POST", s.URL+account+"/keys", "{}"); code != want {
				t.Errorf("key %d: %d, want %d", n, code, want)
			}
		}
	}
	if len(l.said) > 0 {
		t.Errorf("said %q", l.said)
	}
}

func TestHiddenAccounts(t *testing.T) {
	s, _ := start(t)
	for path, want := range map[string]int{
		"/iam/v1/projects/demo-proj/serviceAccounts/no@demo-proj.iam.gserviceaccount.com": 404,
		"/iam/v1/projects/-/serviceAccounts/no@demo-proj.iam.gserviceaccount.com":         403,
		"/iam/v1/projects/other/serviceAccounts/no@other.iam.gserviceaccount.com":         403,
		"/iam/v1/projects/-/serviceAccounts/api@demo-proj.iam.gserviceaccount.com":        200,
		"/iam/v1/projects/123456789012/serviceAccounts/100000000000000000001":             200,
	} {
		if code, _ := ask(t, "GET", s.URL+path, ""); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

func TestWorldSaysWhatIsWrong(t *testing.T) {
	s, _ := start(t)
	for _, text := range []string{"project", "planet earth 1", "key no@demo-proj.iam.gserviceaccount.com seed", "cluster demo-proj/x", "account a@demo-proj.iam.gserviceaccount.com sleepy", "bind nobody roles/viewer user:x@y.z"} {
		if err := s.World(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
