package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Lambda receives messages in an AWS Lambda function that the topics invoke.
// Pass its Invoke method to lambda.Start of aws-lambda-go.
//
// Anyone who may invoke the function can forge messages: allow only the topics in its
// policy.
//
// A Lambda is safe for concurrent use; its fields must not change once it is in
// use.
type Lambda struct {
	// Topics lists the ARNs of the topics whose messages are received. Empty is
	// [ErrMisconfigured] for every message.
	Topics []string

	// Verifier verifies the signatures as well, of topics that it lists too. Nil
	// relies on AWS.
	Verifier *Verifier

	// Receive is called for each notification, one after the other. The
	// notification is acknowledged after it returned nil. Required: nil is
	// [ErrMisconfigured] for every message.
	Receive func(context.Context, *Message) error

	// Logger receives one record for each message that is not acknowledged.
	// [ErrMisconfigured] is logged at Error, at most once a minute, and otherwise
	// at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each message, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misuse redact.Throttle
}

// Invoke handles one invocation: all its messages, even if some fail. It returns
// nil, which acknowledges them, or the errors: those of this package and those of
// Receive. After an error Lambda invokes the function again, by default twice, and
// then drops the messages unless it has a dead-letter queue. Lambda writes the text
// of the error to its log.
func (l *Lambda) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	start := time.Now()
	receiver := &receiver{l.Verifier, l.Verifier, l.Receive, report{l.Logger, l.Observe, &l.misuse}}
	records, err := l.records(payload)
	if err != nil {
		receiver.end(ctx, nil, start, slog.LevelWarn, err, slog.Attr{})
		return nil, err
	}
	var failed []error
	for _, record := range records {
		start := time.Now()
		m, err := receiver.accept(ctx, l.Topics, record.SNS)
		if err == nil {
			err = receiver.deliver(ctx, m)
		}
		receiver.end(ctx, m, start, slog.LevelWarn, err, slog.Attr{})
		if err != nil {
			failed = append(failed, err)
		}
	}
	return nil, errors.Join(failed...)
}

type snsRecord struct {
	SNS json.RawMessage `json:"Sns"`
}

func (l *Lambda) records(payload json.RawMessage) ([]snsRecord, error) {
	switch {
	case len(l.Topics) == 0:
		return nil, notSet("Lambda.Topics", "list the ARNs of the topics")
	case l.Verifier != nil && len(l.Verifier.Topics) == 0:
		return nil, notSet("Lambda.Verifier.Topics", "list the ARNs of the topics there too")
	case l.Receive == nil:
		return nil, notSet("Lambda.Receive", "set it to the function that receives messages")
	}
	return records[snsRecord](payload)
}

// records returns the records of an invocation.
func records[T any](payload json.RawMessage) ([]T, error) {
	var event struct{ Records []T }
	if !utf8.Valid(payload) || json.Unmarshal(payload, &event) != nil || len(event.Records) == 0 {
		return nil, fmt.Errorf("%w: not an event with Records", ErrMessage)
	}
	return event.Records, nil
}
