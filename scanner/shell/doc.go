// Package shell reads the gcloud and kubectl lines of scripts and CI files: grants, accounts, keys, annotations.
//
// A script is parsed, never run. A variable that the script sets once to a constant is filled in; any other word that the
// shell would make hides its part of the Value. A script that a script hands to a shell (bash -c, eval, here-documents) is read
// as well. So are the scripts in the files of CI systems, in Makefiles, in Dockerfiles and in the tasks and containers of manifests.
//
//	facts, gaps := shell.Read("checkout", "deploy/grant.sh", data)
//
// Files are hostile. One that is too large, nested too deep or no shell is a gap.
package shell
