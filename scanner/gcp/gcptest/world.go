package gcptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"dekey/scanner/keyfile/keytest"
)

// World changes the server as a text says, one thing a line, for tests that are told as stories:
//
//	project ID NUMBER [ANCESTOR...]          organizations/1000 is above it where nothing is named
//	account EMAIL [disabled] [uid=ID]        in a project that was named before
//	key EMAIL SEED [disabled] [expired] [used=DAYS] [unseen]      the key that keytest makes of the seed; used so many days ago
//	cluster PROJECT/LOCATION/NAME [off] [autopilot] [endpoint=HOST]      off: without Workload Identity
//	pool PROJECT/LOCATION/NAME NODEPOOL MODE     MODE: GKE_METADATA or GCE_METADATA
//	bind RESOURCE ROLE MEMBER [CONDITION]    RESOURCE: an e-mail, a project's id, or PROJECT=//service/...
//	service PROJECT NAME on|off
//	constraint PROJECT NAME                  a boolean organisation policy that is on
//	deny METHOD PERMISSION                   as Fault.Method
//	off METHOD SERVICE                       the API is off
//
// Empty lines and lines that start with # are passed over.
func (s *Server) World(text string) error {
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := s.worldLine(words); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Server) worldLine(words []string) error {
	if len(words) < 3 && words[0] != "account" && words[0] != "cluster" {
		return fmt.Errorf("%q says too little", words)
	}
	if len(words) < 2 {
		return fmt.Errorf("%q says too little", words)
	}
	switch words[0] {
	case "deny":
		s.Fail(Denied(words[1], words[2]))
		return nil
	case "off":
		s.Fail(Disabled(words[1], words[2]))
		return nil
	}
	var err error
	s.Update(func(state *State) { err = state.line(words[0], words[1], words[2:]) })
	return err
}

func (s *State) line(what, name string, rest []string) error {
	switch what {
	case "project":
		p := s.Project(name, rest[0])
		if len(rest) > 1 {
			p.Ancestors = slices.Clone(rest[1:])
		}
		return nil
	case "account":
		return s.accountLine(name, rest)
	case "key":
		return s.keyLine(name, rest)
	case "cluster", "pool":
		return s.clusterLine(what, name, rest)
	case "bind":
		return s.bindLine(name, rest)
	}
	p := s.Projects[name]
	if p == nil {
		return fmt.Errorf("no project %q", name)
	}
	switch {
	case what == "service" && len(rest) == 2:
		p.Services[rest[0]] = rest[1] == "on"
	case what == "constraint":
		p.OrgPolicies[rest[0]] = Enforced()
	default:
		return fmt.Errorf("%q is nothing that a world has", what)
	}
	return nil
}

// owner is the project of an e-mail: the one that its domain names, or the first.
func (s *State) owner(email string) *Project {
	_, domain, _ := strings.Cut(email, "@")
	id, _, _ := strings.Cut(domain, ".")
	if p := s.Projects[id]; p != nil {
		return p
	}
	for _, id := range slices.Sorted(maps.Keys(s.Projects)) {
		return s.Projects[id]
	}
	return nil
}

func (s *State) accountLine(email string, rest []string) error {
	p := s.owner(email)
	if p == nil {
		return fmt.Errorf("no project for %s", email)
	}
	a := p.Account(email)
	for _, word := range rest {
		uid, found := strings.CutPrefix(word, "uid=")
		switch {
		case found:
			a.UniqueID = uid
		case word == "disabled":
			a.Disabled = true
		default:
			return fmt.Errorf("an account is not %q", word)
		}
	}
	return nil
}

func (s *State) keyLine(email string, rest []string) error {
	a := s.FindAccount(email)
	if a == nil {
		return fmt.Errorf("no account %s", email)
	}
	made := keytest.New(rest[0], email)
	k := a.AddKey(made.KeyID, &made.Private.PublicKey)
	for _, word := range rest[1:] {
		days, found := strings.CutPrefix(word, "used=")
		switch {
		case found:
			var n int
			if _, err := fmt.Sscan(days, &n); err != nil {
				return fmt.Errorf("%q are no days", days)
			}
			k.Use(s.Now.Add(-time.Duration(n)*24*time.Hour), 1)
		case word == "disabled":
			k.Disabled, k.Reason = true, "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
		case word == "expired":
			k.Expires = s.Now.Add(-time.Hour)
		case word == "unseen":
			k.Unseen = true
		default:
			return fmt.Errorf("a key is not %q", word)
		}
	}
	return nil
}

func (s *State) clusterLine(what, name string, rest []string) error {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || s.Projects[parts[0]] == nil {
		return fmt.Errorf("%q is no PROJECT/LOCATION/NAME of a project that is there", name)
	}
	c := s.Projects[parts[0]].Cluster(parts[1], parts[2])
	if what == "pool" {
		c.NodePools = append(c.NodePools, NodePool(rest[0], rest[1]))
		return nil
	}
	for _, word := range rest {
		endpoint, found := strings.CutPrefix(word, "endpoint=")
		switch {
		case found:
			c.Endpoint = endpoint
		case word == "off":
			c.WorkloadIdentityConfig = nil
		case word == "autopilot":
			c.Autopilot.Enabled = true
		default:
			return fmt.Errorf("a cluster is not %q", word)
		}
	}
	return nil
}

func (s *State) bindLine(name string, rest []string) error {
	if len(rest) < 2 {
		return fmt.Errorf("a binding has a role and a member")
	}
	project, resource, _ := strings.Cut(name, "=")
	p := s.Projects[project]
	var policy *iam.Policy
	switch a := s.FindAccount(name); {
	case a != nil:
		policy = a.Policy
	case p == nil:
		return fmt.Errorf("nothing is called %q", name)
	case resource == "":
		policy = p.Policy
	default:
		if p.Resources[resource] == nil {
			p.Resources[resource] = &iam.Policy{Etag: emptyEtag}
		}
		policy = p.Resources[resource]
	}
	b := s.Bind(policy, rest[0], rest[1])
	if len(rest) > 2 {
		b.Condition = Condition("condition", strings.Join(rest[2:], " "))
	}
	return nil
}
