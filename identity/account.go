package identity

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/text"
)

// ErrNoAccount says that an access token belongs to no account and never will:
// it is malformed or revoked, or the account was deleted. What resolves tokens
// for a [Recorder] returns it so that Alexa is not asked for the event again.
var ErrNoAccount = errors.New("identity: no account")

// account resolves the token of a link. The outcome says how that went:
// Recorded, NoToken, NoAccount or AccountFailed.
func (r *Recorder) account(ctx context.Context, token string) (accountID string, outcome Outcome, err error) {
	switch {
	case token == "":
		return "", NoToken, nil
	case r.Account == nil:
		return "", NoAccount, nil
	}
	accountID, err = r.Account(ctx, token)
	switch {
	case err == nil && accountID == "":
		err = errors.New("neither an account nor an error")
	case err == nil && !text.Storable(accountID):
		err = errors.New("an account that has a NUL or is not UTF-8")
	}
	switch {
	case err == nil:
		return accountID, Recorded, nil
	case errors.Is(err, ErrNoAccount):
		return "", NoAccount, newAccountError(err, token)
	}
	return "", AccountFailed, newAccountError(err, token)
}

// accountError is an error of Recorder.Account. Its text is free of the token,
// which errors of package net/http hold if a URL does.
type accountError struct {
	text string
	err  error
}

func newAccountError(err error, token string) *accountError {
	return &accountError{text: "identity: account of the access token: " + redact.Text(err.Error(), token), err: err}
}

func (e *accountError) Error() string { return e.text }
func (e *accountError) Unwrap() error { return e.err }
