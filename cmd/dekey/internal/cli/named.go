package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

var errNoFile = errors.New("it is a pipe, a socket or a device, and no file")

// readNamed reads a file that an argument or a flag names. A named pipe or a device, which may never end, is refused; what
// the shell hands over as an open file (<(COMMAND), /dev/stdin) is read.
func readNamed(name string) ([]byte, error) {
	// Without O_NONBLOCK, opening a pipe waits for whoever writes to it.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() && !mode.IsDir() && !handedOver(name, mode) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNoFile}
	}
	return io.ReadAll(file)
}

// handedOver says that a name is one of a pipe that this process was started with.
func handedOver(name string, mode fs.FileMode) bool {
	return mode&fs.ModeNamedPipe != 0 &&
		(name == "/dev/stdin" || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/self/fd/"))
}
