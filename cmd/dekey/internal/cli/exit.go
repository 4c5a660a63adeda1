package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"dekey/scanner/keyfile"
)

// The exit codes of the contract.
const (
	exitDone       = 0
	exitFailed     = 1 // nothing usable was written
	exitUsage      = 2 // the command line or a policy file is wrong
	exitIncomplete = 3 // done, but something that should have been readable was not
	exitViolation  = 4 // lint found violations, or check found that a precondition does not hold
)

// An outcome is how a command ended when that is not an error: done, with something to say by the exit code alone.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// incomplete is the outcome of a command whose result has gaps.
func incomplete(gaps int) error {
	if gaps > 0 {
		return outcome(exitIncomplete)
	}
	return nil
}

// A usageError is a command line or a policy file that is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A hinted error is followed by what the user can do.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

func hintf(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// reportError prints err as the contract says and gives the exit code.
func reportError(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	var code outcome
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintf(w, "dekey: %s\n", visible(withhold(err.Error())))
	var hint hinted
	if errors.As(err, &hint) {
		fmt.Fprintf(w, "hint: %s\n", visible(withhold(hint.hint)))
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// quotation matches what a message quotes, also where that is cut off.
var quotation = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)

// withhold leaves out of a message what it quotes, when that may be a part of a key: a value of a policy file, of a flag, of
// a file that was named by mistake can be one.
func withhold(message string) string {
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		if !keyfile.IsKeyMaterial([]byte(line)) {
			continue
		}
		if line = quotation.ReplaceAllString(line, `"(withheld)"`); keyfile.IsKeyMaterial([]byte(line)) {
			line = "(withheld: the message may quote a key)"
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// visible shows control, bidirectional and escape characters instead of sending them to a terminal. Line breaks
// stay: errors may have several lines.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' {
			b.WriteRune(r)
			continue
		}
		if unprintable(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x061c:
		return true
	}
	return false
}
