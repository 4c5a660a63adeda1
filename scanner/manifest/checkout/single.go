package checkout

import (
	"context"
	"io/fs"
)

// Single is a Tree of one file that is in memory: standard input.
type Single struct {
	Name string
	Data []byte
	Size int64
}

// Workers is 1.
func (s Single) Workers() int { return 1 }

// Walk visits the file.
func (s Single) Walk(_ context.Context, w Walk) error {
	if int64(len(s.Data)) > s.Size {
		w.Problem(s.Name, ErrTooLarge)
		return nil
	}
	w.Visit(0, s.Name, s.Data)
	return nil
}

// Stat finds nothing: a file alone is no overlay and no chart.
func (s Single) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }

// List finds nothing.
func (s Single) List(string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }

// ReadFile gives the file.
func (s Single) ReadFile(name string) ([]byte, error) {
	if name != s.Name {
		return nil, fs.ErrNotExist
	}
	return s.Data, nil
}
