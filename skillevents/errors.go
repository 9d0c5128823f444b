package skillevents

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed is the error of [Parse] for bytes that are not an Alexa event.
	ErrMalformed = errors.New("skillevents: malformed event")

	// ErrSkill is the error of [Lambda.Invoke] for an event of a skill that
	// [Lambda.Skills] does not list.
	ErrSkill = errors.New("skillevents: event of another skill")

	// ErrMisconfigured is the error of a [Handler] or [Lambda] that lacks a field
	// or a verifier. Its text says what to set.
	ErrMisconfigured = errors.New("skillevents: misconfigured")

	// ErrManifest is the error of [Manifest] and [Lint] for a manifest that
	// Amazon refuses.
	ErrManifest = errors.New("skillevents: invalid manifest")
)

var (
	errNoType    = errors.New("no request.type")
	errDirective = errors.New("no request.type: this is a directive to a smart home skill, for gateway.ParseDirective")

	errMethod     = errors.New("skillevents: the method is not POST")
	errNoVerifier = fmt.Errorf("%w: no verifier has checked the request: mount the Handler behind the Handler method of signature.Verifier", ErrMisconfigured)
)

// notSet is the error for a field that must be set.
func notSet(field, remedy string) error {
	return fmt.Errorf("%w: %s is not set: %s", ErrMisconfigured, field, remedy)
}
