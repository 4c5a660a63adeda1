package checkout

import (
	"context"
	"io"
	"io/fs"
	"strings"
)

// FS is a Tree over any file system: a checkout with edited files laid over it.
type FS struct {
	Files  fs.FS
	Size   int64 // the limit of a file's size
	Levels int   // the limit of folders inside of each other
}

// Workers is 1.
func (f FS) Workers() int { return 1 }

// Walk visits the files in lexical order.
func (f FS) Walk(ctx context.Context, w Walk) error {
	return fs.WalkDir(f.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			w.Problem(name, err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case isGit(entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			if strings.Count(name, "/") >= f.Levels {
				w.Problem(name, ErrTooDeep)
				return fs.SkipDir
			}
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			f.link(name, w)
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		amount := w.Want(name)
		if amount == None {
			return nil
		}
		data, err := f.read(name, amount)
		if err != nil {
			w.Problem(name, err)
			return nil
		}
		w.Visit(0, name, data)
		return nil
	})
}

// link reports a link that can not be followed. One that can leads to a file that is visited by itself.
func (f FS) link(name string, w Walk) {
	if _, err := fs.Stat(f.Files, name); err != nil {
		w.Problem(name, linkProblem(err))
	}
}

// Stat says what stands at a path.
func (f FS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.Files, name) }

// List gives what is in a folder.
func (f FS) List(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.Files, name) }

// ReadFile reads one file.
func (f FS) ReadFile(name string) ([]byte, error) { return f.read(name, Whole) }

func (f FS) read(name string, amount Amount) ([]byte, error) {
	file, err := f.Files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	limit := f.Size
	if amount == Head {
		limit = HeadSize
	}
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		if amount == Head {
			return data[:limit], nil
		}
		return nil, ErrTooLarge
	}
	return data, nil
}
