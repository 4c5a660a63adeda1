//go:build unix

package checkout

import (
	"io/fs"
	"os"
	"path"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A folder is an open directory. Files are opened relative to it and links are refused by the kernel, so no path is
// resolved twice and nothing outside of the root can be reached.
type folder struct {
	name  string // from the root
	level int
	file  *os.File
	fd    int
	users atomic.Int32
}

func (d *folder) path() string {
	if d == nil {
		return "."
	}
	return d.name
}

func (d *folder) retain() { d.users.Add(1) }

func (d *folder) release() {
	if d.users.Add(-1) == 0 {
		d.file.Close()
	}
}

func (d *folder) entries() ([]fs.DirEntry, error) { return d.file.ReadDir(-1) }

// openFolder opens a folder inside of parent; the root itself where parent is nil.
func (l *Local) openFolder(parent *folder, name string) (*folder, error) {
	if parent == nil {
		file, err := l.root.Open(".")
		if err != nil {
			return nil, err
		}
		return newFolder(&folder{name: ".", file: file, fd: int(file.Fd())}), nil
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(parent.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	full := path.Join(parent.name, name)
	return newFolder(&folder{name: full, level: parent.level + 1, file: os.NewFile(uintptr(fd), full), fd: fd}), nil
}

func newFolder(d *folder) *folder {
	d.users.Store(1)
	return d
}

// read reads a file of the folder into the worker's buffer. It asks the kernel for nothing else than open, read and
// close: package os takes twice the time.
func (w *walker) read(dir *folder, name string, limit int64) ([]byte, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(dir.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for n := 0; ; {
		got, err := retry(func() (int, error) { return unix.Read(fd, w.buffer[n:]) })
		if err != nil {
			return nil, err
		}
		n += got
		switch {
		case int64(n) > limit:
			return w.buffer[:n], ErrTooLarge
		case n < len(w.buffer): // a regular file gives all that is asked for, up to its end
			return w.buffer[:n], nil
		}
		w.buffer = append(w.buffer, make([]byte, len(w.buffer))...)
	}
}

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
