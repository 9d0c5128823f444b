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

// Alexa calls smart home skills as Lambda functions only, and Lambda halts a
// function as soon as it has answered. Change reports and deferred answers come
// later, so the skill lives in a process that goes on, and its Lambda function
// hands directives on to that:
//
//	lambda.Start(forward(http.DefaultClient, "https://backend.example/alexa/smarthome"))

const maxMessage = 1 << 20

// forward returns a Lambda function that hands each directive on to the skill at
// the URL and returns its answer.
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
			return nil, fmt.Errorf("the skill answered %s", response.Status)
		}
		return body, nil
	}
}

// ServeHTTP answers the directives that forward hands on. No signature proves that
// they are Alexa's: let nothing but the Lambda function reach this.
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
		s.warn(r.Context(), "no answer", err)
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(response)
	}
}
