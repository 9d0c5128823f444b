package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// SQS receives messages in an AWS Lambda function that reads them from Amazon
// SQS queues, which subscribe to the topics. Pass its Invoke method to
// lambda.Start of aws-lambda-go.
//
// Set ReportBatchItemFailures in the function's event source mapping: without
// it Lambda takes every answer for a success and deletes the messages that
// failed.
//
// Whoever may send to a queue may forge its messages: let its policy allow that
// to the topics alone.
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
	// that it lists too, and confirms subscriptions, which SNS asks for if the
	// queue is another account's than the subscription. Nil relies on AWS and
	// confirms nothing.
	Verifier *Verifier

	// Receive is called for each notification, one after the other. Nil fails
	// for every notification.
	Receive func(context.Context, *Message) error

	// Logger hears of each message that failed, since the answer tells only
	// which it was. Nil discards.
	Logger *slog.Logger
}

type sqsRecord struct {
	MessageID string          `json:"messageId"`
	Queue     string          `json:"eventSourceARN"`
	Body      json.RawMessage `json:"body"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Invoke handles one batch. It answers with the messages that failed, which SQS
// will deliver again. The rest of the batch is not received where a queue is
// FIFO and a message failed, for the sake of their order.
func (q *SQS) Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var event struct {
		Records []sqsRecord
	}
	if !utf8.Valid(payload) || json.Unmarshal(payload, &event) != nil || len(event.Records) == 0 {
		return nil, fmt.Errorf("%w: no event with Records", ErrMessage)
	}
	var answer struct {
		Failures []batchItemFailure `json:"batchItemFailures"`
	}
	answer.Failures = []batchItemFailure{}
	for _, record := range event.Records {
		if len(answer.Failures) == 0 || !strings.HasSuffix(record.Queue, ".fifo") {
			err := q.receive(ctx, record)
			if err == nil {
				continue
			}
			logger(q.Logger).WarnContext(ctx, "could not receive a message",
				slog.String("alexa.outcome", "refused"), slog.String("sqs.message", record.MessageID), slog.Any("error", err))
		}
		// An empty identifier makes Lambda take the whole batch for failed.
		answer.Failures = append(answer.Failures, batchItemFailure{record.MessageID})
	}
	return json.Marshal(answer)
}

func (q *SQS) receive(ctx context.Context, record sqsRecord) error {
	text, err := envelope.Raw(record.Body).Text()
	if err != nil {
		return fmt.Errorf("%w: body: %w", ErrMessage, err)
	}
	if record.Queue != "" && slices.Contains(q.RawQueues, record.Queue) {
		return deliver(ctx, q.Verifier, &Message{Type: Notification, ID: record.MessageID, Message: text}, q.Receive)
	}
	m, err := accept(ctx, q.Topics, q.Verifier, []byte(text))
	if err != nil {
		return err
	}
	return deliver(ctx, q.Verifier, m, q.Receive)
}
