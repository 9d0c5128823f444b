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
	"unicode/utf8"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// SQS receives messages in an AWS Lambda function that reads them from Amazon
// SQS queues, which subscribe to the topics. Pass its Invoke method to
// lambda.Start of aws-lambda-go.
//
// Set ReportBatchItemFailures in the function's event source mapping: without
// it Lambda takes every response for a success and deletes the messages that
// failed.
//
// Whoever may send to a queue may forge its messages: let its policy allow that
// to the topics alone.
//
// FIFO topics deliver to queues alone, and SNS does not sign their messages:
// leave Verifier nil for them.
type SQS struct {
	// Topics lists the ARNs of the topics whose messages are received. Empty
	// refuses every message with an envelope of SNS.
	Topics []string

	// RawQueues lists the ARNs of queues whose subscriptions have raw message
	// delivery. Their messages name no topic and have no signature, so that the
	// policy of the queue is all there is to trust; Receive gets one with the
	// ID that SQS gave it, and without TopicArn and Timestamp. Empty takes no
	// message raw.
	RawQueues []string

	// Verifier verifies the signatures of messages with an envelope, of topics
	// that it lists too. Nil relies on AWS.
	Verifier *Verifier

	// HTTPClient confirms subscriptions if Verifier is nil; otherwise the
	// verifier's client does. SNS asks for that if the queue and the subscription
	// belong to different accounts. The token in the message suffices to confirm,
	// so a message without a signature can do no more than its sender could. Nil
	// is a client that uses no proxy.
	HTTPClient *http.Client

	// Receive is called for each notification, one after the other. Nil receives
	// nothing.
	Receive func(context.Context, *Message) error

	// Logger receives one record for each message that failed, since the response
	// only tells which it was. A field that is not set is logged at Error, at most
	// once a minute, and otherwise at Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called after each message, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	misused redact.Throttle
}

func (q *SQS) misuse() error {
	switch {
	case len(q.Topics) == 0 && len(q.RawQueues) == 0:
		return misuse("SQS.Topics", "list the ARNs of the topics")
	case q.Verifier != nil && len(q.Verifier.Topics) == 0:
		return misuse("SQS.Verifier.Topics", "list the ARNs of the topics there too")
	case q.Receive == nil:
		return misuse("SQS.Receive", "set it to the function that receives messages")
	}
	return nil
}

type sqsRecord struct {
	MessageID string          `json:"messageId"`
	Queue     string          `json:"eventSourceARN"`
	Body      json.RawMessage `json:"body"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Invoke handles one batch. It returns the messages that failed, which SQS
// delivers again. The rest of the batch is not received where a queue is FIFO and
// a message failed, for the sake of their order. If a field is not set it returns
// an error, which fails the whole batch.
func (q *SQS) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	receiver := &receiver{verifier: q.Verifier, confirm: q.Verifier, receive: q.Receive, logger: q.Logger, observe: q.Observe, misused: &q.misused}
	if q.Verifier == nil {
		receiver.confirm = &Verifier{Topics: q.Topics, HTTPClient: q.HTTPClient}
	}
	if err := q.misuse(); err != nil {
		receiver.report(ctx, nil, time.Now(), err)
		receiver.logFailure(ctx, slog.LevelError, nil, err)
		return nil, err
	}
	var event struct {
		Records []sqsRecord
	}
	if !utf8.Valid(payload) || json.Unmarshal(payload, &event) != nil || len(event.Records) == 0 {
		return nil, fmt.Errorf("%w: not an event with Records", ErrMessage)
	}
	var response struct {
		Failures []batchItemFailure `json:"batchItemFailures"`
	}
	response.Failures = []batchItemFailure{}
	for _, record := range event.Records {
		if len(response.Failures) == 0 || !strings.HasSuffix(record.Queue, ".fifo") {
			start := time.Now()
			m, err := q.accept(ctx, receiver, record)
			if err == nil {
				err = receiver.deliver(ctx, m)
			}
			receiver.report(ctx, m, start, err)
			if err == nil {
				continue
			}
			receiver.logFailure(ctx, slog.LevelWarn, m, err, slog.String("sqs.message", record.MessageID))
		}
		// An empty identifier makes Lambda take the whole batch for failed.
		response.Failures = append(response.Failures, batchItemFailure{record.MessageID})
	}
	return json.Marshal(response)
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
