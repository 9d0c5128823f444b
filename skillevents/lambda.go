package skillevents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrSkill is the error of [Lambda.Invoke] for an event of a skill that is not
// in [Lambda.Skills].
var ErrSkill = errors.New("skillevents: event of a skill that is not allowed")

// Lambda receives events in an AWS Lambda function whose trigger is the Alexa
// Skills Kit. Pass its Invoke method to lambda.Start of aws-lambda-go.
//
// A Lambda invocation is not signed: besides Skills, set the EventSourceToken of
// the trigger to the skill's id.
type Lambda struct {
	// Skills lists the ids of the skills whose events are received. Empty
	// refuses every event.
	Skills []string

	// Receive is called for each event of these skills, [*Unknown] too. The
	// event is acknowledged once it has returned nil. Nil fails for every event.
	Receive func(context.Context, Event) error
}

// Invoke handles one invocation. It returns an empty Alexa response, which
// acknowledges the event, or an error, after which Alexa delivers the event
// again: one that wraps [ErrMalformed] or [ErrSkill], or what Receive returned.
// Lambda writes the text of the error to its log.
func (l *Lambda) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	event, err := Parse(payload)
	if err != nil {
		return nil, err
	}
	// An event without a skill id matches nothing, not even an empty entry.
	skillID := event.Common().SkillID
	if skillID == "" || !slices.Contains(l.Skills, skillID) {
		return nil, fmt.Errorf("%w: %q", ErrSkill, skillID)
	}
	if err := deliver(ctx, event, l.Receive); err != nil {
		return nil, err
	}
	return json.RawMessage(answer), nil
}
