package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/api/monitoring/v3"
	"google.golang.org/api/policyanalyzer/v1"
)

// An Activity is Policy Analyzer's answer about one key.
type Activity struct {
	// From and To are the observation period.
	From, To time.Time
	// Last is the day of the last authentication; zero: none in the period.
	Last time.Time
}

// Activities reads the last authentications of an account's keys, by key id. A key that is missing from the answer is one
// of which nothing is known: disabled keys are, and new ones. At most ten keys a request, as the filter takes them.
//
// https://cloud.google.com/policy-intelligence/docs/activity-analyzer-service-account-authentication
func (c *Client) Activities(ctx context.Context, email, project string, keys ...string) (map[string]Activity, error) {
	found := make(map[string]Activity)
	parent := "projects/" + project + "/locations/global/activityTypes/serviceAccountKeyLastAuthentication"
	for ; len(keys) > 0; keys = keys[min(10, len(keys)):] {
		var terms []string
		for _, id := range keys[:min(10, len(keys))] {
			terms = append(terms, fmt.Sprintf(`activities.full_resource_name = "//iam.googleapis.com/projects/%s/serviceAccounts/%s/keys/%s"`, project, email, id))
		}
		call := c.activity.Projects.Locations.ActivityTypes.Activities.Query(parent).Filter(strings.Join(terms, " OR ")).PageSize(1000)
		err := call.Pages(ctx, func(page *policyanalyzer.GoogleCloudPolicyanalyzerV1QueryActivityResponse) error {
			for _, a := range page.Activities {
				activity, err := readActivity(a)
				if err != nil {
					return err
				}
				found[a.FullResourceName[strings.LastIndex(a.FullResourceName, "/")+1:]] = activity
			}
			return nil
		})
		if err != nil {
			return nil, c.fail(err, needActivity, "projects/"+project, "reading the last use of the keys of %s", email)
		}
	}
	return found, nil
}

func readActivity(a *policyanalyzer.GoogleCloudPolicyanalyzerV1Activity) (Activity, error) {
	var activity Activity
	if a.ObservationPeriod == nil {
		return activity, errors.New("the answer has no observation period")
	}
	var err error
	if activity.From, err = moment(a.ObservationPeriod.StartTime); err != nil {
		return activity, err
	}
	if activity.To, err = moment(a.ObservationPeriod.EndTime); err != nil {
		return activity, err
	}
	var what struct {
		LastAuthenticatedTime string `json:"lastAuthenticatedTime"`
	}
	if json.Unmarshal(a.Activity, &what) != nil {
		return activity, errors.New("the answer's activity can not be decoded")
	}
	activity.Last, err = moment(what.LastAuthenticatedTime)
	return activity, err
}

// monitored is how long Monitoring keeps the metric.
// https://cloud.google.com/iam/docs/service-account-monitoring
const monitored = 42 * 24 * time.Hour

// Authentications counts the authentications with a key since a time, six weeks ago at most: failed ones too, and uses of
// the public key alone, so that more than none does not prove use. Uses that Policy Analyzer does not see (domain-wide
// delegation) are among them.
//
// https://cloud.google.com/iam/docs/service-account-monitoring
func (c *Client) Authentications(ctx context.Context, project, key string, since time.Time) (int64, error) {
	now := c.now().UTC()
	if oldest := now.Add(-monitored); since.Before(oldest) {
		since = oldest
	}
	filter := fmt.Sprintf(`metric.type="iam.googleapis.com/service_account/key/authn_events_count" AND metric.labels.key_id=%q`, key)
	call := c.monitoring.Projects.TimeSeries.List("projects/" + project).Filter(filter).
		IntervalStartTime(since.UTC().Format(time.RFC3339)).IntervalEndTime(now.Format(time.RFC3339)).
		AggregationAlignmentPeriod("86400s").AggregationPerSeriesAligner("ALIGN_SUM")
	var n int64
	err := call.Pages(ctx, func(page *monitoring.ListTimeSeriesResponse) error {
		if len(page.ExecutionErrors) > 0 {
			return errors.New("the answer is not complete: " + page.ExecutionErrors[0].Message)
		}
		for _, series := range page.TimeSeries {
			for _, point := range series.Points {
				if point.Value == nil || point.Value.Int64Value == nil {
					return errors.New("the answer has a point that is no number")
				}
				n += *point.Value.Int64Value
			}
		}
		return nil
	})
	if err != nil {
		return 0, c.fail(err, needSeries, "projects/"+project, "counting the authentications with the key %s", key)
	}
	return n, nil
}

// LogFilter finds who authenticates with a key: callers outside the cluster have addresses of their own. It needs Data
// Access audit logs of the services that are called.
//
// https://cloud.google.com/iam/docs/audit-logging/examples-service-accounts
func LogFilter(project, email, key string) string {
	return fmt.Sprintf(`protoPayload.authenticationInfo.serviceAccountKeyName="//iam.googleapis.com/projects/%s/serviceAccounts/%s/keys/%s"`, project, email, key)
}
