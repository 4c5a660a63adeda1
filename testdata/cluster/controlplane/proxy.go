package controlplane

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// A Proxy stands between a client and the API server, as a load balancer does, and makes faults.
type Proxy struct {
	URL    string
	server *http.Server
}

// NewProxy starts a proxy. Fault sees every request first, and says whether it answered it. Cut gives the number of bytes
// after which the answer breaks off, or less than 0; it may be nil.
func (p *Plane) NewProxy(fault func(http.ResponseWriter, *http.Request) bool, cut func(*http.Request) int) (*Proxy, error) {
	client, err := p.Client()
	if err != nil {
		return nil, err
	}
	// The requests carry their own token: the administrator's certificate stays out of it.
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.Certificates = nil
	target, err := url.Parse(p.URL)
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(answer *http.Response) error {
			if cut == nil {
				return nil
			}
			if n := cut(answer.Request); n >= 0 {
				answer.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(answer.Body, int64(n)), broken{}), answer.Body}
			}
			return nil
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // it would tell of every fault that was asked for
	}
	pair, err := tls.LoadX509KeyPair(p.file("server.crt"), p.file("server.key"))
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if fault == nil || !fault(w, r) {
				forward.ServeHTTP(w, r)
			}
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return &Proxy{URL: "https://" + listener.Addr().String(), server: server}, nil
}

// Stop ends the proxy and its connections.
func (x *Proxy) Stop() { _ = x.server.Close() }

// broken is a body whose connection is gone.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
