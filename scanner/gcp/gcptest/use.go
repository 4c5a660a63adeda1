package gcptest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/cloudasset/v1"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/monitoring/v3"
	"google.golang.org/api/policyanalyzer/v1"
)

var activityFilter = regexp.MustCompile(`^activities\.(?:full_resource_name|fullResourceName) ?= ?"([^"]+)"$`)

// queryActivities answers for the keys or the accounts of a project. Disabled keys are left out.
// https://cloud.google.com/policy-intelligence/docs/activity-analyzer-service-account-authentication
func queryActivities(c *call) (any, *failure) {
	p, f := c.projectOf("policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query")
	if f != nil {
		return nil, f
	}
	var wanted []string
	if filter := c.query.Get("filter"); filter != "" {
		terms := strings.Split(filter, " OR ")
		for _, term := range terms {
			found := activityFilter.FindStringSubmatch(strings.TrimSpace(term))
			if found == nil || len(terms) > 10 {
				return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the filter %q is not one of ten resource names at most", filter)
			}
			wanted = append(wanted, found[1])
		}
	}
	var all []*policyanalyzer.GoogleCloudPolicyanalyzerV1Activity
	kind := c.vars["activityTypesId"]
	for _, email := range slices.Sorted(maps.Keys(p.Accounts)) {
		a := p.Accounts[email]
		name := "//iam.googleapis.com/projects/" + p.ID + "/serviceAccounts/" + email
		switch kind {
		case "serviceAccountKeyLastAuthentication":
			for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
				if k := a.Keys[id]; !k.Disabled && !k.Unseen && k.Type == "USER_MANAGED" {
					all = append(all, c.activity(p, a, kind, name+"/keys/"+id, "serviceAccountKey", k.LastUse))
				}
			}
		case "serviceAccountLastAuthentication":
			last := time.Time{}
			for _, k := range a.Keys {
				if k.LastUse.After(last) {
					last = k.LastUse
				}
			}
			all = append(all, c.activity(p, a, kind, name, "serviceAccount", last))
		default:
			return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "no activity type %q", kind)
		}
	}
	all = slices.DeleteFunc(all, func(one *policyanalyzer.GoogleCloudPolicyanalyzerV1Activity) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, one.FullResourceName)
	})
	from, to, next, f := c.page(len(all))
	if f != nil {
		return nil, f
	}
	return &policyanalyzer.GoogleCloudPolicyanalyzerV1QueryActivityResponse{Activities: all[from:to], NextPageToken: next}, nil
}

func (c *call) activity(p *Project, a *Account, kind, name, field string, last time.Time) *policyanalyzer.GoogleCloudPolicyanalyzerV1Activity {
	from, to := c.state.observed()
	what := map[string]any{field: map[string]string{"projectNumber": p.Number, "serviceAccountId": a.UniqueID, "fullResourceName": name}}
	if !last.IsZero() && !last.Before(from) && !last.After(to) {
		what["lastAuthenticatedTime"] = stamp(last)
	}
	raw, err := json.Marshal(what)
	if err != nil {
		panic(err) // plain values
	}
	return &policyanalyzer.GoogleCloudPolicyanalyzerV1Activity{
		FullResourceName: name, ActivityType: kind, Activity: raw,
		ObservationPeriod: &policyanalyzer.GoogleCloudPolicyanalyzerV1ObservationPeriod{StartTime: stamp(from), EndTime: stamp(to)},
	}
}

var (
	metricType = regexp.MustCompile(`metric\.type ?= ?"([^"]+)"`)
	metricKey  = regexp.MustCompile(`metric\.labels?\.key_id ?= ?"([^"]+)"`)
)

// keyEvents counts authentications with a key.
// https://cloud.google.com/iam/docs/service-account-monitoring
const keyEvents = "iam.googleapis.com/service_account/key/authn_events_count"

func listTimeSeries(c *call) (any, *failure) {
	p, f := c.projectOf("monitoring.timeSeries.list")
	if f != nil {
		return nil, f
	}
	start, err1 := time.Parse(time.RFC3339, c.query.Get("interval.startTime"))
	end, err2 := time.Parse(time.RFC3339, c.query.Get("interval.endTime"))
	kind := metricType.FindStringSubmatch(c.query.Get("filter"))
	if err1 != nil || err2 != nil || kind == nil || kind[1] != keyEvents || end.Before(start) {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the server has no series for this filter and interval")
	}
	key := metricKey.FindStringSubmatch(c.query.Get("filter"))
	var all []*monitoring.TimeSeries
	for _, email := range slices.Sorted(maps.Keys(p.Accounts)) {
		a := p.Accounts[email]
		for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
			if key != nil && key[1] != id || a.Keys[id].Disabled {
				continue
			}
			if series := a.series(a.Keys[id], start, end); series != nil {
				all = append(all, series)
			}
		}
	}
	from, to, next, f := c.page(len(all))
	if f != nil {
		return nil, f
	}
	return &monitoring.ListTimeSeriesResponse{TimeSeries: all[from:to], NextPageToken: next}, nil
}

