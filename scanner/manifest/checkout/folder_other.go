//go:build !unix

package checkout

import (
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
)

// A folder is an open directory.
type folder struct {
	name  string // from the root
	level int
	root  *os.Root
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
		d.root.Close()
	}
}

func (d *folder) entries() ([]fs.DirEntry, error) {
	file, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadDir(-1)
}

// openFolder opens a folder inside of parent; the root itself where parent is nil.
func (l *Local) openFolder(parent *folder, name string) (*folder, error) {
	from, full, level := l.root, name, 0
	if parent != nil {
		from, full, level = parent.root, path.Join(parent.name, name), parent.level+1
	}
	root, err := from.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	d := &folder{name: full, level: level, root: root}
	d.users.Store(1)
	return d, nil
}

// read reads a file of the folder into the worker's buffer.
func (w *walker) read(dir *folder, name string, limit int64) ([]byte, error) {
	file, err := dir.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for n := 0; ; {
		got, err := io.ReadFull(file, w.buffer[n:])
		n += got
		switch {
		case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
			return nil, err
		case int64(n) > limit:
			return w.buffer[:n], ErrTooLarge
		case n < len(w.buffer):
			return w.buffer[:n], nil
		}
		w.buffer = append(w.buffer, make([]byte, len(w.buffer))...)
	}
}
