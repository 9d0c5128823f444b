package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/alexaevents/alexaevents/gateway"
)

// worker delivers the messages of the queue.
type worker struct {
	sender *gateway.Sender
	logger *slog.Logger
}

// Invoke delivers a batch in order. It reports the messages that SQS must
// redeliver: a failed one and the later ones of its group, which must not overtake it.
func (w *worker) Invoke(ctx context.Context, batch events.SQSEvent) (response events.SQSEventResponse, err error) {
	failed := make(map[string]bool) // groups
	for _, record := range batch.Records {
		group := record.Attributes["MessageGroupId"]
		if !failed[group] {
			failed[group] = !w.deliver(ctx, record)
		}
		if failed[group] {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	// Lambda may pause the function after its response, so store the outcomes before.
	return response, errors.Join(w.sender.Flush(ctx), w.sender.Tokens.Flush(ctx))
}

// deliver returns false for a message that SQS must redeliver.
func (w *worker) deliver(ctx context.Context, record events.SQSMessage) bool {
	var j job
	if err := json.Unmarshal([]byte(record.Body), &j); err != nil || j.Message == nil {
		w.logger.ErrorContext(ctx, "message of the queue cannot be read", "sqs.message.id", record.MessageId, "error", err)
		return false // the queue's redrive policy moves it to the dead-letter queue
	}
	if tooOld(record, j.Message) {
		w.logger.WarnContext(ctx, "event expired", "alexa.event.type", j.Message.Type())
		return true
	}
	err := w.sender.Attempt(ctx, j.Key, j.Message)
	switch {
	case err == nil, errors.Is(err, gateway.ErrEnded):
		return true
	case w.sender.MayRetry(j.Message, err):
		return false
	}
	w.logger.ErrorContext(ctx, "event not delivered", "alexa.event.type", j.Message.Type(), "error", err)
	return true
}

// tooOld reports whether the event is not worth sending any more.
func tooOld(record events.SQSMessage, message *gateway.Message) bool {
	sent, err := strconv.ParseInt(record.Attributes["SentTimestamp"], 10, 64) // milliseconds
	limit := 15 * time.Minute
	if message.Momentary() {
		limit = 30 * time.Second
	}
	return err == nil && time.Since(time.UnixMilli(sent)) > limit
}
