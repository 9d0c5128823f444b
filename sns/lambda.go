package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Lambda receives messages in an AWS Lambda function that the topics invoke.
// Pass its Invoke method to lambda.Start of aws-lambda-go.
//
// Whoever may invoke the function may forge its messages: let its policy allow
// that to the topics alone.
type Lambda struct {
	// Topics lists the ARNs of the topics whose messages are received. Empty
	// refuses every message.
	Topics []string

	// Verifier verifies the signatures as well, of topics that it lists too.
	// Nil relies on AWS.
	Verifier *Verifier

	// Receive is called for each notification, one after the other. Nil fails
	// for every notification.
	Receive func(context.Context, *Message) error
}

// Invoke handles one invocation, all messages of it even if some fail. It
// returns nothing, which acknowledges them, or what failed: errors of this
// package and those of Receive. Lambda then invokes the function again, twice
// unless it is told otherwise, and gives the invocation up if it has no
// dead-letter queue. It writes the text of the error to its log.
func (l *Lambda) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var event struct {
		Records []struct {
			SNS json.RawMessage `json:"Sns"`
		}
	}
	if json.Unmarshal(payload, &event) != nil || len(event.Records) == 0 {
		return nil, fmt.Errorf("%w: no event with Records", ErrMessage)
	}
	var failed []error
	for _, record := range event.Records {
		m, err := accept(ctx, l.Topics, l.Verifier, record.SNS)
		if err == nil {
			err = deliver(ctx, l.Verifier, m, l.Receive)
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}
