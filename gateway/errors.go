package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
)

// The errors that a program decides by, for [errors.Is]. Every error of sending is
// exactly one of [ErrEnded], [ErrTemporary], [ErrMisconfigured] and
// [ErrInvalidEvent], or an error of the caller's context or store. The others are
// kinds of these four. So the order of the cases of a switch does not matter.
var (
	// ErrEnded says that the account has no usable grant until a customer links it
	// again.
	ErrEnded = lwa.ErrEnded

	// ErrNoGrant says that the account, or the key, has no grant: Send Alexa Events
	// may be off in the skill's permissions. It is a kind of ErrEnded.
	ErrNoGrant = lwa.ErrNoGrant

	// ErrRelink says that Amazon does not accept a grant, or the code for one, any
	// more. The customer must disable and enable the skill. It is a kind of
	// ErrEnded.
	ErrRelink error = kind{"gateway: the customer must disable and enable the skill", ErrEnded}

	// ErrSkillDisabled says that the customer has disabled the skill. It is a
	// kind of ErrEnded.
	ErrSkillDisabled error = kind{"gateway: the customer has not enabled the skill", ErrEnded}

	// ErrTemporary says that the event may be accepted later.
	ErrTemporary = alexaevents.ErrTemporary

	// ErrThrottled says that Amazon received too many requests. It is a kind of
	// ErrTemporary.
	ErrThrottled = alexaevents.ErrThrottled

	// ErrUnavailable says that Alexa or Login with Amazon gave no usable response.
	// Alexa may have accepted the event nevertheless. It is a kind of ErrTemporary.
	ErrUnavailable = alexaevents.ErrUnavailable

	// ErrMisconfigured says that the configuration is wrong: the region, the client
	// ID and secret, the skill's permissions, or a proxy. The error says what to
	// check. The grants are unharmed. Until Alexa has accepted an event of a grant,
	// this is also the error if Alexa says that the skill is disabled: Alexa says
	// the same if the grant has the wrong region.
	ErrMisconfigured = errors.New("gateway: misconfigured")

	// ErrInvalidEvent says that the event breaks a rule of this package or of the
	// gateway.
	ErrInvalidEvent = errors.New("gateway: invalid event")

	// ErrTooLarge says that the event is too large: split it. It is a kind of
	// ErrInvalidEvent.
	ErrTooLarge error = kind{"gateway: the event is too large", ErrInvalidEvent}
)

// ErrMalformedDirective is the error of [ParseDirective] for bytes that are not
// a directive, and of [Granter] for a directive that lacks what it needs.
var ErrMalformedDirective = errors.New("gateway: malformed directive")

// kind is an error that is also another one.
type kind struct {
	text string
	of   error
}

func (k kind) Error() string { return k.text }
func (k kind) Unwrap() error { return k.of }

// InvalidError says which rule an event breaks. The gateway would only call the event
// malformed. It is [ErrInvalidEvent]. Its text contains no values.
type InvalidError struct {
	Field string // type of the event and path of the field, such as "ChangeReport.Context[2].TimeOfSample"
	Rule  string // rule of the field

	tooLarge bool
}

func (e *InvalidError) Error() string {
	return ErrInvalidEvent.Error() + ": " + e.Field + ": " + e.Rule
}

// Is reports whether target is [ErrInvalidEvent], or [ErrTooLarge] if the event
// has too many bytes or endpoints.
func (e *InvalidError) Is(target error) bool {
	return target == ErrInvalidEvent || e.tooLarge && target == ErrTooLarge
}

// The codes of the gateway that say more than the HTTP status.
const (
	codeDisabled        = "SKILL_DISABLED_EXCEPTION"
	codeNeverEnabled    = "SKILL_NEVER_ENABLED_EXCEPTION"
	codePermission      = "INSUFFICIENT_PERMISSION_EXCEPTION"
	codeAccountNotFound = "ACCOUNT_NOT_FOUND_EXCEPTION"
	codeSkillNotFound   = "SKILL_NOT_FOUND_EXCEPTION"
)

