package sdns

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// What a caller may want to tell apart in an error of [Client], for [errors.Is].
var (
	// ErrInvalid says that the request is wrong: do not send it again.
	ErrInvalid = errors.New("sdns: the request is not valid")

	// ErrUnauthorized says that there is no access token, or one that is expired
	// or not for this API.
	ErrUnauthorized = errors.New("sdns: the access token is not accepted")

	// ErrForbidden says that the account of the token may not do this: it is not
	// of the vendor, or the token's client is not the subscriber's.
	ErrForbidden = errors.New("sdns: not allowed with this access token")

	// ErrNotFound says that there is no such subscriber or subscription.
	ErrNotFound = errors.New("sdns: not found")

	// ErrThrottled says that there were too many requests: of all callers, of
	// this client or of this user.
	ErrThrottled = errors.New("sdns: too many requests")

	// ErrUnavailable says that there was no answer, or none of use, and that a
	// later try may succeed. What the request asked for may have happened.
	ErrUnavailable = errors.New("sdns: the service is unavailable")
)

// Error is a request that Amazon refused, or that had no answer.
type Error struct {
	Status     int    // of HTTP; zero if there was no answer
	Code       string // Amazon's code, often empty; there is no list of them
	Message    string // Amazon's words
	Violations []Violation
	RequestID  string // what Amazon's support asks for

	text      string
	temporary bool
	cause     error
}

// Violation is a rule that a request broke.
type Violation struct{ Code, Message string }

// InvalidError is a request that was not sent, because Amazon would refuse it.
// It is also [ErrInvalid].
type InvalidError struct {
	Field string // such as "Subscription.Name"
	Rule  string // what holds for it
}

func (e *InvalidError) Error() string { return "sdns: " + e.Field + ": " + e.Rule }

// Is reports that the error is [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// failure makes an *Error of an error of package rest, and nothing of nil.
func failure(err error) error {
	e, ok := errors.AsType[*rest.Error](err)
	if !ok {
		return err
	}
	made := &Error{
		Status: e.Status, Code: e.Code, Message: e.Message, RequestID: e.RequestID,
		text: e.Error(), temporary: e.Temporary, cause: e.Unwrap(),
	}
	for _, v := range e.Violations {
		made.Violations = append(made.Violations, Violation(v))
	}
	return made
}

// hints say what to do about a status.
var hints = map[int]string{
	http.StatusUnauthorized: "; get a new access token with the scope alexa::ask:subscriptions",
	http.StatusForbidden:    "; use a token of an account of this vendor, made with the client of the subscriber",
}

func (e *Error) Error() string {
	text := e.text
	if text == "" {
		text = fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Message)
	}
	return "sdns: " + text + hints[e.Status]
}

// Is tells whether the error is one of this package's.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.Status == http.StatusBadRequest
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrThrottled:
		return e.Status == http.StatusTooManyRequests
	case ErrUnavailable:
		return e.Status >= 500 || e.temporary && e.Status != http.StatusTooManyRequests
	}
	return false
}

// Unwrap returns why there was no answer, nil if there was one. It may be an
// error of package lwa.
func (e *Error) Unwrap() error { return e.cause }
