package alexaevents

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The kinds of errors of the packages that make requests, for [errors.Is].
var (
	// ErrTemporary says that the same request may succeed later.
	// [ErrThrottled] and [ErrUnavailable] are kinds of it.
	ErrTemporary = errors.New("alexaevents: temporary failure")

	// ErrThrottled says that there were too many requests.
	ErrThrottled error = temporary("alexaevents: too many requests")

	// ErrUnavailable says that Amazon gave no usable response. Amazon may still
	// have carried out the request.
	ErrUnavailable error = temporary("alexaevents: Amazon is unavailable")

	// ErrInvalid says that the request breaks a rule. The same request fails
	// again.
	ErrInvalid = errors.New("alexaevents: invalid request")

	// ErrUnauthorized says that the access token is missing, expired or not for
	// this API.
	ErrUnauthorized = errors.New("alexaevents: access token not accepted")

	// ErrForbidden says that the account or client of the access token may not
	// make this request.
	ErrForbidden = errors.New("alexaevents: not allowed with this access token")

	// ErrNotFound says that the resource does not exist.
	ErrNotFound = errors.New("alexaevents: not found")
)

// temporary is a kind of ErrTemporary.
type temporary string

func (t temporary) Error() string { return string(t) }
func (temporary) Unwrap() error   { return ErrTemporary }

// Error is a failed request to one of Amazon's REST APIs. Its kind follows from
// Status, or from Err. It holds no access token and no body.
type Error struct {
	API        string        // package that made the request, such as "sdns"
	Status     int           // HTTP status; zero without a response
	Code       string        // Amazon's code; empty without one
	Message    string        // Amazon's message; empty without one
	Violations []Violation   // rules that the request broke, where Amazon lists them
	RequestID  string        // header X-Amzn-RequestId, for Amazon's support
	RetryAfter time.Duration // header Retry-After; zero without one
	Hint       string        // what to do; empty without advice
	Err        error         // why there is no usable response; nil if Amazon refused
}

// Violation is a rule that a request broke.
type Violation struct{ Code, Message string }

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(cmp.Or(e.API, "alexaevents") + ": ")
	switch {
	case e.Status != 0:
		fmt.Fprintf(&text, "%d %s", e.Status, http.StatusText(e.Status))
	case e.Err != nil:
		text.WriteString("the request failed: " + e.Err.Error())
	default:
		text.WriteString("no response")
	}
	for _, words := range append([]Violation{{e.Code, e.Message}}, e.Violations...) {
		for _, word := range [...]string{words.Code, words.Message} {
			if word != "" {
				text.WriteString(": " + word)
			}
		}
	}
	if e.RequestID != "" {
		text.WriteString(" (request " + e.RequestID + ")")
	}
	if e.Hint != "" {
		text.WriteString("; " + e.Hint)
	}
	return text.String()
}

// Is reports whether target is the kind of the error.
func (e *Error) Is(target error) bool { return errors.Is(e.kind(), target) }

// Unwrap returns Err, which may be an error of package lwa.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) kind() error {
	switch e.Status {
	case http.StatusBadRequest:
		return ErrInvalid
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusTooManyRequests:
		return ErrThrottled
	case http.StatusRequestTimeout:
		return ErrUnavailable
	}
	if e.Status >= 500 && e.Status != http.StatusNotImplemented {
		return ErrUnavailable
	}
	return nil
}

// InvalidError is a request that was not sent because Amazon would refuse it. It
// is [ErrInvalid].
type InvalidError struct {
	API   string // package that refused it, such as "sdns"
	Field string // field or parameter, such as "Subscription.Name"
	Rule  string // what it must be
}

func (e *InvalidError) Error() string { return e.API + ": " + e.Field + ": " + e.Rule }

// Is reports whether target is [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }
