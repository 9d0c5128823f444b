// Package resttest simulates a REST API of Amazon's, for tests.
package resttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Script is a transport that returns its responses in order, the last one
// repeatedly.
type Script struct {
	Responses []Response
	Requests  []string // requests so far, as "method URL body"
}

// Response is a response of a [Script], with the request ID "r-1".
type Response struct {
	Status   int
	Location string // header Location; empty without one
	Body     string
	Err      error // error instead of a response
}

// RoundTrip returns the next response.
func (s *Script) RoundTrip(r *http.Request) (*http.Response, error) {
	request := r.Method + " " + r.URL.String()
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		request += " " + string(data)
	}
	next := s.Responses[min(len(s.Requests), len(s.Responses)-1)]
	s.Requests = append(s.Requests, request)
	if next.Err != nil {
		return nil, next.Err
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-RequestId", "r-1")
	if next.Location != "" {
		w.Header().Set("Location", next.Location)
	}
	w.WriteHeader(next.Status)
	response := w.Result()
	response.Body = io.NopCloser(strings.NewReader(next.Body))
	return response, nil
}
