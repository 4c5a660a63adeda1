// Package render renders overlays and charts, in a process of its own: neither library can be stopped once it runs,
// and both take what memory they are told to take.
//
// A rendering is given all files that it may read. It has no network, no disk and no programs.
package render

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A Request is one rendering.
type Request struct {
	Kustomize *Kustomize
	Helm      *Helm
}

// A Kustomize is an overlay to render.
type Kustomize struct {
	Root  string            // "/overlays/prod"
	Files map[string][]byte // by absolute path
}

// A Response is what was rendered.
type Response struct {
	Objects [][]byte        // of an overlay: JSON, in the order of the rendering
	Charts  []HelmRendering // of a chart: one for each of the values
	// Why says why nothing was rendered, in words of our own: the libraries' messages can quote a Secret.
	Why string
}

// OutOfMemory is in the message with which the process ends when it needs more memory than it may.
const OutOfMemory = "dekey: the rendering needs more memory than it may"

// Serve answers requests from in on out until in ends. memory bounds the process, in bytes. The result is the
// process's exit code.
func Serve(in io.Reader, out io.Writer, memory int64) int {
	http.DefaultTransport = refuse{}
	http.DefaultClient = &http.Client{Transport: refuse{}}
	os.Clearenv()
	if memory > 0 {
		limitMemory(memory)
		debug.SetMemoryLimit(memory * 3 / 4)
		go watch(memory)
	}
	requests, responses := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var request Request
		if err := requests.Decode(&request); errors.Is(err, io.EOF) {
			return 0
		} else if err != nil {
			return 1
		}
		if err := responses.Encode(answer(request)); err != nil {
			return 1
		}
	}
}

// answer renders. A library that panics has rendered nothing.
func answer(request Request) (response Response) {
	defer func() {
		if recover() != nil {
			response = Response{Why: "the library that renders it failed"}
		}
	}()
	switch {
	case request.Kustomize != nil:
		return kustomize(*request.Kustomize)
	case request.Helm != nil:
		return helm(*request.Helm)
	}
	return Response{Why: "nothing was asked for"}
}

// refuse is a transport without a network.
type refuse struct{}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("there is no network here")
}

// watch ends the process when it takes more memory than it may. Nothing else can stop a rendering from within.
func watch(memory int64) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(5 * time.Millisecond) {
		metrics.Read(sample)
		if int64(sample[0].Value.Uint64()-sample[1].Value.Uint64()) > memory {
			panic(OutOfMemory)
		}
	}
}
