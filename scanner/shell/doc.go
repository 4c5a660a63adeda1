// Package shell reads the gcloud and kubectl lines of scripts and CI files: grants, accounts, keys, annotations.
//
// A script is parsed, never run. A variable that the script sets once to a constant is filled in; any other word that the
// shell would make hides its part of the Value. GitHub workflows, GitLab pipelines, Cloud Build files and Makefiles are
// read for the scripts in them.
//
//	facts, gaps := shell.Read("checkout", "deploy/grant.sh", data)
//
// Files are hostile. One that is too large, nested too deep or no shell is a gap.
package shell
