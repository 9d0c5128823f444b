package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// fakeSQS turns what is sent to a queue into events of a Lambda function.
type fakeSQS struct {
	batch  events.SQSEvent
	refuse bool
}

func (f *fakeSQS) SendMessageBatch(_ context.Context, input *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	output := new(sqs.SendMessageBatchOutput)
	for _, entry := range input.Entries {
		if f.refuse {
			output.Failed = append(output.Failed, types.BatchResultErrorEntry{Id: entry.Id, Message: new("refused")})
			continue
		}
		f.batch.Records = append(f.batch.Records, events.SQSMessage{
			MessageId: *entry.MessageDeduplicationId,
			Body:      *entry.MessageBody,
			Attributes: map[string]string{
				"MessageGroupId":         *entry.MessageGroupId,
				"MessageDeduplicationId": *entry.MessageDeduplicationId,
				"SentTimestamp":          strconv.FormatInt(time.Now().UnixMilli(), 10),
			},
		})
	}
	return output, nil
}

// start returns a worker and a queue for the grants of two customers of an account.
func start(t *testing.T) (*alexatest.Cloud, *fakeSQS, *queue, *worker) {
	cloud := alexatest.NewCloud()
	tokens := &lwa.Source{Client: &lwa.Client{ID: "client", Secret: "secret", HTTPClient: cloud.Client()}, Store: new(lwa.MemoryStore)}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "home", nil },
		Region:  alexaevents.Europe,
	}
	for _, customer := range []string{"anna", "ben"} {
		response, err := granter.AcceptGrant(t.Context(), alexatest.AcceptGrantDirective(cloud.Grant(alexaevents.Europe, customer), "token of "+customer))
		require.NoError(t, err)
		require.Contains(t, string(response), "AcceptGrant.Response")
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
	fake := new(fakeSQS)
	return cloud, fake, &queue{client: fake, url: "https://sqs.example/alexa.fifo", sender: sender}, &worker{sender: sender, logger: slog.New(slog.DiscardHandler)}
}

func report(lamp string, power gateway.Switch) *gateway.ChangeReport {
	return &gateway.ChangeReport{
		EndpointID: lamp, Cause: gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(power, time.Now())},
	}
}

func TestDelivery(t *testing.T) {
	cloud, fake, q, w := start(t)
	require.NoError(t, q.enqueue(t.Context(), "home", report("lamp-1", gateway.On)))
	require.Len(t, fake.batch.Records, 2, "one for each grant")
	response, err := w.Invoke(t.Context(), fake.batch)
	require.NoError(t, err)
	require.Empty(t, response.BatchItemFailures)
	require.Len(t, cloud.Sent(), 2)
}

// A failed message is redelivered, with the later messages of its group.
func TestPartialFailure(t *testing.T) {
	cloud, fake, q, w := start(t)
	for _, event := range []*gateway.ChangeReport{report("lamp-1", gateway.On), report("lamp-1", gateway.Off), report("lamp-2", gateway.On)} {
		require.NoError(t, q.enqueue(t.Context(), "home", event))
	}
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: http.StatusServiceUnavailable})
	response, err := w.Invoke(t.Context(), fake.batch)
	require.NoError(t, err)
	require.Len(t, response.BatchItemFailures, 2)
	require.Equal(t, fake.batch.Records[0].MessageId, response.BatchItemFailures[0].ItemIdentifier)
	require.Equal(t, fake.batch.Records[2].MessageId, response.BatchItemFailures[1].ItemIdentifier)
	require.Len(t, cloud.Sent(), 4)

	again := events.SQSEvent{Records: []events.SQSMessage{fake.batch.Records[0], fake.batch.Records[2]}}
	response, err = w.Invoke(t.Context(), again)
	require.NoError(t, err)
	require.Empty(t, response.BatchItemFailures)
	require.Len(t, cloud.Sent(), 6)
}

func TestUndeliverable(t *testing.T) {
	cloud, fake, q, w := start(t)
	require.NoError(t, q.enqueue(t.Context(), "home", report("lamp-1", gateway.On)))

	old := fake.batch.Records[0]
	old.Attributes = map[string]string{"SentTimestamp": "1", "MessageGroupId": "old"}
	unreadable := events.SQSMessage{MessageId: "unreadable", Body: `{"message":{"version":99}}`}
	empty := events.SQSMessage{MessageId: "empty", Body: "{}"}
	cloud.DisableSkill("anna")
	cloud.DisableSkill("ben")
	response, err := w.Invoke(t.Context(), events.SQSEvent{Records: append([]events.SQSMessage{old, unreadable, empty}, fake.batch.Records...)})
	require.NoError(t, err)
	require.Len(t, response.BatchItemFailures, 4) // until an event was accepted, a disabled skill may be a wrong region
	require.Equal(t, "unreadable", response.BatchItemFailures[0].ItemIdentifier)
	require.Empty(t, cloud.Sent())

	fake.refuse = true
	require.NoError(t, q.enqueue(t.Context(), "nobody", report("lamp-1", gateway.On)))
	require.ErrorContains(t, q.enqueue(t.Context(), "home", report("lamp-1", gateway.On)), "SQS refused 2 of 2 messages: refused")
}
