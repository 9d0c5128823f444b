package lwa

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// ErrEnded says that there is no grant to act with until the customer links the
// account again. [ErrNoGrant] and [ErrRefused] are kinds of it.
var ErrEnded = errors.New("lwa: no grant in force")

// ErrNoGrant says that there is no grant of that key: nobody gave one, or it was
// erased.
var ErrNoGrant = fmt.Errorf("%w: none is stored", ErrEnded)

// ErrRefused says that Amazon refused the refresh token of a grant: the customer
// disabled the skill or removed the app, and has to link the account again. It
// is also [ErrInvalidGrant].
var ErrRefused error = refusedError{}

type refusedError struct{}

func (refusedError) Error() string {
	return "lwa: the grant has ended: the customer must link the account again"
}

func (refusedError) Is(target error) bool { return target == ErrInvalidGrant || target == ErrEnded }

// What a caller may want to tell apart in an *[Error], for [errors.Is].
var (
	// ErrInvalidGrant says that a code or refresh token is expired, used,
	// revoked or another client's. No other error proves that a grant ended.
	ErrInvalidGrant = errors.New("lwa: invalid_grant: the code or refresh token is of no use")

	// ErrInvalidClient says that Amazon does not accept the client: its secret
	// is wrong, or it may not do this. The operator has to act; grants are
	// unharmed.
	ErrInvalidClient = errors.New("lwa: invalid_client: Amazon does not accept the client ID and secret")

	// ErrUnavailable says that there was no answer, or none of use, and that a
	// later try may succeed. It is a kind of [alexaevents.ErrTemporary].
	ErrUnavailable = fmt.Errorf("%w: Login with Amazon is unavailable", alexaevents.ErrTemporary)

	// ErrThrottled says that there were too many requests. It is also
	// ErrUnavailable, and a kind of [alexaevents.ErrThrottled].
	ErrThrottled = fmt.Errorf("%w to Login with Amazon", alexaevents.ErrThrottled)
)

// ErrInvalidKey refuses a [Key] without ClientID or AccountID, one whose text
// has a NUL, is not UTF-8 or is too long, or one of another client. The error's
// text names the field, never its value.
var ErrInvalidKey = errors.New("lwa: invalid key")

// ErrSealed says that a grant's tokens cannot be decrypted: the key is not the one
// that they were encrypted with, or the row was changed or moved. The operator has
// to act. A new AcceptGrant or import replaces such a grant, and EraseGrants
// deletes it.
var ErrSealed = errors.New("lwa: a stored token cannot be decrypted")

// ErrCallback refuses a callback that does not answer the URL of
// [Client.AuthCodeURL] in this browser's session, or that brings no code.
var ErrCallback = errors.New("lwa: the callback does not belong to this session")

// ErrAudience says that an access token was made for another client.
var ErrAudience = errors.New("lwa: the access token was made for another client")

// Error is a request to LWA that failed. Neither it nor what it wraps holds a
// token, code or client secret of the request.
type Error struct {
	Status      int    // HTTP status; zero if there was no answer
	Code        string // "error" of the answer, such as "invalid_grant"; empty if it has none
	Description string // "error_description", in Amazon's words
	RequestID   string // what Amazon's support asks for

	// RetryAfter is how long to wait before another request; zero if neither
	// Amazon nor a [Source] asks for that.
	RetryAfter time.Duration

	cause error  // why there is no answer of use; nil if Amazon refused
	words string // of cause
}

// hints say what to do about a code.
var hints = map[string]string{
	"invalid_grant":       "the code or refresh token is expired, used, revoked or another client's: link the account again",
	"invalid_client":      "check the client ID and the whole secret, prefix included; for the event gateway they are those under Alexa Skill Messaging",
	"unauthorized_client": "this client may not do that: check its security profile",
	"invalid_scope":       "this client may not have the scope: check the permissions of the skill or security profile",
	"access_denied":       "consent was not given",
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("lwa: ")
	switch {
	case e.words != "":
		text.WriteString("no answer of use from Amazon: " + e.words)
	case e.Code != "":
		text.WriteString(e.Code)
	case e.Status >= 300 && e.Status <= 399:
		text.WriteString("Amazon answered with a redirect, which is not followed")
	default:
		text.WriteString("Amazon refused without saying why")
	}
	if e.Description != "" {
		text.WriteString(": " + e.Description)
	}
	var details []string
	if e.Status != 0 {
		details = append(details, fmt.Sprintf("HTTP status %d", e.Status))
	}
	if e.RequestID != "" {
		details = append(details, "request "+e.RequestID)
	}
	if len(details) > 0 {
		text.WriteString(" (" + strings.Join(details, ", ") + ")")
	}
	if hint := hints[e.Code]; hint != "" {
		text.WriteString("; " + hint)
	}
	return text.String()
}

// Is tells whether the error is one of this package's.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalidGrant:
		return e.Code == "invalid_grant"
	case ErrInvalidClient:
		return e.Code == "invalid_client" || e.Code == "unauthorized_client"
	case ErrUnavailable, alexaevents.ErrTemporary:
		return e.temporary()
	case ErrThrottled, alexaevents.ErrThrottled:
		return e.temporary() && e.Status == http.StatusTooManyRequests
	case alexaevents.ErrUnavailable:
		return e.temporary() && e.Status != http.StatusTooManyRequests
	}
	return false
}

// Unwrap returns why there is no answer of use, nil if Amazon refused.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) temporary() bool {
	switch e.Code {
	case "":
		return e.cause != nil || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500
	case "server_error", "ServerError", "temporarily_unavailable", "ServiceUnavailable":
		return true
	}
	// A code of OAuth is final whatever the status; an unknown one is not.
	return hints[e.Code] == "" && e.Code != "invalid_request" && e.Code != "unsupported_grant_type" &&
		(e.Status == http.StatusTooManyRequests || e.Status >= 500)
}

// clean makes the error fit to be seen: Amazon may repeat the secrets in its
// words.
func (e *Error) clean(secrets ...string) *Error {
	if e.cause != nil {
		e.cause = redact.Error(e.cause, secrets...)
		e.words = e.cause.Error()
	}
	for _, text := range []*string{&e.Code, &e.Description, &e.RequestID, &e.words} {
		*text = redact.Text(*text, secrets...)
	}
	return e
}
