package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Lambda receives messages in an AWS Lambda function that the topics invoke.
// Pass its Invoke method to lambda.Start of aws-lambda-go.
//
// Whoever may invoke the function may forge its messages: let its policy allow
// that to the topics alone.
type Lambda struct {
	// Topics lists the ARNs of the topics whose messages are received. Empty
	// receives nothing.
	Topics []string

	// Verifier verifies the signatures as well, of topics that it lists too.
	// Nil relies on AWS.
	Verifier *Verifier

	// Receive is called for each notification, one after the other. Nil receives
	// nothing.
	Receive func(context.Context, *Message) error

	// Logger receives one record for each message that is not acknowledged. A
	// field that is not set is logged at Error, at most once a minute, and otherwise
	// at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called after each message, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misused redact.Throttle
}

func (l *Lambda) misuse() error {
	switch {
	case len(l.Topics) == 0:
		return misuse("Lambda.Topics", "list the ARNs of the topics")
	case l.Verifier != nil && len(l.Verifier.Topics) == 0:
		return misuse("Lambda.Verifier.Topics", "list the ARNs of the topics there too")
	case l.Receive == nil:
		return misuse("Lambda.Receive", "set it to the function that receives messages")
	}
	return nil
}

// Invoke handles one invocation, all messages of it even if some fail. It
// returns nothing, which acknowledges them, or what failed: errors of this
// package and those of Receive. Lambda then invokes the function again, twice
// unless it is told otherwise, and gives the invocation up if it has no
// dead-letter queue. It writes the text of the error to its log.
func (l *Lambda) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	receiver := &receiver{verifier: l.Verifier, confirm: l.Verifier, receive: l.Receive, logger: l.Logger, observe: l.Observe, misused: &l.misused}
	if err := l.misuse(); err != nil {
		receiver.report(ctx, nil, time.Now(), err)
		receiver.logFailure(ctx, slog.LevelError, nil, err)
		return nil, err
	}
	var event struct {
		Records []struct {
			SNS json.RawMessage `json:"Sns"`
		}
	}
	if json.Unmarshal(payload, &event) != nil || len(event.Records) == 0 {
		return nil, fmt.Errorf("%w: not an event with Records", ErrMessage)
	}
	var failed []error
	for _, record := range event.Records {
		start := time.Now()
		m, err := receiver.accept(ctx, l.Topics, record.SNS)
		if err == nil {
			err = receiver.deliver(ctx, m)
		}
		receiver.report(ctx, m, start, err)
		if err != nil {
			receiver.logFailure(ctx, slog.LevelWarn, m, err)
			failed = append(failed, err)
		}
	}
	return nil, errors.Join(failed...)
}
