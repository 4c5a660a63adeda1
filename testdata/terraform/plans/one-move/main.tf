# The same grants as runbook/1-grant.sh: use one of the two. Only additive resources (*_iam_member): what others granted
# stays. Bindings that were there when the plan was made are imported, not made.
#
# Keys that Terraform made: removing a google_service_account_key block deletes the live key at the next apply, and Terraform can
# not disable one. Leave the block until runbook/3-disable.sh has disabled the key and the second soak is over; the removal of
# the block is then the deletion, in place of runbook/4-delete.sh. State files keep private keys in their old versions.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

# For shop/Deployment/api.
resource "google_service_account_iam_member" "shop_api_f3392a" {
  service_account_id = "projects/acme/serviceAccounts/api@acme.iam.gserviceaccount.com"
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:acme.svc.id.goog[shop/api]"
}
