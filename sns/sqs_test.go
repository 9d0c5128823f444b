package sns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/sns"
)

// A subscription is confirmed without a signature, too: SNS signs none for a FIFO
// topic.
func TestSQSConfirmsUnsigned(t *testing.T) {
	const topic = topicARN + ".fifo"
	b, in := newBench(), &inbox{}
	function := &sns.SQS{Topics: []string{topic}, HTTPClient: b.HTTPClient, Receive: in.receive}
	unsigned := func(e envelope) string {
		return string(e.with("TopicArn", topic).without("SignatureVersion").without("Signature").without("SigningCertURL").json())
	}
	response, err := function.Invoke(t.Context(), batch(t, fifoQueue, unsigned(confirmation("SubscriptionConfirmation")), unsigned(notification())))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[]}`, string(response))
	require.Equal(t, []string{text}, in.texts())
	b.requireCalls(t, "https://sns.us-east-2.amazonaws.com/?"+url.Values{
		"Action": {"ConfirmSubscription"}, "TopicArn": {topic}, "Token": {tokenA},
	}.Encode())

	other := string(confirmation("SubscriptionConfirmation").json())
	response, err = function.Invoke(t.Context(), batch(t, queue, other))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, string(response), "of a topic that is not listed")
	require.Len(t, b.amazon.Calls(), 1)
}

// A Verifier verifies the messages of FIFO topics too, which have no signature.
func TestSQSWithVerifierRefusesUnsigned(t *testing.T) {
	const topic = topicARN + ".fifo"
	b, in := newBench(), &inbox{}
	b.Topics = []string{topic}
	function := &sns.SQS{Topics: b.Topics, Verifier: b.Verifier, Receive: in.receive}
	unsigned := notification().with("TopicArn", topic).without("SignatureVersion").without("Signature").without("SigningCertURL")
	response, err := function.Invoke(t.Context(), batch(t, fifoQueue, string(unsigned.json())))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, string(response))
	require.Empty(t, in.received)
}

const (
	queue     = "arn:aws:sqs:us-east-2:123456789012:q"
	rawQueue  = "arn:aws:sqs:us-east-2:123456789012:raw"
	fifoQueue = "arn:aws:sqs:us-east-2:123456789012:q.fifo"
)

// batch is what Lambda passes to a function for messages of a queue, whose ids
// are 1, 2 and so on.
func batch(t testing.TB, queue string, bodies ...string) json.RawMessage {
	t.Helper()
	var records []map[string]any
	for i, body := range bodies {
		records = append(records, map[string]any{
			"messageId": string(rune('1' + i)), "receiptHandle": "x", "body": body, "eventSource": "aws:sqs",
			"eventSourceARN": queue, "attributes": map[string]string{"SentTimestamp": "1772366398123"},
		})
	}
	return envelope{"Records": records}.json()
}

func TestSQS(t *testing.T) {
	down := errors.New("database is down")
	const none = `{"batchItemFailures":[]}`
	const first = `{"batchItemFailures":[{"itemIdentifier":"1"}]}`
	const both = `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`
	a, b := notification().with("Message", "a"), string(notification().with("Message", "b").signed())
	unsigned := string(a.without("SigningCertURL").json())
	forged := string(a.signedBy(certstest.OtherKey()))
	other := string(a.with("TopicArn", topicARN+"2").signed())
	subscription := string(confirmation("SubscriptionConfirmation").signed())
	unsubscription := string(confirmation("UnsubscribeConfirmation").signed())
	for name, test := range map[string]struct {
		payload  json.RawMessage
		topics   []string
		verifies bool
		err      error // of Receive
		want     string
		received []string
	}{
		"two messages":                {batch(t, queue, unsigned, b), []string{topicARN}, false, nil, none, []string{"a", "b"}},
		"receive fails":               {batch(t, queue, unsigned, b), []string{topicARN}, false, down, both, []string{"a", "b"}},
		"receive fails, FIFO":         {batch(t, fifoQueue, unsigned, b), []string{topicARN}, false, down, both, []string{"a"}},
		"the first refused":           {batch(t, queue, other, b), []string{topicARN}, false, nil, first, []string{"b"}},
		"the first refused, FIFO":     {batch(t, fifoQueue, other, b), []string{topicARN}, false, nil, both, nil},
		"no topics":                   {batch(t, queue, unsigned, b), nil, false, nil, both, nil},
		"verified":                    {batch(t, queue, string(a.signed()), b), []string{topicARN}, true, nil, none, []string{"a", "b"}},
		"forged":                      {batch(t, queue, forged, b), []string{topicARN}, true, nil, first, []string{"b"}},
		"verified, no topics":         {batch(t, queue, b), nil, true, nil, first, nil},
		"verified, another topic":     {batch(t, queue, other), []string{topicARN + "2"}, true, nil, first, nil},
		"subscription, unverified":    {batch(t, queue, subscription, b), []string{topicARN}, false, nil, none, []string{"b"}},
		"subscription":                {batch(t, queue, subscription, b), []string{topicARN}, true, nil, none, []string{"b"}},
		"unsubscription":              {batch(t, queue, unsubscription, b), []string{topicARN}, true, nil, none, []string{"b"}},
		"raw":                         {batch(t, rawQueue, `{"eventName":"é"}`, "{}"), nil, false, nil, none, []string{`{"eventName":"é"}`, "{}"}},
		"raw, verifying others":       {batch(t, rawQueue, "{}"), []string{topicARN}, true, nil, none, []string{"{}"}},
		"raw, receive fails":          {batch(t, rawQueue, "a", "b"), nil, false, down, both, []string{"a", "b"}},
		"raw in another queue":        {batch(t, queue, `{"eventName":"é"}`, b), []string{topicARN}, false, nil, first, []string{"b"}},
		"raw without a queue":         {batch(t, "", "{}"), []string{topicARN}, false, nil, first, nil},
		"a record without body":       {json.RawMessage(`{"Records":[{"messageId":"1"}]}`), []string{topicARN}, false, nil, first, nil},
		"a body that is null":         {json.RawMessage(`{"Records":[{"messageId":"1","body":null}]}`), []string{topicARN}, false, nil, first, nil},
		"a body that is an object":    {json.RawMessage(`{"Records":[{"messageId":"1","body":{}}]}`), []string{topicARN}, false, nil, first, nil},
		"a raw body that is a number": {json.RawMessage(`{"Records":[{"messageId":"1","body":1,"eventSourceARN":"` + rawQueue + `"}]}`), nil, false, nil, first, nil},
		"a record without id":         {json.RawMessage(`{"Records":[{"body":"x"}]}`), []string{topicARN}, false, nil, `{"batchItemFailures":[{"itemIdentifier":""}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bench, in := newBench(), &inbox{err: test.err}
			function := &sns.SQS{Topics: test.topics, RawQueues: []string{rawQueue, ""}, HTTPClient: bench.HTTPClient, Receive: in.receive}
			if test.verifies {
				function.Verifier = bench.Verifier
			}
			response, err := function.Invoke(t.Context(), test.payload)
			require.NoError(t, err)
			require.Equal(t, test.want, string(response))
			require.Equal(t, test.received, in.texts())
			confirmed := slices.ContainsFunc(bench.amazon.Calls(), func(url string) bool { return url != certURL })
			require.Equal(t, strings.HasPrefix(name, "subscription"), confirmed)
		})
	}
}

