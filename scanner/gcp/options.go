package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"
)

// Options say how Google is reached. The zero value is the public endpoints with Application Default Credentials.
type Options struct {
	// Endpoints replace the public ones: URL for all APIs, each below its own name (URL/iam/, URL/container/, ...), or
	// NAME=URL for one. Names are those of gcloud's api_endpoint_overrides: iam, container, cloudresourcemanager,
	// policyanalyzer, monitoring, cloudasset, serviceusage, orgpolicy; and certificates for the public keys.
	Endpoints []string
	// LookupEnv gives gcloud's own settings, CLOUDSDK_API_ENDPOINT_OVERRIDES_NAME. Nil: none.
	// https://cloud.google.com/sdk/docs/properties
	LookupEnv func(string) (string, bool)
	// QuotaProject is charged for the calls; "": the credentials' own.
	QuotaProject string
	UserAgent    string
	Now          func() time.Time // nil: time.Now

	Timeout  time.Duration // of one attempt; 0: 30 seconds
	Attempts int           // of one call; 0: 5
	Parallel int           // requests at a time; 0: 8
	// Wait waits between attempts. Nil: by the clock.
	Wait func(context.Context, time.Duration) error
}

// certificates is the name of the public key endpoint among Endpoints.
const certificates = "certificates"

// endpoints are the public ones, by name.
var endpoints = map[string]string{
	"iam": "https://iam.googleapis.com/", "container": "https://container.googleapis.com/",
	"cloudresourcemanager": "https://cloudresourcemanager.googleapis.com/", "policyanalyzer": "https://policyanalyzer.googleapis.com/",
	"monitoring": "https://monitoring.googleapis.com/", "cloudasset": "https://cloudasset.googleapis.com/",
	"serviceusage": "https://serviceusage.googleapis.com/", "orgpolicy": "https://orgpolicy.googleapis.com/",
	certificates: "https://www.googleapis.com/",
}

// CheckEndpoint says what is wrong with an entry of Options.Endpoints.
func CheckEndpoint(entry string) error {
	name, address, named := strings.Cut(entry, "=")
	if !named {
		name, address = "", entry
	}
	if named && endpoints[name] == "" {
		return fmt.Errorf("no API is called %q", name)
	}
	_, err := parseEndpoint(address)
	return err
}

// parseEndpoint takes an https address, or plain http on loopback, where no token is sent.
func parseEndpoint(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q is no address of an API", address)
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u):
	default:
		return "", fmt.Errorf("%q is neither https nor on loopback", address)
	}
	return strings.TrimRight(u.String(), "/") + "/", nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// resolve gives the address of every API: an entry for one API over gcloud's setting over an entry for all.
func (o Options) resolve() (map[string]string, error) {
	resolved := make(map[string]string, len(endpoints))
	for name, address := range endpoints {
		resolved[name] = address
	}
	for _, entry := range o.Endpoints {
		if err := CheckEndpoint(entry); err != nil {
			return nil, err
		}
		if strings.Contains(entry, "=") {
			continue
		}
		for name := range resolved {
			resolved[name] = strings.TrimRight(entry, "/") + "/" + name + "/"
		}
	}
	for name := range endpoints {
		if o.LookupEnv == nil {
			break
		}
		variable := "CLOUDSDK_API_ENDPOINT_OVERRIDES_" + strings.ToUpper(name)
		if value, ok := o.LookupEnv(variable); ok && value != "" {
			address, err := parseEndpoint(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", variable, err)
			}
			resolved[name] = address
		}
	}
	for _, entry := range o.Endpoints {
		if name, address, named := strings.Cut(entry, "="); named {
			resolved[name] = strings.TrimRight(address, "/") + "/"
		}
	}
	return resolved, nil
}

// scope is what the APIs take: IAM and Kubernetes Engine have none that only reads.
const scope = "https://www.googleapis.com/auth/cloud-platform"

// authenticated is a transport with Application Default Credentials, or why there is none. On loopback no token is sent.
func (o Options) authenticated(ctx context.Context, base http.RoundTripper, address string) (http.RoundTripper, error) {
	options := []option.ClientOption{option.WithUserAgent(cmp.Or(o.UserAgent, "dekey"))}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of an API is none")
	}
	if loopback(u) {
		options = append(options, option.WithoutAuthentication())
	} else {
		options = append(options, option.WithScopes(scope))
		if o.QuotaProject != "" {
			options = append(options, option.WithQuotaProject(o.QuotaProject))
		}
	}
	return transport.NewTransport(ctx, base, options...)
}

// apiNames are the names of endpoints, sorted.
func apiNames() []string {
	var names []string
	for name := range endpoints {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
