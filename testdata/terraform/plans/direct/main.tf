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
resource "google_storage_bucket_iam_member" "shop_api_1e3937" {
  bucket = "acme-data"
  role   = "roles/storage.objectViewer"
  member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_project_iam_member.shop_api_9594fa
  id = "acme roles/pubsub.publisher principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api until, 'then'"
}

resource "google_project_iam_member" "shop_api_9594fa" {
  project = "acme"
  role    = "roles/pubsub.publisher"
  member  = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
  condition {
    title      = "until, 'then'"
    expression = "resource.name.startsWith(\"projects/_/buckets/a,b\") && request.time < timestamp(\"2030-01-01T00:00:00Z\")"
  }
}

# For shop/Deployment/api.
resource "google_pubsub_topic_iam_member" "shop_api_b61077" {
  project = "acme"
  topic   = "orders"
  role    = "roles/pubsub.publisher"
  member  = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
resource "google_kms_crypto_key_iam_member" "shop_api_b8225f" {
  crypto_key_id = "projects/acme/locations/eu/keyRings/ring/cryptoKeys/key"
  role          = "roles/cloudkms.cryptoKeyDecrypter"
  member        = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_folder_iam_member.shop_api_f373ca
  id = "folders/42 roles/viewer principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_folder_iam_member" "shop_api_f373ca" {
  folder = "folders/42"
  role   = "roles/viewer"
  member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_organization_iam_member.shop_api_35cd89
  id = "43 roles/viewer principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_organization_iam_member" "shop_api_35cd89" {
  org_id = "43"
  role   = "roles/viewer"
  member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_pubsub_subscription_iam_member.shop_api_f2e147
  id = "projects/acme/subscriptions/orders roles/pubsub.subscriber principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_pubsub_subscription_iam_member" "shop_api_f2e147" {
  project      = "acme"
  subscription = "orders"
  role         = "roles/pubsub.subscriber"
  member       = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_secret_manager_secret_iam_member.shop_api_694ce5
  id = "projects/acme/secrets/token roles/secretmanager.secretAccessor principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_secret_manager_secret_iam_member" "shop_api_694ce5" {
  project   = "acme"
  secret_id = "token"
  role      = "roles/secretmanager.secretAccessor"
  member    = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_artifact_registry_repository_iam_member.shop_api_52aac4
  id = "projects/acme/locations/eu/repositories/images roles/artifactregistry.reader principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_artifact_registry_repository_iam_member" "shop_api_52aac4" {
  project    = "acme"
  location   = "eu"
  repository = "images"
  role       = "roles/artifactregistry.reader"
  member     = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_cloud_run_v2_service_iam_member.shop_api_d52bf2
  id = "projects/acme/locations/europe-west1/services/web roles/run.invoker principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_cloud_run_v2_service_iam_member" "shop_api_d52bf2" {
  project  = "acme"
  location = "europe-west1"
  name     = "web"
  role     = "roles/run.invoker"
  member   = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

# For shop/Deployment/api.
import {
  to = google_spanner_database_iam_member.shop_api_567d2e
  id = "acme/main/orders roles/spanner.databaseReader principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}

resource "google_spanner_database_iam_member" "shop_api_567d2e" {
  project  = "acme"
  instance = "main"
  database = "orders"
  role     = "roles/spanner.databaseReader"
  member   = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api"
}
