package checkout

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
)

// Local is the Tree of a folder on disk.
type Local struct {
	root    *os.Root
	size    int64
	levels  int
	workers int
	dir     *os.File // the root, opened
}

// Open opens a folder. size bounds a file in bytes, levels the folders inside of each other.
func Open(folder string, size int64, levels int) (*Local, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	dir, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &Local{root: root, dir: dir, size: size, levels: levels, workers: min(runtime.GOMAXPROCS(0), 16)}, nil
}

// Close closes the folder.
func (l *Local) Close() error { return errors.Join(l.dir.Close(), l.root.Close()) }

// Workers is how many files are read at once.
func (l *Local) Workers() int { return l.workers }

// Stat says what stands at a path.
func (l *Local) Stat(name string) (fs.FileInfo, error) { return l.stat(name) }

// List gives what is in a folder.
func (l *Local) List(name string) ([]fs.DirEntry, error) { return fs.ReadDir(l.root.FS(), name) }

// ReadFile reads one file, following links inside of the root.
func (l *Local) ReadFile(name string) ([]byte, error) {
	file, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, l.size)
}

// openSlowly opens a regular file with what every system has.
func (l *Local) openSlowly(name string) (*os.File, error) {
	info, err := l.root.Stat(name) // before the open: a FIFO would hang it
	if err != nil {
		return nil, linkProblem(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	file, err := l.root.Open(name)
	if err != nil {
		return nil, linkProblem(err)
	}
	return file, nil
}

// linkProblem names what is wrong with a link.
func linkProblem(err error) error {
	switch {
	case strings.HasSuffix(err.Error(), "path escapes from parent"): // package os does not export this error
		return ErrLeavesRoot
	case errors.Is(err, fs.ErrNotExist):
		return ErrDangling
	}
	return err
}

// batch is how many files of one folder a goroutine takes at a time: a folder of 20,000 files is shared out.
const batch = 128

// A task is a folder to list, or some files of a folder to read.
type task struct {
	dir   *folder
	name  string // of the folder to list, inside dir; "" for files
	files []string
}

// Walk reads the folder with all cores. The order of visits is not fixed.
func (l *Local) Walk(ctx context.Context, w Walk) error {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	q.push([]task{{name: "."}})
	var wait sync.WaitGroup
	errs := make([]error, l.workers)
	for n := range l.workers {
		wait.Go(func() {
			worker := &walker{Local: l, Walk: w, number: n, queue: q, buffer: make([]byte, HeadSize)}
			errs[n] = worker.run(ctx)
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// queue is a stack: the deepest folder first keeps few folders open.
type queue struct {
	mu    sync.Mutex
	wake  *sync.Cond
	tasks []task
	open  int // tasks that are queued or worked on
}

func (q *queue) push(tasks []task) {
	if len(tasks) == 0 {
		return
	}
	q.mu.Lock()
	q.tasks = append(q.tasks, tasks...)
	q.open += len(tasks)
	q.mu.Unlock()
	q.wake.Broadcast()
}

func (q *queue) pop() (task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.tasks) == 0 {
		if q.open == 0 {
			return task{}, false
		}
		q.wake.Wait()
	}
	t := q.tasks[len(q.tasks)-1]
	q.tasks = q.tasks[:len(q.tasks)-1]
	return t, true
}

func (q *queue) finish() {
	q.mu.Lock()
	q.open--
	last := q.open == 0
	q.mu.Unlock()
	if last {
		q.wake.Broadcast()
	}
}

type walker struct {
	*Local
	Walk
	number int
	queue  *queue
	buffer []byte // reused from file to file
}

func (w *walker) run(ctx context.Context) error {
	var err error
	for {
		t, ok := w.queue.pop()
		if !ok {
			return err
		}
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil: // the rest is dropped
		case t.name != "":
			w.list(t)
		default:
			w.files(t)
		}
		if t.dir != nil {
			t.dir.release()
		}
		w.queue.finish()
	}
}

// list reads a folder's entries and queues what is below it.
func (w *walker) list(t task) {
	dir, err := w.openFolder(t.dir, t.name)
	if err != nil {
		w.Problem(path.Join(t.dir.path(), t.name), err)
		return
	}
	defer dir.release()
	entries, err := dir.entries()
	if err != nil {
		w.Problem(dir.path(), err)
	}
	var tasks []task
	var names []string
	flush := func() {
		if len(names) > 0 {
			dir.retain()
			tasks = append(tasks, task{dir: dir, files: names})
			names = nil
		}
	}
	for _, entry := range entries {
		name := entry.Name()
		if isGit(name) {
			continue
		}
		kind := entry.Type()
		switch {
		case kind.IsDir():
			if dir.level >= w.levels {
				w.Problem(path.Join(dir.path(), name), ErrTooDeep)
				continue
			}
			dir.retain()
			tasks = append(tasks, task{dir: dir, name: name})
		case kind&fs.ModeSymlink != 0:
			w.link(path.Join(dir.path(), name))
		case kind.IsRegular():
			if names = append(names, name); len(names) == batch {
				flush()
			}
		}
	}
	flush()
	w.queue.push(tasks)
}

// link reports a link that can not be followed. One that can leads to a file that is visited by itself.
func (w *walker) link(name string) {
	if _, err := w.root.Stat(name); err != nil {
		w.Problem(name, linkProblem(err))
	}
}

func (w *walker) files(t task) {
	prefix := t.dir.path() + "/"
	if prefix == "./" {
		prefix = ""
	}
	for _, name := range t.files {
		full := prefix + name
		amount := w.Want(full)
		if amount == None {
			continue
		}
		limit := w.size
		if amount == Head {
			limit = HeadSize
		}
		data, err := w.read(t.dir, name, limit)
		switch {
		case err == nil:
			w.Visit(w.number, full, data)
		case errors.Is(err, ErrTooLarge) && amount == Head:
			w.Visit(w.number, full, data[:HeadSize])
		default:
			w.Problem(full, err)
		}
		if len(w.buffer) > 4<<20 { // one large file is no reason to keep as much for the rest
			w.buffer = make([]byte, HeadSize)
		}
	}
}
