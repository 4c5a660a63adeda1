package render

import "golang.org/x/sys/unix"

// limitMemory is the wall behind watch: what the process may write to, in bytes.
func limitMemory(memory int64) {
	limit := unix.Rlimit{Cur: uint64(memory) + 128<<20, Max: uint64(memory) + 128<<20}
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &limit) // without it, watch is alone
}
