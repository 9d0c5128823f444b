// Package cloud serves [alexatest.Cloud] on one port: an HTTPS proxy, plain paths, a
// control API with a journal, and a page.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/alexaevents/alexaevents/alexatest"
)

// Config is how a Server runs.
type Config struct {
	Skill      string // skill ID
	To         string // URL of the backend that gets events
	Directives string // URL of the backend that gets directives; empty is none
	State      string // file that keeps the state over a restart; empty keeps none
	Offline    bool   // whether the proxy refuses other hosts than Amazon's
	Pass       bool   // whether s3.amazonaws.com and SNS get requests that the cloud does not know

	realAWS http.RoundTripper // for tests; nil is the real AWS
}

// Server is a simulated Amazon with customers and a journal.
type Server struct {
	config  Config
	amazon  *alexatest.Cloud
	journal *journal

	mu        sync.Mutex
	customers map[string]*customer
	saving    sync.Mutex
}

// NewServer returns a server. It reads the state file if there is one.
func NewServer(config Config) (*Server, error) {
	s := &Server{config: config, amazon: alexatest.NewCloud(), journal: newJournal(), customers: make(map[string]*customer)}
	s.amazon.Observe = s.journal.observe
	if config.State == "" {
		return s, nil
	}
	saved, err := os.ReadFile(config.State)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, s.tryState()
	case err != nil:
		return nil, err
	}
	if err := s.restore(saved); err != nil {
		return nil, fmt.Errorf("%s: %w", config.State, err)
	}
	return s, nil
}

// Serve serves the listener, and Amazon's names over TLS on the second one if it is
// not nil, until the context ends.
func (s *Server) Serve(ctx context.Context, l, tlsListener net.Listener, failed func(error)) error {
	var amazon http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		s.amazon.ServeHTTP(w, r)
	})
	if s.config.Pass {
		amazon = s.pass(amazon)
	}
	p := newProxy(amazon, guard(s.control()), s.amazon.Leaf, s.config.Offline)
	defer p.tunnels.Close()
	go func() { _ = p.serveTLS(ctx, p.tunnels) }()
	if tlsListener != nil {
		go func() {
			if err := p.serveTLS(ctx, tlsListener); ctx.Err() == nil {
				failed(err)
			}
		}()
	}
	go func() { // before the first client needs the keys
		s.amazon.RootPEM()
		s.amazon.Snapshot()
	}()
	if s.config.State != "" {
		go s.keepSaving(ctx, failed)
	}
	err := newServer(ctx, p).Serve(l)
	if ctx.Err() == nil {
		return err
	}
	if s.config.State != "" {
		return s.save()
	}
	return nil
}

// noLog drops what net/http logs: connections that clients or faults broke.
var noLog = log.New(io.Discard, "", 0)

// inputError is a mistake in a request to the control API.
type inputError struct{ message string }

func (e *inputError) Error() string { return e.message }

func badInput(format string, values ...any) error {
	return &inputError{fmt.Sprintf(format, values...)}
}
