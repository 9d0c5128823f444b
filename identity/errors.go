package identity

import (
	"errors"

	"github.com/alexaevents/alexaevents/internal/redact"
)

var (
	// ErrNoAccount means that an access token belongs to no account, and that no
	// change in the backend can change that: it is malformed or revoked, or the
	// account was deleted. A [Recorder] then acknowledges the event, so Alexa does
	// not redeliver it.
	ErrNoAccount = errors.New("identity: no account")

	// ErrMisconfigured means that a setting is missing or does not match the access
	// tokens that arrive. The error text names the field. A [Recorder] logs it at
	// Error and does not acknowledge the event, so a redelivery succeeds if you
	// correct the setting within an hour.
	ErrMisconfigured = errors.New("identity: misconfigured")
)

// ErrInvalidFact means that a [Fact] lacks a field that every fact has, or contains
// text that cannot be stored. The error text names the field and never its value.
var ErrInvalidFact = errors.New("identity: invalid fact")

// ErrNoRecord means that no [Record] covers the given time: as far as is known, the
// user had not linked an account then or, in a skill without account linking, had
// not enabled the skill.
var ErrNoRecord = errors.New("identity: no record covers this time")

// accountError is an error of Recorder.Account. Its text does not contain the
// token, which an error of package net/http does if the URL contained it.
type accountError struct {
	text string
	err  error
}

func newAccountError(err error, token string) *accountError {
	return &accountError{text: "identity: account of the access token: " + redact.Text(err.Error(), token), err: redact.Error(err, token)}
}

func (e *accountError) Error() string { return e.text }
func (e *accountError) Unwrap() error { return e.err }
