package lwa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/alexaevents/alexaevents/internal/outbound"
)

const (
	requestTime = 10 * time.Second // for one request to LWA
	maxAnswer   = 64 << 10         // bytes of an answer; tokens have at most 2 KiB each
)

var errUnusable = errors.New("the answer is not what was asked for")

// call lets do make one request, with a client that passes on nothing but short
// answers of success. Whatever else happens becomes an *Error, whose text has
// neither the client's secret nor the one that the request sends.
func (c *Client) call(ctx context.Context, secret string, do func(context.Context, *http.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	client := outbound.Client(c.HTTPClient)
	wire := &wire{base: client.Transport}
	client.Transport = wire

	err := do(ctx, client)
	if err == nil {
		return nil
	}
	failure, urlErr := new(Error), new(url.Error)
	switch {
	case errors.As(err, &failure):
	case errors.As(err, &urlErr): // its text has the URL
		failure = &Error{cause: urlErr.Err}
	default: // its text may have the answer
		failure = &Error{Status: wire.status, RequestID: wire.requestID, cause: errUnusable}
	}
	return failure.clean(c.Secret, secret)
}

// wire is the http.RoundTripper of one request to LWA.
type wire struct {
	base      http.RoundTripper
	status    int
	requestID string
}

// RoundTrip returns an *Error for every answer but success, redirects included.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	base := w.base
	if base == nil {
		base = http.DefaultTransport
	}
	response, err := base.RoundTrip(request)
	if err != nil {
		return nil, &Error{cause: err}
	}
	defer response.Body.Close()
	w.status, w.requestID = response.StatusCode, response.Header.Get("x-amzn-RequestId")
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errUnusable
	}
	if err != nil {
		return nil, &Error{Status: w.status, RequestID: w.requestID, cause: err}
	}
	if refusal := w.refusal(body); refusal != nil {
		return nil, refusal
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Header.Set("Content-Type", "application/json") // package oauth2 takes some types for a form
	return response, nil
}

// refusal reads the error out of an answer. The member "error" tells, whatever
// the status: Amazon's documents disagree on the statuses.
func (w *wire) refusal(body []byte) *Error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // what is no JSON object has no members
	text := func(name string) (text string) {
		_ = json.Unmarshal(members[name], &text) // what is no text is none
		return text
	}
	code := text("error")
	if code == "" && w.status >= 200 && w.status <= 299 {
		return nil
	}
	refusal := &Error{Status: w.status, Code: code, Description: text("error_description"), RequestID: w.requestID}
	if id := text("request_id"); id != "" {
		refusal.RequestID = id
	}
	return refusal
}