// Error is a failed request to the event gateway: Alexa refused the event, or gave no
// response. It contains nothing of the request.
type Error struct {
	Status      int           // HTTP status; zero without a response
	Code        string        // payload.code, such as "SKILL_DISABLED_EXCEPTION"; empty without one
	Description string        // payload.description; empty without one
	RequestID   string        // request ID for Amazon's support; empty without one
	RetryAfter  time.Duration // header Retry-After; zero without one

	unconfirmed bool  // Alexa has accepted no event of the grant yet
	young       bool  // the gateway may not know the new grant yet
	ended       error // error of the caller's context, if that ended the request
	cause       error // cause of a missing response
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("gateway: ")
	switch {
	case e.cause != nil:
		text.WriteString("no response from Alexa: " + e.cause.Error())
	case e.Code != "":
		text.WriteString(e.Code)
	case e.Status >= 300 && e.Status <= 399:
		text.WriteString("Alexa responded with a redirect, which is not followed")
	default:
		text.WriteString("Alexa refused the event without a reason")
	}
	if e.Description != "" {
		text.WriteString(": " + e.Description)
	}
	text.WriteString(rest.Details(e.Status, e.RequestID))
	if hint := e.hint(); hint != "" {
		text.WriteString("; " + hint)
	}
	return text.String()
}

// hint returns what to do.
func (e *Error) hint() string {
	switch {
	case e.unproven():
		return "Alexa has accepted no event of this grant yet: check that its region is the customer's"
	case e.Is(ErrSkillDisabled):
		return "stop sending until the customer enables the skill"
	case e.Is(ErrRelink):
		return "the customer must disable and enable the skill"
	case e.starting():
		return "the grant is new: retry in a minute"
	case e.Status == http.StatusUnauthorized:
		return "Alexa does not accept a new token of Login with Amazon: retry in a minute"
	case e.Code == codeNeverEnabled:
		return "check that the region of the grant is the customer's"
	case e.Code == codePermission:
		return "check that Send Alexa Events is on in the skill's permissions"
	case e.Is(ErrTooLarge):
		return "split the event"
	}
	return ""
}

// Is reports whether the error is the target: an error of this package, the error of
// the caller's context, or the cause of the lack of a response.
func (e *Error) Is(target error) bool {
	return errors.Is(e.meaning(), target) || isCause(e.cause, target)
}

// As finds the cause of a missing response, such as a *net.OpError.
func (e *Error) As(target any) bool { return errors.As(e.cause, target) }

// meaning returns the error that a program decides by.
func (e *Error) meaning() error {
	switch {
	case e.ended != nil:
		return e.ended
	case e.cause != nil, e.Status >= 500, e.Status == http.StatusRequestTimeout, e.starting():
		return ErrUnavailable
	case e.unproven():
		return ErrMisconfigured
	case e.Code == codeDisabled:
		return ErrSkillDisabled
	case e.Code == codeAccountNotFound, e.Code == codeSkillNotFound:
		return ErrRelink
	case e.Status == http.StatusUnauthorized: // only LWA, which issued the token, can say that the grant has ended
		return ErrUnavailable
	case e.Status == http.StatusBadRequest:
		return ErrInvalidEvent
	case e.Status == http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case e.Status == http.StatusTooManyRequests:
		return ErrThrottled
	}
	return ErrMisconfigured
}

// unproven reports whether the grant may be of another region: the gateway responds
// as it does then, and no accepted event has proved the region.
func (e *Error) unproven() bool {
	return e.unconfirmed && (e.Status == http.StatusUnauthorized || e.Code == codeDisabled)
}

// starting reports whether the gateway may soon know the grant.
func (e *Error) starting() bool { return e.young && e.Code == codeNeverEnabled }

// unaccepted reports whether Alexa did not receive the event, or says that it did
// not accept it. A retry then makes no duplicate.
func (e *Error) unaccepted() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || e.starting() ||
		rest.Unsent(e.cause)
}

// decisions are the errors that a program decides by. Only the meaning of an error
// matches them, not its cause.
var decisions = []error{
	context.Canceled, context.DeadlineExceeded,
	ErrEnded, ErrNoGrant, ErrRelink, ErrSkillDisabled,
	ErrTemporary, ErrThrottled, ErrUnavailable, ErrMisconfigured, ErrInvalidEvent, ErrTooLarge,
}

