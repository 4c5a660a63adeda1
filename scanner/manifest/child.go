package manifest

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"dekey/scanner/manifest/render"
)

// RenderChild is the process that renders for a Reader: the command in Options.Child runs it on its standard input and
// output, with the arguments that follow the command. It returns the exit code.
func RenderChild(stdin io.Reader, stdout io.Writer, args ...string) int {
	var memory int64
	if len(args) > 0 {
		var err error
		if memory, err = strconv.ParseInt(args[0], 10, 64); err != nil {
			return 2
		}
	}
	return render.Serve(stdin, stdout, memory)
}

// child runs renderings in a process of its own, one after the other.
type child struct {
	argv   []string
	limits Limits

	cmd       *exec.Cmd
	stdin     io.WriteCloser
	requests  *gob.Encoder
	responses *gob.Decoder
	stderr    *beginning
}

// outOfMemory says whether a process's last words are that it got no more memory: from its own watch, from the Go runtime,
// or from the race detector's.
func outOfMemory(text string) bool {
	for _, words := range []string{render.OutOfMemory, "out of memory", "cannot allocate memory", "failed to allocate"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// render runs one rendering. The response says why when there is none: a rendering that takes too long or too much
// memory ends with its process.
func (c *child) render(ctx context.Context, request render.Request) render.Response {
	if len(c.argv) == 0 {
		return render.Response{Why: "is not rendered here"}
	}
	if err := c.start(); err != nil {
		return render.Response{Why: "the renderer does not start"}
	}
	type result struct {
		response render.Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		if r.err = c.requests.Encode(request); r.err == nil {
			r.err = c.responses.Decode(&r.response)
		}
		done <- r
	}()
	timeout := time.NewTimer(c.limits.RenderTime)
	defer timeout.Stop()
	select {
	case r := <-done:
		if r.err == nil {
			return r.response
		}
		c.stop()
		if outOfMemory(c.stderr.String()) {
			return render.Response{Why: fmt.Sprintf("takes more than %d MiB of memory to render, and was cut off", c.limits.RenderBytes>>20)}
		}
		return render.Response{Why: "the renderer ended before it was done"}
	case <-timeout.C:
		c.stop()
		<-done
		return render.Response{Why: fmt.Sprintf("takes longer than %s to render, and was cut off", c.limits.RenderTime)}
	case <-ctx.Done():
		c.stop()
		<-done
		return render.Response{Why: "was interrupted"}
	}
}

func (c *child) start() error {
	if c.cmd != nil {
		return nil
	}
	cmd := exec.Command(c.argv[0], append(c.argv[1:len(c.argv):len(c.argv)], strconv.FormatInt(c.limits.RenderBytes, 10))...)
	cmd.Env = []string{"GOTRACEBACK=none"} // no PATH: nothing can be run
	c.stderr = &beginning{}
	cmd.Stderr = c.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.cmd, c.stdin = cmd, stdin
	c.requests, c.responses = gob.NewEncoder(stdin), gob.NewDecoder(stdout)
	return nil
}

// stop ends the process, if there is one.
func (c *child) stop() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill() // it may have ended by itself
	_ = c.cmd.Wait()
	c.cmd = nil
}

// beginning keeps the beginning of what is written to it.
type beginning struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *beginning) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 4096 - t.text.Len(); room > 0 {
		t.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *beginning) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
