package skillevents

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// Lambda receives events in an AWS Lambda function whose trigger is the Alexa
// Skills Kit. Pass its Invoke method to lambda.Start of aws-lambda-go.
//
// A Lambda invocation is not signed: besides Skills, set the EventSourceToken of
// the trigger to the skill's ID.
//
// A Lambda is safe for concurrent use; its fields must not change once it is in
// use.
type Lambda struct {
	// Skills lists the IDs of the skills whose events are received. Empty is
	// [ErrMisconfigured] for every event.
	Skills []string

	// Receive is called for each event of these skills, [*Unknown] too. The event
	// is acknowledged after it returned nil. Required: nil is [ErrMisconfigured]
	// for every event.
	Receive func(context.Context, Event) error

	// Logger receives one record for each event that is not acknowledged.
	// [ErrMisconfigured] is logged at Error, at most once a minute, and otherwise
	// at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each invocation, for metrics. Nil disables
	// it.
	Observe func(context.Context, Observation)

	misuse redact.Throttle
}

// Invoke handles one invocation. It returns an empty Alexa response, which
// acknowledges the event, or an error, after which Alexa redelivers the event:
// [ErrMalformed], [ErrSkill], [ErrMisconfigured], or what Receive returned.
// Lambda writes the text of the error to its log.
func (l *Lambda) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	start := time.Now()
	event, outcome, err := l.receive(ctx, payload)
	report{l.Logger, l.Observe, &l.misuse}.end(ctx, event, start, outcome, err)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(response), nil
}

func (l *Lambda) receive(ctx context.Context, payload json.RawMessage) (Event, Outcome, error) {
	switch {
	case len(l.Skills) == 0:
		return nil, Misconfigured, notSet("Lambda.Skills", "list the IDs of your skills")
	case l.Receive == nil:
		return nil, Misconfigured, notSet("Lambda.Receive", "set it, for example to the Record method of identity.Recorder")
	}
	event, err := Parse(payload)
	if err != nil {
		return nil, Refused, err
	}
	if err := envelope.CheckSkill(event.Common().SkillID, l.Skills, "Lambda.Skills"); err != nil {
		return event, Refused, fmt.Errorf("%w: %w", ErrSkill, err)
	}
	if err := l.Receive(ctx, event); err != nil {
		return event, Failed, err
	}
	return event, Received, nil
}
