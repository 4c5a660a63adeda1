package checkout

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// open opens a file with one call to the kernel, which follows links and refuses to leave the root. package os resolves
// a path one folder at a time.
func (l *Local) open(name string) (*os.File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat2(int(l.dir.Fd()), name, &unix.OpenHow{
			Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
		})
	})
	switch {
	case errors.Is(err, unix.EXDEV):
		return nil, ErrLeavesRoot
	case err != nil: // a kernel without this call, too
		return l.openSlowly(name)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// readAll reads a regular file of at most limit bytes.
func readAll(file *os.File, limit int64) ([]byte, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return nil, err
	}
	switch {
	case stat.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errNotRegular
	case stat.Size > limit:
		return nil, ErrTooLarge
	}
	data := make([]byte, stat.Size+1) // one more, to see the end
	n, err := io.ReadFull(file, data)
	if err == nil {
		return nil, errGrew
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// stat asks for what stands at a path without resolving it one folder at a time.
func (l *Local) stat(name string) (os.FileInfo, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat2(int(l.dir.Fd()), name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS})
	})
	switch {
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR):
		return nil, os.ErrNotExist
	case err != nil:
		return l.root.Stat(name)
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	return file.Stat()
}
