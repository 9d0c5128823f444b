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
	"github.com/alexaevents/alexaevents/internal/resend"
	"github.com/alexaevents/alexaevents/lwa"
)

// What a caller has to decide, for [errors.Is]. Every error of sending is exactly
// one of [ErrEnded], [ErrTemporary], [ErrMisconfigured] and [ErrInvalidEvent], or
// it is the error of the caller's own context or store. The others are kinds of
// these four. So the order of the cases of a switch does not matter.
var (
	// ErrEnded says that there is nobody to tell until a customer links the
	// account again.
	ErrEnded = lwa.ErrEnded

	// ErrNoGrant says that no customer of the account has granted events, or
	// not in the name of this link: Send Alexa Events may be off in the skill's
	// permissions. It is a kind of ErrEnded.
	ErrNoGrant = lwa.ErrNoGrant

	// ErrRelink says that Amazon does not accept a grant any more, or the code
	// for one. The customer must disable and enable the skill. It is a kind of
	// ErrEnded.
	ErrRelink error = kind{"gateway: the customer must disable and enable the skill", ErrEnded}

	// ErrSkillDisabled says that the customer has disabled the skill. It is a
	// kind of ErrEnded.
	ErrSkillDisabled error = kind{"gateway: the customer has not enabled the skill", ErrEnded}

	// ErrTemporary says that the event may be accepted later.
	ErrTemporary = alexaevents.ErrTemporary

	// ErrThrottled says that there were too many requests. It is a kind of
	// ErrTemporary.
	ErrThrottled = alexaevents.ErrThrottled

	// ErrUnavailable says that Alexa or Login with Amazon gave no usable
	// response. Alexa may have accepted the event all the same. It is a kind of
	// ErrTemporary.
	ErrUnavailable = alexaevents.ErrUnavailable

	// ErrMisconfigured says that the operator has to act: on the region, on the
	// client ID and secret, on the skill's permissions, or on a proxy between.
	// The grants are unharmed. Until an event of a grant was accepted, this is
	// also the error where Alexa says that the skill is disabled: it says the
	// same to a grant of another region.
	ErrMisconfigured = errors.New("gateway: misconfigured")

	// ErrInvalidEvent says that the event breaks a rule, here or at the gateway.
	ErrInvalidEvent = errors.New("gateway: invalid event")

	// ErrTooLarge says that the event has to be split. It is a kind of
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

// InvalidError refuses an event that the gateway would call malformed, without
// saying why. It is [ErrInvalidEvent]. Its text holds no values.
type InvalidError struct {
	Field string // event type and path of the field, such as "ChangeReport.Context[2].TimeOfSample"
	Rule  string // what the field must be

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

// The codes of the gateway that tell more than the status of their response.
const (
	codeDisabled        = "SKILL_DISABLED_EXCEPTION"
	codeNeverEnabled    = "SKILL_NEVER_ENABLED_EXCEPTION"
	codePermission      = "INSUFFICIENT_PERMISSION_EXCEPTION"
	codeAccountNotFound = "ACCOUNT_NOT_FOUND_EXCEPTION"
	codeSkillNotFound   = "SKILL_NOT_FOUND_EXCEPTION"
)

// Error is a response of the event gateway other than success, or that there was
// none. It holds nothing of the request.
type Error struct {
	Status      int           // HTTP status; zero without a response
	Code        string        // payload.code, such as "SKILL_DISABLED_EXCEPTION"; empty without one
	Description string        // payload.description, in Amazon's words
	RequestID   string        // what Amazon's support asks for; empty without one
	RetryAfter  time.Duration // the header Retry-After; zero without one

	unconfirmed bool  // no event of the grant was ever accepted
	young       bool  // the grant is so new that the gateway may not know it yet
	ended       error // the error of the caller's context, if that ended the request
	cause       error // why there was no response
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("gateway: ")
	switch {
	case e.cause != nil:
		text.WriteString("no answer from Alexa: " + e.cause.Error())
	case e.Code != "":
		text.WriteString(e.Code)
	case e.Status >= 300 && e.Status <= 399:
		text.WriteString("Alexa answered with a redirect, which is not followed")
	default:
		text.WriteString("Alexa refused without saying why")
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
	if hint := e.hint(); hint != "" {
		text.WriteString("; " + hint)
	}
	return text.String()
}

// hint says what to do.
func (e *Error) hint() string {
	switch {
	case e.unproven():
		return "no event of this grant was ever accepted: check that its region is the customer's"
	case e.Is(ErrSkillDisabled):
		return "stop sending until the customer enables the skill"
	case e.Is(ErrRelink):
		return "the customer must disable and enable the skill"
	case e.starting():
		return "the grant is new: try again in a minute"
	case e.Status == http.StatusUnauthorized:
		return "Alexa does not accept a token that Login with Amazon gave: try again in a minute"
	case e.Code == codeNeverEnabled:
		return "check that the region of the grant is the customer's"
	case e.Code == codePermission:
		return "check that Send Alexa Events is on in the skill's permissions"
	case e.Is(ErrTooLarge):
		return "split the event"
	}
	return ""
}

// Is tells whether the error is the target: one of this package's, the error of
// the caller's context, or what kept a response from coming.
func (e *Error) Is(target error) bool {
	return errors.Is(e.meaning(), target) || isCause(e.cause, target)
}

// As finds what kept a response from coming, such as a *net.OpError.
func (e *Error) As(target any) bool { return errors.As(e.cause, target) }

// meaning returns the error that callers decide by.
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
	case e.Status == http.StatusUnauthorized: // LWA gave the token, and alone can tell that the grant has ended
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

// unproven tells whether the gateway says what it also says where the grant is
// another region's, and no accepted event has proved that it is not.
func (e *Error) unproven() bool {
	return e.unconfirmed && (e.Status == http.StatusUnauthorized || e.Code == codeDisabled)
}

// starting tells whether the gateway may know the grant in a moment.
func (e *Error) starting() bool { return e.young && e.Code == codeNeverEnabled }

// unaccepted tells whether Alexa did not get the event, or says so. Such an event
// can be sent again even if it must not arrive twice.
func (e *Error) unaccepted() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || e.starting() ||
		resend.Unsent(e.cause)
}

// decisive are the errors that an error decides by its own meaning, whatever its
// cause.
var decisive = []error{
	context.Canceled, context.DeadlineExceeded,
	ErrEnded, ErrNoGrant, ErrRelink, ErrSkillDisabled,
	ErrTemporary, ErrThrottled, ErrUnavailable, ErrMisconfigured, ErrInvalidEvent, ErrTooLarge,
}

func isCause(cause, target error) bool {
	return !slices.Contains(decisive, target) && errors.Is(cause, target)
}

// tokenError puts an error of package lwa in the words of this one.
func tokenError(err error) error {
	meaning := ErrMisconfigured // of what Amazon refuses for no other reason
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

// loginError is an error of package lwa, found by errors.As. By errors.Is it is
// its meaning.
type loginError struct{ meaning, err error }

func (e *loginError) Error() string { return e.meaning.Error() + ": " + e.err.Error() }
func (e *loginError) Is(target error) bool {
	return errors.Is(e.meaning, target) || isCause(e.err, target)
}
func (e *loginError) As(target any) bool { return errors.As(e.err, target) }

// Result tells how sending to one grant ended.
type Result struct {
	Key lwa.Key // whose IDs are personal data
	Err error   // nil if Alexa accepted the event
}

// SendError says that an event did not reach every grant of an account, or none.
// For errors.Is and errors.As it is the error of the grant that needs action
// most: [ErrMisconfigured] before [ErrInvalidEvent], before an error of the
// context or the store, before [ErrTemporary], before [ErrEnded]. Of two that are
// alike it is the first.
type SendError struct {
	Results []Result // one for each grant of the account
}

// sendError returns nil if each event was accepted or the grant had ended, and
// one was accepted.
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

// Retry returns the grants to which the event can be sent again, with
// [Sender.SendTo]: those for which it failed with [ErrTemporary] or with an error
// of the context or the store.
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

// Unwrap returns the error of the grant that needs action most, nil if there is
// none.
func (e *SendError) Unwrap() error {
	var most Result
	for _, result := range e.Results {
		if urgency(result.Err) > urgency(most.Err) {
			most = result
		}
	}
	return most.Err
}

// The urgencies of errors, the least first.
const (
	urgencyNone = iota
	urgencyEnded
	urgencyTemporary
	urgencyOwn // of the caller's context or store
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
