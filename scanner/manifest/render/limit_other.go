//go:build !linux

package render

// limitMemory does nothing here: watch is alone.
func limitMemory(int64) {}
