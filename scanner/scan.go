package scanner

import "context"

// Scan reads every source once and gives what was found. One bad file or forbidden list never stops it: that is a
// Gap of the Inventory. The error is for a source of which nothing could be used.
func Scan(ctx context.Context, readers ...Reader) (Inventory, error) {
	panic("landed by the wiring room")
}
