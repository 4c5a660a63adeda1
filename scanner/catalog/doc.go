// Package catalog knows where else keys hide: in fields of custom resources, in flags and variables of known programs,
// in the values of public charts, and which objects make Secrets.
//
// What it knows is data: one file per product under entries, embedded. An entry says what it matches, which field names
// the Secret, whose Kubernetes service account is used once the key is gone, the way out (edits, or a hold with its
// instruction), the public document that says so, and its own test cases. Entries lists them.
//
// It refuses to guess. A program that is not in an entry has no way out, whatever its flags are called; an identity is
// the documented default of a controller, and whoever grants it something must have seen that service account.
package catalog
