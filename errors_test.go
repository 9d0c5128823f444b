package alexaevents_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
)

var kinds = []error{
	alexaevents.ErrInvalid, alexaevents.ErrUnauthorized, alexaevents.ErrForbidden, alexaevents.ErrNotFound,
	alexaevents.ErrThrottled, alexaevents.ErrUnavailable,
}

// An error that a test creates behaves like one of a client.
func TestError(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind error // nil is none
		text string
	}{
		{&alexaevents.Error{}, nil, "alexaevents: no response"},
		{&alexaevents.Error{API: "sdns", Err: io.EOF}, nil, "sdns: the request failed: EOF"},
		{&alexaevents.Error{API: "sdns", Err: alexaevents.ErrUnavailable}, alexaevents.ErrUnavailable, "sdns: the request failed: alexaevents: Amazon is unavailable"},
		{&alexaevents.Error{API: "sdns", Status: 200, Message: "cut", Err: alexaevents.ErrUnavailable}, alexaevents.ErrUnavailable, "sdns: 200 OK: cut"},
		{
			&alexaevents.Error{API: "sdns", Status: 400, Code: "BAD", Message: "No.", Violations: []alexaevents.Violation{{Code: "A", Message: "one"}, {Message: "two"}}, RequestID: "r-1", Hint: "fix it"},
			alexaevents.ErrInvalid, "sdns: 400 Bad Request: BAD: No.: A: one: two (request r-1); fix it",
		},
		{&alexaevents.Error{Status: 401}, alexaevents.ErrUnauthorized, "alexaevents: 401 Unauthorized"},
		{&alexaevents.Error{Status: 403}, alexaevents.ErrForbidden, "alexaevents: 403 Forbidden"},
		{&alexaevents.Error{Status: 404}, alexaevents.ErrNotFound, "alexaevents: 404 Not Found"},
		{&alexaevents.Error{Status: 408}, alexaevents.ErrUnavailable, "alexaevents: 408 Request Timeout"},
		{&alexaevents.Error{Status: 409}, nil, "alexaevents: 409 Conflict"},
		{&alexaevents.Error{Status: 429, RetryAfter: time.Second}, alexaevents.ErrThrottled, "alexaevents: 429 Too Many Requests"},
		{&alexaevents.Error{Status: 501}, nil, "alexaevents: 501 Not Implemented"},
		{&alexaevents.Error{API: "sdns", Status: 503, Message: "down"}, alexaevents.ErrUnavailable, "sdns: 503 Service Unavailable: down"},
		{&alexaevents.InvalidError{API: "sdns", Field: "Subscriber.Name", Rule: "required"}, alexaevents.ErrInvalid, "sdns: Subscriber.Name: required"},
	} {
		require.EqualError(t, test.err, test.text)
		for _, kind := range kinds {
			require.Equal(t, errors.Is(test.kind, kind), errors.Is(test.err, kind), "%v is %v", test.err, kind)
		}
		require.Equal(t, errors.Is(test.kind, alexaevents.ErrTemporary), errors.Is(test.err, alexaevents.ErrTemporary), test.text)
	}
	require.ErrorIs(t, &alexaevents.Error{Err: io.EOF}, io.EOF)
}

func ExampleError() {
	err := error(&alexaevents.Error{API: "sdns", Status: 429, RetryAfter: 20 * time.Second}) // of a client of package sdns

	switch failure, _ := errors.AsType[*alexaevents.Error](err); {
	case errors.Is(err, alexaevents.ErrTemporary):
		fmt.Println("try again in", failure.RetryAfter)
	case errors.Is(err, alexaevents.ErrUnauthorized):
		fmt.Println("get a new access token")
	}
	// Output:
	// try again in 20s
}