func isCause(cause, target error) bool {
	return !slices.Contains(decisions, target) && errors.Is(cause, target)
}

// tokenError converts an error of package lwa to one of this package.
func tokenError(err error) error {
	meaning := ErrMisconfigured // if Amazon refuses for another reason
	var refusal *lwa.Error
	switch {
	case errors.Is(err, lwa.ErrInvalidGrant):
		meaning = ErrRelink
	case errors.Is(err, ErrThrottled):
		meaning = ErrThrottled
	case errors.Is(err, ErrTemporary):
		meaning = ErrUnavailable
	case !errors.As(err, &refusal) && !errors.Is(err, lwa.ErrInvalidKey):
		return err
	}
	return &loginError{meaning, err}
}

// loginError is an error of package lwa: errors.Is matches its meaning, errors.As the
// error itself.
type loginError struct{ meaning, err error }

func (e *loginError) Error() string { return e.meaning.Error() + ": " + e.err.Error() }
func (e *loginError) Is(target error) bool {
	return errors.Is(e.meaning, target) || isCause(e.err, target)
}
func (e *loginError) As(target any) bool { return errors.As(e.err, target) }

// Result is the result of sending an event to one grant.
type Result struct {
	Key lwa.Key // key of the grant; its IDs are personal data
	Err error   // nil if Alexa accepted the event
}

// SendError says for which grants of an account an event failed. For errors.Is and
// errors.As it is the most urgent of their errors. The order is [ErrMisconfigured],
// [ErrInvalidEvent], an error of the context or the store, [ErrTemporary],
// [ErrEnded]. Of two equally urgent errors it is the first.
type SendError struct {
	Results []Result // one for each grant of the account
}

// sendError returns nil if the event was accepted for at least one grant, and for
// each that has not ended.
func sendError(results []Result) error {
	accepted, failed := false, false
	for _, result := range results {
		accepted = accepted || result.Err == nil
		failed = failed || result.Err != nil && !errors.Is(result.Err, ErrEnded)
	}
	if accepted && !failed {
		return nil
	}
	return &SendError{results}
}

// Retry returns the keys of the grants to which the event can be sent again with
// [Sender.SendTo]: those with [ErrTemporary] or an error of the context or the
// store.
func (e *SendError) Retry() []lwa.Key {
	var keys []lwa.Key
	for _, result := range e.Results {
		if r := urgency(result.Err); r == urgencyTemporary || r == urgencyOwn {
			keys = append(keys, result.Key)
		}
	}
	return keys
}

func (e *SendError) Error() string {
	failures := 0
	for _, result := range e.Results {
		if result.Err != nil {
			failures++
		}
	}
	if failures == 1 && len(e.Results) == 1 {
		return e.Results[0].Err.Error()
	}
	text := fmt.Sprintf("gateway: %d of %d grants did not get the event", failures, len(e.Results))
	if err := e.Unwrap(); err != nil {
		text += ", one because of: " + err.Error()
	}
	return text
}

// Unwrap returns the most urgent error, nil without one.
func (e *SendError) Unwrap() error {
	var most Result
	for _, result := range e.Results {
		if urgency(result.Err) > urgency(most.Err) {
			most = result
		}
	}
	return most.Err
}

// The urgencies of errors, in increasing order.
const (
	urgencyNone = iota
	urgencyEnded
	urgencyTemporary
	urgencyOwn // error of the caller's context or store
	urgencyInvalid
	urgencyMisconfigured
)

func urgency(err error) int {
	switch {
	case err == nil:
		return urgencyNone
	case errors.Is(err, ErrMisconfigured):
		return urgencyMisconfigured
	case errors.Is(err, ErrInvalidEvent):
		return urgencyInvalid
	case errors.Is(err, ErrTemporary):
		return urgencyTemporary
	case errors.Is(err, ErrEnded):
		return urgencyEnded
	}
	return urgencyOwn
}
