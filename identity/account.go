package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

var (
	// ErrNoAccount means that an access token belongs to no account and never
	// will, whatever is changed in the backend: it is malformed or revoked, or
	// the account was deleted. A [Recorder] then acknowledges the event, so
	// Alexa does not redeliver it.
	ErrNoAccount = errors.New("identity: no account")

	// ErrMisconfigured means that a setting is missing or does not fit the access
	// tokens that arrive. The text names the field. A [Recorder] logs it at
	// Error and does not acknowledge the event, so the redelivered event succeeds
	// if the setting is mended within the hour.
	ErrMisconfigured = errors.New("identity: misconfigured")
)

// Alexa waits 8 seconds for a response.
const (
	accountTime = 5 * time.Second // for Account
	storeTime   = 3 * time.Second // for a link that is stored after Account failed
)

// account resolves the token of a link. The outcome says how that went:
// Recorded, NoToken, NoAccount, AccountFailed or Misconfigured.
func (r *Recorder) account(ctx context.Context, token string) (accountID string, outcome Outcome, err error) {
	switch {
	case token == "":
		return "", NoToken, nil
	case r.Account == nil:
		return "", Misconfigured, fmt.Errorf("%w: Recorder without Account: set it, since an account was linked", ErrMisconfigured)
	}
	accountID, err = r.callAccount(ctx, token)
	switch {
	case err == nil && accountID == "":
		err = errors.New("neither an account nor an error")
	case err == nil && !redact.Storable(accountID):
		err = errors.New("an account that has a NUL or is not UTF-8")
	}
	switch {
	case err == nil:
		return accountID, Recorded, nil
	case errors.Is(err, ErrNoAccount):
		return "", NoAccount, newAccountError(err, token)
	case errors.Is(err, ErrMisconfigured):
		return "", Misconfigured, newAccountError(err, token)
	}
	return "", AccountFailed, newAccountError(err, token)
}

// callAccount calls Account and waits for it no longer than Alexa's patience
// allows. It leaves time for the write that follows: a third of what the context
// has left, such as that of an AWS Lambda function. A Keyfunc has no context, so
// Account runs in a goroutine of its own, which ends when Account returns.
func (r *Recorder) callAccount(ctx context.Context, token string) (accountID string, err error) {
	limit := accountTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)*2/3)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no result after %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	type result struct {
		accountID string
		err       error
	}
	results := make(chan result, 1)
	go func() {
		got := result{err: errors.New("ended its goroutine")}
		defer func() {
			if cause := recover(); cause != nil {
				got = result{err: fmt.Errorf("panic: %v", cause)}
				if r.Logger != nil {
					r.Logger.LogAttrs(ctx, slog.LevelError, "identity: Recorder.Account panicked", slog.String("stack", string(debug.Stack())))
				}
			}
			results <- got
		}()
		got.accountID, got.err = r.Account(ctx, token)
	}()
	select {
	case got := <-results:
		return got.accountID, got.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// accountError is an error of Recorder.Account. Its text is free of the token,
// which errors of package net/http hold if a URL does.
type accountError struct {
	text string
	err  error
}

func newAccountError(err error, token string) *accountError {
	return &accountError{text: "identity: account of the access token: " + redact.Text(err.Error(), token), err: redact.Error(err, token)}
}

func (e *accountError) Error() string { return e.text }
func (e *accountError) Unwrap() error { return e.err }
