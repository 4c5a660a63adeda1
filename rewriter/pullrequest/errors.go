package pullrequest

import (
	"errors"
	"fmt"
)

// An Error says what went wrong and what the user can do about it.
type Error struct {
	What string
	Do   string
	Err  error // the cause; it may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.What
	}
	return e.What + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint is what the user can do.
func (e *Error) Hint() string { return e.Do }

func problem(do, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{What: wrapped.Error(), Do: do, Err: nil}
}

// hintOf is the hint of the first Error in a chain, or "".
func hintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Do
	}
	return ""
}
