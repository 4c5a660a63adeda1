// Command provider is a Terraform provider named google that knows the arguments of the resources that dekey writes, and
// nothing else: it is there for `terraform validate`, and can make nothing. The names are those of the documentation of the
// google provider, https://registry.terraform.io/providers/hashicorp/google/latest/docs.
package main

import (
	"context"
	"errors"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return google{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/hashicorp/google"})
	if err != nil {
		log.Fatal(err)
	}
}

type google struct{}

func (google) Metadata(_ context.Context, _ provider.MetadataRequest, r *provider.MetadataResponse) {
	r.TypeName = "google"
}
func (google) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (google) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (google) DataSources(context.Context) []func() datasource.DataSource                        { return nil }

func (google) Resources(context.Context) []func() resource.Resource {
	var list []func() resource.Resource
	for name, r := range resources {
		list = append(list, func() resource.Resource { return kind{name, r} })
	}
	return list
}

// arguments of a resource: those that must be there, those that may, and what the provider fills in.
type arguments struct {
	required, optional, computed []string
	condition                    bool
}

// member are the arguments of every google_*_iam_member resource beside those that name what is granted on.
func member(condition bool, required []string, optional ...string) arguments {
	return arguments{required: append([]string{"role", "member"}, required...), optional: optional, computed: []string{"etag"}, condition: condition}
}

var resources = map[string]arguments{
	"google_service_account": {required: []string{"account_id"}, optional: []string{"project", "display_name", "description"},
		computed: []string{"name", "email", "unique_id", "member"}},
	"google_service_account_iam_member":              member(true, []string{"service_account_id"}),
	"google_project_iam_member":                      member(true, []string{"project"}),
	"google_folder_iam_member":                       member(true, []string{"folder"}),
	"google_organization_iam_member":                 member(true, []string{"org_id"}),
	"google_storage_bucket_iam_member":               member(true, []string{"bucket"}),
	"google_pubsub_topic_iam_member":                 member(false, []string{"topic"}, "project"),
	"google_pubsub_subscription_iam_member":          member(false, []string{"subscription"}, "project"),
	"google_secret_manager_secret_iam_member":        member(true, []string{"secret_id"}, "project"),
	"google_kms_crypto_key_iam_member":               member(true, []string{"crypto_key_id"}),
	"google_artifact_registry_repository_iam_member": member(true, []string{"repository"}, "project", "location"),
	"google_cloud_run_v2_service_iam_member":         member(true, []string{"name"}, "project", "location"),
	"google_spanner_database_iam_member":             member(true, []string{"instance", "database"}, "project"),
}

type kind struct {
	name string
	arguments
}

func (k kind) Metadata(_ context.Context, _ resource.MetadataRequest, r *resource.MetadataResponse) {
	r.TypeName = k.name
}

func (k kind) Schema(_ context.Context, _ resource.SchemaRequest, r *resource.SchemaResponse) {
	r.Schema.Attributes = map[string]schema.Attribute{"id": schema.StringAttribute{Computed: true}}
	for _, name := range k.required {
		r.Schema.Attributes[name] = schema.StringAttribute{Required: true}
	}
	for _, name := range k.optional {
		r.Schema.Attributes[name] = schema.StringAttribute{Optional: true}
	}
	for _, name := range k.computed {
		r.Schema.Attributes[name] = schema.StringAttribute{Computed: true}
	}
	if k.condition {
		r.Schema.Blocks = map[string]schema.Block{"condition": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
			"title": schema.StringAttribute{Required: true}, "expression": schema.StringAttribute{Required: true}, "description": schema.StringAttribute{Optional: true},
		}}}}
	}
}

func (k kind) ImportState(ctx context.Context, q resource.ImportStateRequest, r *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), q, r)
}

var errStub = errors.New("this provider only validates").Error()

func (kind) Create(_ context.Context, _ resource.CreateRequest, r *resource.CreateResponse) {
	r.Diagnostics.AddError(errStub, "")
}
func (kind) Read(_ context.Context, _ resource.ReadRequest, r *resource.ReadResponse) {
	r.Diagnostics.AddError(errStub, "")
}
func (kind) Update(_ context.Context, _ resource.UpdateRequest, r *resource.UpdateResponse) {
	r.Diagnostics.AddError(errStub, "")
}
func (kind) Delete(_ context.Context, _ resource.DeleteRequest, r *resource.DeleteResponse) {
	r.Diagnostics.AddError(errStub, "")
}