// series are the days of the interval with authentications, the newest first; nil where there are none.
func (a *Account) series(k *Key, start, end time.Time) *monitoring.TimeSeries {
	series := &monitoring.TimeSeries{
		Metric:     &monitoring.Metric{Type: keyEvents, Labels: map[string]string{"key_id": k.ID}},
		Resource:   &monitoring.MonitoredResource{Type: "iam_service_account", Labels: map[string]string{"project_id": a.project.ID, "unique_id": a.UniqueID}},
		MetricKind: "DELTA", ValueType: "INT64",
	}
	days := slices.SortedFunc(maps.Keys(k.Counts), func(a, b time.Time) int { return b.Compare(a) })
	for _, day := range days {
		until := day.Add(24 * time.Hour)
		if until.Before(start) || day.After(end) {
			continue
		}
		n := k.Counts[day]
		series.Points = append(series.Points, &monitoring.Point{
			Interval: &monitoring.TimeInterval{StartTime: stamp(day), EndTime: stamp(until)}, Value: &monitoring.TypedValue{Int64Value: &n},
		})
	}
	if len(series.Points) == 0 {
		return nil
	}
	return series
}

var policyQuery = regexp.MustCompile(`^policy ?: ?"?([^"]+)"?$`)

// searchPolicies finds the bindings whose members contain what is asked for.
// https://cloud.google.com/asset-inventory/docs/search-allow-policies
func searchPolicies(c *call) (any, *failure) {
	scope := c.vars["v1Id"] + "/" + c.vars["v1Id1"]
	projects := c.state.within(scope)
	if len(projects) == 0 {
		return nil, denied("cloudasset.assets.searchAllIamPolicies")
	}
	query := policyQuery.FindStringSubmatch(c.query.Get("query"))
	if query == nil {
		return nil, failf(http.StatusBadRequest, "INVALID_ARGUMENT", "the server searches policy:\"MEMBER\" only")
	}
	var all []*cloudasset.IamPolicySearchResult
	for _, p := range projects {
		add := func(resource, asset string, policy *iam.Policy) {
			if found := matching(policy, query[1]); found != nil {
				all = append(all, &cloudasset.IamPolicySearchResult{
					Resource: resource, AssetType: asset, Project: "projects/" + p.Number, Policy: found,
					Folders: above(p, "folders/"), Organization: cmp.Or(append(above(p, "organizations/"), "")...),
				})
			}
		}
		add("//cloudresourcemanager.googleapis.com/projects/"+p.ID, "cloudresourcemanager.googleapis.com/Project", p.Policy)
		for _, email := range slices.Sorted(maps.Keys(p.Accounts)) {
			add("//iam.googleapis.com/projects/"+p.ID+"/serviceAccounts/"+p.Accounts[email].UniqueID, "iam.googleapis.com/ServiceAccount", p.Accounts[email].Policy)
		}
		for _, name := range slices.Sorted(maps.Keys(p.Resources)) {
			service, _, _ := strings.Cut(strings.TrimPrefix(name, "//"), "/")
			add(name, service+"/Resource", p.Resources[name])
		}
	}
	from, to, next, f := c.page(len(all))
	if f != nil {
		return nil, f
	}
	return &cloudasset.SearchAllIamPoliciesResponse{Results: all[from:to], NextPageToken: next}, nil
}

func above(p *Project, prefix string) []string {
	var list []string
	for _, a := range p.Ancestors {
		if strings.HasPrefix(a, prefix) {
			list = append(list, a)
		}
	}
	return list
}

// matching is the part of a policy with such members.
func matching(p *iam.Policy, member string) *cloudasset.Policy {
	found := &cloudasset.Policy{}
	for _, b := range p.Bindings {
		if !slices.ContainsFunc(b.Members, func(m string) bool { return strings.Contains(m, member) }) {
			continue
		}
		one := &cloudasset.Binding{Role: b.Role, Members: slices.Clone(b.Members)}
		if b.Condition != nil {
			one.Condition = &cloudasset.Expr{Expression: b.Condition.Expression, Title: b.Condition.Title, Description: b.Condition.Description}
		}
		found.Bindings = append(found.Bindings, one)
	}
	if len(found.Bindings) == 0 {
		return nil
	}
	return found
}

func (k *Key) String() string { return fmt.Sprintf("key %s", k.ID) }
