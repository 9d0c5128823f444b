package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/alexaevents/alexaevents/gateway"
)

// Alexa invokes smart home skills as Lambda functions only, and Lambda stops a function
// after its response. Change reports and deferred responses come later, so the skill
// runs in a server, and its Lambda function forwards directives to that:
//
//	lambda.Start(forward(http.DefaultClient, "https://backend.example/alexa/smarthome"))

const maxMessage = 1 << 20

// forward returns a Lambda function that forwards each directive to the skill at the
// URL and returns its response.
func forward(client *http.Client, url string) func(context.Context, json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(directive))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, maxMessage))
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the skill responded with %s", response.Status)
		}
		return body, nil
	}
}

// ServeHTTP handles the directives that forward sends. They have no signature: allow
// only the Lambda function to call this endpoint.
func (s *skill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	response, err := s.invoke(r.Context(), message)
	switch {
	case errors.Is(err, gateway.ErrMalformedDirective):
		w.WriteHeader(http.StatusBadRequest)
	case err != nil:
		s.warn(r.Context(), "directive failed", err)
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(response)
	}
}