func TestSQSRefusesOtherEvents(t *testing.T) {
	in := &inbox{}
	function := &sns.SQS{Topics: []string{topicARN}, RawQueues: []string{rawQueue}, Receive: in.receive}
	for _, payload := range []string{"", "x", "null", "{}", `{"Records":[]}`, `{"Records":{}}`, `{"Records":["x"]}`, string(bytes.Replace(batch(t, rawQueue, "a"), []byte(`"a"`), []byte("\"\xff\""), 1))} {
		response, err := function.Invoke(t.Context(), json.RawMessage(payload))
		require.ErrorIs(t, err, sns.ErrMessage, payload)
		require.Nil(t, response)
	}
	require.Empty(t, in.received)
}

// A raw message has the ID that SQS gave it and, with a Verifier or not, never
// the mark of a topic.
func TestSQSRawMessage(t *testing.T) {
	in := &inbox{}
	function := &sns.SQS{RawQueues: []string{rawQueue}, Receive: in.receive}
	genuine := string(notification().signed())
	_, err := function.Invoke(t.Context(), batch(t, rawQueue, genuine))
	require.NoError(t, err)
	require.Equal(t, []*sns.Message{{Type: sns.Notification, ID: "1", Message: genuine}}, in.received)
}

func TestSQSLog(t *testing.T) {
	b := newBench()
	b.amazon.Respond = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	var r reports
	function := &sns.SQS{
		Topics: []string{topicARN}, Verifier: b.Verifier, Receive: new(inbox).receive, Logger: r.logger(), Observe: r.observe,
	}
	_, err := function.Invoke(t.Context(), batch(t, queue, string(notification().signed()), "{}"))
	require.NoError(t, err)
	require.Contains(t, r.log.String(), "no route")
	require.Contains(t, r.log.String(), "sqs.message=2")
	require.NotContains(t, r.log.String(), "Ünïcode")
	require.Len(t, r.seen, 2)
	require.ErrorIs(t, r.seen[0].Err, sns.ErrFetch)
	require.ErrorIs(t, r.seen[1].Err, sns.ErrMessage)
}
