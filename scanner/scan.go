package scanner

import (
	"context"
	"errors"
	"sync"
)

// maxRounds bounds how often Scan asks for what became interesting: a Secret leads to its workloads, these to their service
// accounts, these to whatever else names them.
const maxRounds = 3

// Scan reads every source and gives what was found. One bad file or forbidden list never stops it: that is a Gap of the
// Inventory. The error is for a source of which nothing could be used, and for a context that ended.
//
// Readers run side by side; the result does not depend on who comes first.
func Scan(ctx context.Context, readers ...Reader) (Inventory, error) {
	c := newCollector()
	err := each(readers, func(r Reader) error { return r.Read(ctx, c) })
	if err != nil {
		return Inventory{}, err
	}
	asked := Interest{}
	var known *analysis
	heard := -1
	analyse := func() *analysis {
		if c.heard != heard {
			known, heard = c.analyse(), c.heard
		}
		return known
	}
	for range maxRounds {
		interest := analyse().interest()
		if interest.Empty() || interest.equal(asked) {
			break
		}
		asked = interest
		err := each(readers, func(r Reader) error { return r.Related(ctx, interest, c) })
		if err != nil {
			return Inventory{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Inventory{}, err
	}
	return analyse().inventory(), nil
}

func each(readers []Reader, do func(Reader) error) error {
	errs := make([]error, len(readers))
	var wg sync.WaitGroup
	for i, r := range readers {
		wg.Go(func() { errs[i] = do(r) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
