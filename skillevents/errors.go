package skillevents

import (
	"errors"
	"fmt"
)

// ErrMalformed is the error of [Parse] for bytes that are not an Alexa event.
var ErrMalformed = errors.New("skillevents: malformed event")

// ErrSkill is the error of [Lambda.Invoke] for an event of a skill that is not
// in [Lambda.Skills].
var ErrSkill = errors.New("skillevents: event of a skill that is not allowed")

// ErrManifest is the error for a manifest that cannot be used.
var ErrManifest = errors.New("skillevents: not a usable manifest")

var (
	errNoType    = errors.New("no request.type")
	errDirective = errors.New("no request.type: this is a directive to a smart home skill, for gateway.ParseDirective")

	errMethod     = errors.New("skillevents: the method is not POST")
	errNoVerifier = errors.New("skillevents: no verifier has checked the request: mount the Handler behind the Handler method of signature.Verifier")
	errNoReceive  = errors.New("skillevents: Receive is nil: set it, for example to the Record method of identity.Recorder")
	errNoSkills   = fmt.Errorf("%w: Lambda.Skills is empty: list the IDs of your skills", ErrSkill)
)
