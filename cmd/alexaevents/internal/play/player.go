package play

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// Player plays scenarios with a running cloud.
type Player struct {
	// Call makes a request to the control API, and decodes the response into out
	// unless that is nil. If a request for the journal ends before it found all, out
	// has those found and is not nil, beside the error.
	Call func(ctx context.Context, method, path string, in, out any) error

	Events     string // URL of the backend for events; other URLs are relative to it
	Directives string // URL of the backend for directives; empty is none
}

// Result is how a scenario ended.
type Result struct {
	File    string   `json:"file"`
	Name    string   `json:"name"`
	Passed  bool     `json:"passed"`
	Steps   int      `json:"steps"` // number of steps that passed
	Millis  int64    `json:"ms"`
	Failure *Failure `json:"failure,omitempty"`
}

// Failure is the step that ended a scenario.
type Failure struct {
	Line    int    `json:"line"`
	Step    string `json:"step"`
	Message string `json:"message"`
}

// run is one run of a scenario.
type run struct {
	*Player
	counted map[int]bool // IDs of journal entries that a step waited for
}

// Play resets the cloud and does the steps, until one is not as expected. An error is
// one of the cloud and not of the backend.
func (p *Player) Play(ctx context.Context, s *Scenario) (Result, error) {
	start := time.Now()
	result := Result{File: s.File, Name: s.Name}
	r := &run{p, make(map[int]bool)}
	if err := p.Call(ctx, http.MethodPost, "/_cloud/reset", nil, nil); err != nil {
		return result, err
	}
	for i := range s.steps {
		step := &s.steps[i]
		err := step.action.run(ctx, r, step)
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		if err != nil {
			failure := &Failure{step.line, step.title(), err.Error()}
			if e, ok := errors.AsType[*Error](err); ok {
				failure.Line, failure.Message = e.Line, e.Message
			}
			result.Failure = failure
			break
		}
		result.Steps++
	}
	result.Passed = result.Failure == nil
	result.Millis = time.Since(start).Milliseconds()
	return result, nil
}

// url returns the URL of the backend for a step.
func (r *run) url(s *step, to string, isDirective bool) (string, error) {
	if to == "" && isDirective {
		if r.Directives == "" {
			return "", s.at("", "no URL for directives: add to: URL, or start play or the cloud with --directives")
		}
		return r.Directives, nil
	}
	base, err := url.Parse(r.Events)
	if err != nil {
		return "", err
	}
	resolved, err := base.Parse(to)
	if err != nil {
		return "", s.at("to", "not a URL: %s", err)
	}
	return resolved.String(), nil
}

// build returns the body of an event of a customer.
func (r *run) build(ctx context.Context, name, customer string, event cloud.Event) (built cloud.Built, err error) {
	event.Name = name
	path := "/_cloud/customers/" + url.PathEscape(customer) + "/event"
	err = r.Call(ctx, http.MethodPost, path, event, &built)
	return built, err
}
