package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// job is the body of a message in the queue: an event for one grant.
type job struct {
	Key     lwa.Key          `json:"key"`
	Message *gateway.Message `json:"message"`
}

// sqsClient is what the queue needs of an [*sqs.Client].
type sqsClient interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// queue sends events to a FIFO queue.
type queue struct {
	client sqsClient
	url    string
	sender *gateway.Sender // knows the grants of an account
}

const maxBatch = 10 // entries; a limit of SQS

// enqueue sends the event once for each grant of the account. An endpoint of a grant
// is a message group, so SQS keeps its events in order; the message ID makes SQS drop
// duplicates within five minutes.
func (q *queue) enqueue(ctx context.Context, accountID string, event gateway.Event) error {
	keys, err := q.sender.Keys(ctx, accountID)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(keys, maxBatch) {
		input := &sqs.SendMessageBatchInput{QueueUrl: aws.String(q.url)}
		for i, key := range some {
			message, err := gateway.NewMessage(event)
			if err != nil {
				return err
			}
			body, err := json.Marshal(job{key, message})
			if err != nil {
				return err
			}
			input.Entries = append(input.Entries, types.SendMessageBatchRequestEntry{
				Id:                     aws.String(strconv.Itoa(i)),
				MessageBody:            aws.String(string(body)),
				MessageGroupId:         aws.String(message.Group(key)),
				MessageDeduplicationId: aws.String(message.ID()),
			})
		}
		output, err := q.client.SendMessageBatch(ctx, input)
		if err != nil {
			return err
		}
		if len(output.Failed) > 0 {
			return fmt.Errorf("SQS refused %d of %d messages: %s", len(output.Failed), len(some), aws.ToString(output.Failed[0].Message))
		}
	}
	return nil
}
