// Package rest makes requests to Amazon's REST APIs and decides when to retry
// them.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"

	"github.com/alexaevents/alexaevents"
)

const maxResponse = 1 << 20 // bytes

// Client makes requests to one API. Its errors are *[alexaevents.Error].
//
// It follows no redirect: an HTTP client that adds an access token to each
// request would send it along.
type Client struct {
	API   string         // package name, for errors
	URL   string         // base URL
	Hints map[int]string // advice by HTTP status, for errors
	HTTP  *http.Client   // nil is a client with a timeout of 30 seconds
}

// Request is a request to an API.
type Request struct {
	Method string
	Path   string     // path after the base URL, without query
	Query  url.Values // nil is none
	Body   any        // sent as JSON; nil is none

	// Repeatable is true if a duplicate of the request does no harm. Such a
	// request is retried when it fails temporarily. Any other is retried only
	// if no connection was made.
	Repeatable bool
}

// Response is a successful response, with a status of 200 to 299.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // may be empty or not JSON
}

// Get decodes a JSON response into value.
func (c Client) Get(ctx context.Context, path string, query url.Values, value any) error {
	response, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: query, Repeatable: true})
	if err != nil {
		return err
	}
	if json.Unmarshal(response.Body, value) != nil {
		failure := c.unusable(response, "the response body is not the expected JSON")
		failure.Err = alexaevents.ErrUnavailable
		return failure
	}
	return nil
}

// Create creates a resource and returns its ID: the member id of the response body,
// or the last segment of the header Location, which is a URL, a path or the bare ID.
func (c Client) Create(ctx context.Context, path string, body any, repeatable bool) (id string, err error) {
	response, err := c.Do(ctx, Request{Method: http.MethodPost, Path: path, Body: body, Repeatable: repeatable})
	if err != nil {
		return "", err
	}
	if id = response.createdID(); id == "" {
		return "", c.unusable(response, "the response has no ID")
	}
	return id, nil
}

// Update replaces the resource at the path.
func (c Client) Update(ctx context.Context, path string, body any) error {
	_, err := c.Do(ctx, Request{Method: http.MethodPut, Path: path, Body: body, Repeatable: true})
	return err
}

// Delete deletes the resource at the path.
func (c Client) Delete(ctx context.Context, path string) error {
	_, err := c.Do(ctx, Request{Method: http.MethodDelete, Path: path, Repeatable: true})
	return err
}

// Do makes a request, and up to three retries if it is Repeatable.
func (c Client) Do(ctx context.Context, request Request) (*Response, error) {
	target := c.URL + request.Path
	if len(request.Query) > 0 {
		target += "?" + request.Query.Encode()
	}
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = json.Marshal(request.Body); err != nil {
			return nil, &alexaevents.Error{API: c.API, Err: fmt.Errorf("the request cannot be encoded: %w", err)}
		}
	}
	client := HTTPClient(c.HTTP)
	for attempt := 1; ; attempt++ {
		response, failure := c.send(ctx, client, request.Method, target, body)
		if failure == nil {
			return response, nil
		}
		retry := isTemporary(failure) && (request.Repeatable || Unsent(failure))
		if !retry || !Pause(ctx, attempt, failure.RetryAfter) {
			return nil, failure
		}
	}
}

func (c Client) send(ctx context.Context, client *http.Client, method, target string, body []byte) (*Response, *alexaevents.Error) {
	var reader io.Reader // nil is no body
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, c.noResponse(ctx, err)
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, c.noResponse(ctx, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	received := &Response{response.StatusCode, response.Header, data}
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, c.refusal(received)
	case err != nil:
		return nil, c.noResponse(ctx, err)
	case len(data) > maxResponse:
		return nil, c.unusable(received, "the response is too long")
	}
	return received, nil
}

func (r *Response) createdID() string {
	var created struct{ ID string }
	if _ = json.Unmarshal(r.Body, &created); created.ID != "" { // else the header has it
		return created.ID
	}
	location, err := url.Parse(r.Header.Get("Location"))
	if err != nil || location.Path == "" {
		return ""
	}
	if last := path.Base(location.Path); last != "/" && last != "." {
		return last
	}
	return ""
}

// Segment returns an ID as one segment of a path, and false if it cannot be one.
func Segment(id string) (segment string, ok bool) {
	return url.PathEscape(id), id != "" && id != "." && id != ".."
}
