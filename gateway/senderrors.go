package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/alexaevents/alexaevents/lwa"
)

// What a caller may have to decide about an event that was not accepted, for
// [errors.Is]. An event that breaks a rule, here or at the gateway, is
// [ErrInvalidEvent]. Where the context ended or the store failed, the error is
// theirs.
var (
	// ErrNoGrant says that no customer of the account has granted events, or
	// not in the name of this link: Send Alexa Events may be off in the skill's
	// permissions.
	ErrNoGrant = lwa.ErrNoGrant

	// ErrRelink says that a grant has ended, or that the code for one is of no
	// use: there will be none until the customer disables and enables the skill.
	ErrRelink = errors.New("gateway: the customer must disable and enable the skill")

	// ErrSkillDisabled says that the customer has disabled the skill: stop
	// sending until there is a new grant.
	ErrSkillDisabled = errors.New("gateway: the customer has not enabled the skill")

	// ErrMisconfigured says that the operator has to act: on the region, on the
	// client ID and secret, on the skill's permissions, or on a proxy between.
	// The grants are unharmed. An error that is also ErrSkillDisabled or
	// ErrRelink says that no event of the grant was ever accepted: its region
	// may be the wrong one.
	ErrMisconfigured = errors.New("gateway: misconfigured")

	// ErrThrottled says that there were too many requests. Later ones may
	// succeed.
	ErrThrottled = errors.New("gateway: too many requests")

	// ErrUnavailable says that Alexa or Login with Amazon gave no answer of use.
	// Later requests may succeed; Alexa may have got the event all the same.
	ErrUnavailable = errors.New("gateway: Amazon is unavailable")

	// ErrTooLarge says that the event has to be split.
	ErrTooLarge = errors.New("gateway: the event is too large")
)

// The codes of the gateway that tell more than the status of their answer.
const (
	codeDisabled        = "SKILL_DISABLED_EXCEPTION"
	codeNeverEnabled    = "SKILL_NEVER_ENABLED_EXCEPTION"
	codePermission      = "INSUFFICIENT_PERMISSION_EXCEPTION"
	codeAccountNotFound = "ACCOUNT_NOT_FOUND_EXCEPTION"
	codeSkillNotFound   = "SKILL_NOT_FOUND_EXCEPTION"
)

// Error is an answer of the event gateway other than success, or that there was
// none. It holds nothing of the request.
type Error struct {
	Status      int    // HTTP status; zero if there was no answer
	Code        string // payload.code of the answer, such as "SKILL_DISABLED_EXCEPTION"; empty if it has none
	Description string // payload.description, in Amazon's words
	RequestID   string // what Amazon's support asks for; empty if the answer has none

	unconfirmed bool   // no event of the grant was ever accepted
	cause       error  // why there was no answer
	words       string // of cause
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("gateway: ")
	switch {
	case e.words != "":
		text.WriteString("no answer from Alexa: " + e.words)
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
	case e.Code == codeNeverEnabled:
		return "a grant of a few seconds ago may need a moment; else check that its region is the customer's"
	case e.Code == codePermission:
		return "check that Send Alexa Events is on in the skill's permissions"
	case e.Is(ErrTooLarge):
		return "split the event"
	}
	return ""
}

// Is tells whether the error is one of this package's.
func (e *Error) Is(target error) bool {
	return target == e.meaning() || target == ErrMisconfigured && e.unproven()
}

// meaning returns the package's error for what is known.
func (e *Error) meaning() error {
	switch {
	case e.cause != nil, e.Status >= 500:
		return ErrUnavailable
	case e.Code == codeDisabled:
		return ErrSkillDisabled
	case e.Status == http.StatusUnauthorized, e.Code == codeAccountNotFound, e.Code == codeSkillNotFound:
		return ErrRelink
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
	return e.unconfirmed && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden && e.Code == codeDisabled)
}

// Unwrap returns why there was no answer, nil if there was one.
func (e *Error) Unwrap() error { return e.cause }

// ended tells whether a grant is of no use any more, for sure; it may have been
// erased while the event was sent.
func ended(err error) bool {
	return (errors.Is(err, ErrRelink) || errors.Is(err, ErrSkillDisabled) || errors.Is(err, ErrNoGrant)) &&
		!errors.Is(err, ErrMisconfigured)
}

// tokenError puts an error of package lwa in the words of this one.
func tokenError(err error) error {
	var refusal *lwa.Error
	meaning := ErrMisconfigured // of what Amazon refuses for no other reason
	switch {
	case errors.Is(err, lwa.ErrInvalidGrant):
		meaning = ErrRelink
	case errors.Is(err, lwa.ErrThrottled):
		meaning = ErrThrottled
	case errors.Is(err, lwa.ErrUnavailable):
		meaning = ErrUnavailable
	case !errors.As(err, &refusal):
		return err
	}
	return fmt.Errorf("%w: %w", meaning, err)
}

// Result tells how sending to one grant ended.
type Result struct {
	Key lwa.Key // whose IDs are personal data
	Err error   // nil if Alexa accepted the event
}

// SendError says that an event did not reach every grant of an account, or none.
// It is one of the package's errors only if that is the error of all grants.
type SendError struct {
	Results []Result // one for each grant of the account
}

// sendError returns nil if each event was accepted or the grant had ended, and
// one was accepted.
func sendError(results []Result) error {
	accepted, failed := false, false
	for _, result := range results {
		accepted = accepted || result.Err == nil
		failed = failed || result.Err != nil && !ended(result.Err)
	}
	if accepted && !failed {
		return nil
	}
	return &SendError{results}
}

func (e *SendError) Error() string {
	var failures []error
	for _, result := range e.Results {
		if result.Err != nil {
			failures = append(failures, result.Err)
		}
	}
	if len(failures) == 1 && len(e.Results) == 1 {
		return failures[0].Error()
	}
	text := fmt.Sprintf("gateway: %d of %d grants did not get the event", len(failures), len(e.Results))
	if len(failures) > 0 {
		text += ", the first because of: " + failures[0].Error()
	}
	return text
}

// Is tells whether every grant's error is the target.
func (e *SendError) Is(target error) bool {
	for _, result := range e.Results {
		if !errors.Is(result.Err, target) {
			return false
		}
	}
	return len(e.Results) > 0
}
