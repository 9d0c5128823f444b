package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// refusal returns the error for an unsuccessful response with any body.
func (c Client) refusal(response *Response) *alexaevents.Error {
	var body struct {
		Code       any
		Message    any
		Violations []struct{ Code, Message any }
	}
	_ = json.Unmarshal(response.Body, &body)
	e := &alexaevents.Error{
		API:        c.API,
		Status:     response.Status,
		Code:       printable(body.Code),
		Message:    printable(body.Message),
		RequestID:  response.requestID(),
		RetryAfter: RetryAfter(response.Header),
		Hint:       c.Hints[response.Status],
	}
	for _, violation := range body.Violations[:min(len(body.Violations), 20)] {
		e.Violations = append(e.Violations, alexaevents.Violation{Code: printable(violation.Code), Message: printable(violation.Message)})
	}
	return e
}

// unusable returns the error for a successful response that cannot be used.
func (c Client) unusable(response *Response, message string) *alexaevents.Error {
	return &alexaevents.Error{API: c.API, Status: response.Status, Message: message, RequestID: response.requestID()}
}

// noResponse returns the error for a request without a response.
func (c Client) noResponse(ctx context.Context, err error) *alexaevents.Error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // its text has the URL, whose query must not be logged
	}
	if ctx.Err() == nil && isFault(err) {
		err = fault{err}
	}
	return &alexaevents.Error{API: c.API, Err: err}
}

// Details returns the HTTP status and the request ID in parentheses, for the end of
// an error's text. It leaves out zero and empty ones.
func Details(status int, requestID string) string {
	var details []string
	if status != 0 {
		details = append(details, fmt.Sprintf("HTTP status %d", status))
	}
	if requestID != "" {
		details = append(details, "request "+requestID)
	}
	if len(details) == 0 {
		return ""
	}
	return " (" + strings.Join(details, ", ") + ")"
}

func (r *Response) requestID() string { return printable(r.Header.Get("X-Amzn-RequestId")) }

// printable returns a text or number of a response as one short line.
func printable(value any) string {
	switch value.(type) {
	case string, float64:
		return redact.Text(fmt.Sprint(value))
	}
	return ""
}

// fault is a broken connection. It is ErrUnavailable.
type fault struct{ error }

func (f fault) Unwrap() []error { return []error{alexaevents.ErrUnavailable, f.error} }

// isTemporary reports whether a retry may help. A temporary error of the HTTP client's
// own, such as one of a token source, has had its retries.
func isTemporary(failure *alexaevents.Error) bool {
	_, broken := errors.AsType[fault](failure)
	return broken || failure.Status != 0 && errors.Is(failure, alexaevents.ErrTemporary)
}

// isFault reports whether a connection broke. Other errors come from the HTTP client
// itself, which may have no access token.
func isFault(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
