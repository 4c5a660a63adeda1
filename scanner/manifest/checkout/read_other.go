//go:build !linux

package checkout

import (
	"io"
	"os"
)

func (l *Local) open(name string) (*os.File, error) { return l.openSlowly(name) }

// readAll reads a regular file of at most limit bytes.
func readAll(file *os.File, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, ErrTooLarge
	}
	return data, nil
}

func (l *Local) stat(name string) (os.FileInfo, error) { return l.root.Stat(name) }
