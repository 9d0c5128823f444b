// Package rest makes requests to Amazon's REST APIs.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const maxAnswer = 1 << 20 // bytes

// Request is a request to make.
type Request struct {
	Method string
	URL    string     // without query
	Query  url.Values // nil is none
	Body   any        // sent as JSON; nil is none

	// Repeatable says that a second sending does no harm, whatever became of
	// the first. Such a request is sent again when it fails temporarily, any
	// other only if no connection was made.
	Repeatable bool
}

// Answer is an answer with a status of success, 200 to 299.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // often empty, and not always JSON
}

// Decode reads the body of the answer into value. The error is an *[Error].
func (a *Answer) Decode(value any) error {
	if err := json.Unmarshal(a.Body, value); err != nil {
		return &Error{
			Status: a.Status, Message: "the body of the answer is not the JSON that was asked for",
			RequestID: requestID(a.Header), Temporary: true,
		}
	}
	return nil
}

// Do makes a request with the client, nil being one with a timeout of 30
// seconds. It follows no redirect: a client that adds an access token to each
// request would send it along. Its errors are *[Error].
//
// A request that is Repeatable is sent up to four times; see [Error.Temporary].
func Do(ctx context.Context, client *http.Client, request Request) (*Answer, error) {
	client = HTTPClient(client)

	target := request.URL
	if len(request.Query) > 0 {
		target += "?" + request.Query.Encode()
	}
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = json.Marshal(request.Body); err != nil {
			return nil, &Error{cause: fmt.Errorf("the request cannot be encoded: %w", err)}
		}
	}
	for sent := 1; ; sent++ {
		answer, failure := send(ctx, client, request.Method, target, body)
		if failure == nil {
			return answer, nil
		}
		again := failure.Temporary && (request.Repeatable || Unsent(failure))
		if !again || !Pause(ctx, sent, RetryAfter(failure.header)) {
			return nil, failure
		}
	}
}

func send(ctx context.Context, client *http.Client, method, target string, body []byte) (*Answer, *Error) {
	var reader io.Reader // nil is no body at all
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, refusal(response, data)
	case err != nil:
		return nil, noAnswer(ctx, err)
	case len(data) > maxAnswer:
		return nil, &Error{Status: response.StatusCode, Message: "the answer is too long", RequestID: requestID(response.Header)}
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: data}, nil
}

// noAnswer makes an error of what kept an answer from coming.
func noAnswer(ctx context.Context, err error) *Error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // without the URL, whose query is not for logs
	}
	return &Error{cause: err, Temporary: ctx.Err() == nil && isFault(err)}
}
