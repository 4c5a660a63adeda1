//go:build !linux

package controlplane

import "os/exec"

func endWithUs(*exec.Cmd) {}
