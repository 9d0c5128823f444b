package lwa

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// The errors of this package, for [errors.Is]. Temporary failures are of the kinds
// [alexaevents.ErrTemporary], [alexaevents.ErrThrottled] and
// [alexaevents.ErrUnavailable].
var (
	// ErrEnded says that there is no live grant until the customer links the
	// account again. [ErrNoGrant] and [ErrInvalidGrant] are kinds of it.
	ErrEnded = errors.New("lwa: no live grant")

	// ErrNoGrant says that the store has no grant with this key: the customer never
	// gave one, or it was erased.
	ErrNoGrant = fmt.Errorf("%w: no grant is stored", ErrEnded)

	// ErrInvalidGrant says that a code or refresh token is expired, used, revoked
	// or another client's. Amazon refuses a refresh token when the customer
	// disabled the skill or removed the app. No other error proves that a grant
	// has ended.
	ErrInvalidGrant = fmt.Errorf("%w: invalid code or refresh token", ErrEnded)

	// ErrInvalidClient says that Amazon does not accept the client: its secret is
	// wrong, or the client may not make this request. Your configuration is wrong;
	// grants are not affected.
	ErrInvalidClient = errors.New("lwa: invalid client ID or secret")

	// ErrInvalidKey says that a [Key] has no ClientID or AccountID, has text that
	// is too long, contains NUL or is not UTF-8, or belongs to another client. The
	// error's text names the field and not its value.
	ErrInvalidKey = errors.New("lwa: invalid key")

	// ErrSealed says that the tokens of a grant cannot be decrypted: they were
	// encrypted with another key, or the stored row was changed or moved. A new
	// AcceptGrant or import replaces such a grant, and EraseGrants deletes it.
	ErrSealed = errors.New("lwa: a stored token cannot be decrypted")

	// ErrCallback says that a callback does not belong to the URL of
	// [Client.AuthCodeURL] in this browser's session, or has no code.
	ErrCallback = errors.New("lwa: the callback does not belong to this session")

	// ErrAudience says that an access token was issued to another client.
	ErrAudience = errors.New("lwa: the access token was issued to another client")
)

// errRefused is the error for a grant that Amazon refused earlier.
var errRefused = fmt.Errorf("%w; the customer must link the account again", ErrInvalidGrant)

// Error is a failed request to Login with Amazon. It contains no token, code or
// client secret of the request, and the errors that it wraps contain none.
type Error struct {
	Status      int    // HTTP status; zero without a response
	Code        string // member "error" of the response, such as "invalid_grant"; empty without one
	Description string // member "error_description" of the response; empty without one
	RequestID   string // header X-Amzn-RequestId, for Amazon's support

	// RetryAfter is how long to wait before the next request, as Amazon or a
	// [Source] asks; zero if neither does.
	RetryAfter time.Duration

	cause error  // why there is no usable response; nil if Amazon refused
	words string // text of cause
}

// hints say what to do about a code.
var hints = map[string]string{
	"invalid_grant":       "the code or refresh token is expired, used, revoked or another client's: link the account again",
	"invalid_client":      "check the client ID and the whole secret, prefix included; for the event gateway they are those under Alexa Skill Messaging",
	"unauthorized_client": "the client may not make this request: check its security profile",
	"invalid_scope":       "the client may not have the scope: check the permissions of the skill or security profile",
	"access_denied":       "the person did not consent",
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("lwa: ")
	switch {
	case e.words != "" && e.Status == 0:
		text.WriteString("no response from Amazon: " + e.words)
	case e.words != "":
		text.WriteString("unusable response from Amazon: " + e.words)
	case e.Code != "":
		text.WriteString(e.Code)
	case e.Status >= 300 && e.Status <= 399:
		text.WriteString("Amazon responded with a redirect, which is not followed")
	default:
		text.WriteString("Amazon refused without a reason")
	}
	if e.Description != "" {
		text.WriteString(": " + e.Description)
	}
	text.WriteString(rest.Details(e.Status, e.RequestID))
	if hint := hints[e.Code]; hint != "" {
		text.WriteString("; " + hint)
	}
	return text.String()
}

// Is reports whether target is the kind of the error.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalidGrant, ErrEnded:
		return e.Code == "invalid_grant"
	case ErrInvalidClient:
		return e.Code == "invalid_client" || e.Code == "unauthorized_client"
	case alexaevents.ErrTemporary:
		return e.temporary()
	case alexaevents.ErrThrottled:
		return e.temporary() && e.Status == http.StatusTooManyRequests
	case alexaevents.ErrUnavailable:
		return e.temporary() && e.Status != http.StatusTooManyRequests
	}
	return false
}

// Unwrap returns why there is no usable response, nil if Amazon refused.
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

// clean removes the secrets from the texts of the error: Amazon may repeat them.
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
