package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// SQS receives messages in an AWS Lambda function that reads them from Amazon
// SQS queues, which subscribe to the topics. Pass its Invoke method to
// lambda.Start of aws-lambda-go.
//
// Set ReportBatchItemFailures in the function's event source mapping: without
// it Lambda treats every response as a success and deletes the messages that
// failed.
//
// Anyone who may send to a queue can forge messages: allow only the topics in its
// policy.
//
// FIFO topics deliver only to queues, and SNS does not sign their messages: leave
// Verifier nil for them.
//
// An SQS is safe for concurrent use; its fields must not change once it is in
// use.
type SQS struct {
	// Topics lists the ARNs of the topics whose messages are received. Empty
	// refuses every message with an envelope of SNS; without RawQueues it is
	// [ErrMisconfigured] for every message.
	Topics []string

	// RawQueues lists the ARNs of queues whose subscriptions have raw message
	// delivery. Their messages name no topic and have no signature, so that only
	// the policy of the queue protects them. Receive gets a message with the ID
	// that SQS gave it, without TopicArn and Timestamp. Empty receives no raw
	// messages.
	RawQueues []string

	// Verifier verifies the signatures of messages with an envelope, of topics
	// that it lists too. Nil relies on AWS.
	Verifier *Verifier

	// HTTPClient confirms subscriptions if Verifier is nil; otherwise the
	// verifier's client does. SNS requires that if the queue and the subscription
	// belong to different accounts. It needs no signature: anyone with the token
	// of the message can confirm. Nil is a client that uses no proxy.
	HTTPClient *http.Client

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

// Invoke handles one batch. It returns the messages that failed, which SQS
// delivers again. If a message of a FIFO queue fails, the rest of the batch is not
// received, to keep the order. An error fails the whole batch: [ErrMessage] if the
// payload is not a batch, or [ErrMisconfigured].
func (q *SQS) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	start := time.Now()
	receiver := &receiver{q.Verifier, q.Verifier, q.Receive, report{q.Logger, q.Observe, &q.misuse}}
	if q.Verifier == nil {
		receiver.confirm = &Verifier{Topics: q.Topics, HTTPClient: q.HTTPClient}
	}
	records, err := q.records(payload)
	if err != nil {
		receiver.end(ctx, nil, start, slog.LevelWarn, err, slog.Attr{})
		return nil, err
	}
	var response struct {
		Failures []batchItemFailure `json:"batchItemFailures"`
	}
	response.Failures = []batchItemFailure{}
	for _, record := range records {
		if len(response.Failures) == 0 || !strings.HasSuffix(record.Queue, ".fifo") {
			start := time.Now()
			m, err := q.accept(ctx, receiver, record)
			if err == nil {
				err = receiver.deliver(ctx, m)
			}
			receiver.end(ctx, m, start, slog.LevelWarn, err, slog.String("sqs.message", record.MessageID))
			if err == nil {
				continue
			}
		}
		// After an empty identifier Lambda treats the whole batch as failed.
		response.Failures = append(response.Failures, batchItemFailure{record.MessageID})
	}
	return json.Marshal(response)
}

type sqsRecord struct {
	MessageID string          `json:"messageId"`
	Queue     string          `json:"eventSourceARN"`
	Body      json.RawMessage `json:"body"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

func (q *SQS) records(payload json.RawMessage) ([]sqsRecord, error) {
	switch {
	case len(q.Topics) == 0 && len(q.RawQueues) == 0:
		return nil, notSet("SQS.Topics", "list the ARNs of the topics")
	case q.Verifier != nil && len(q.Verifier.Topics) == 0:
		return nil, notSet("SQS.Verifier.Topics", "list the ARNs of the topics there too")
	case q.Receive == nil:
		return nil, notSet("SQS.Receive", "set it to the function that receives messages")
	}
	return records[sqsRecord](payload)
}

func (q *SQS) accept(ctx context.Context, receiver *receiver, record sqsRecord) (*Message, error) {
	text, err := envelope.Raw(record.Body).Text()
	if err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrMessage, err)
	}
	if record.Queue != "" && slices.Contains(q.RawQueues, record.Queue) {
		return &Message{Type: Notification, ID: record.MessageID, Message: text}, nil
	}
	return receiver.accept(ctx, q.Topics, []byte(text))
}
