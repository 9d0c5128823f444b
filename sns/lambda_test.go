package sns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sns"
)

// lambdaEvent is what Lambda passes to a function for messages of a topic.
func lambdaEvent(t testing.TB, messages ...[]byte) json.RawMessage {
	t.Helper()
	event := []byte(`{"Records":[`)
	for i, message := range messages {
		if i > 0 {
			event = append(event, ',')
		}
		event = append(event, `{"EventVersion":"1.0","EventSource":"aws:sns","EventSubscriptionArn":"`+topicARN+`:1","Sns":`...)
		event = append(append(event, message...), '}')
	}
	event = append(event, `]}`...)
	require.True(t, json.Valid(event))
	return event
}

func lambdaMessage(message string) envelope {
	return lambdaSpelling(notification().with("Subject", nil).with("Message", message))
}

func TestLambda(t *testing.T) {
	down := errors.New("database is down")
	a, b := lambdaMessage("a"), lambdaMessage("b").signed()
	unsigned := a.without("SigningCertUrl").without("SignatureVersion").json()
	forged := a.signedBy(keys[1]())
	other := a.with("TopicArn", topicARN+"2").signed()
	for name, test := range map[string]struct {
		payload  json.RawMessage
		topics   []string
		verifies bool
		err      error // of Receive
		want     error
		received []string
	}{
		"a message":                {lambdaEvent(t, unsigned), []string{topicARN}, false, nil, nil, []string{"a"}},
		"two messages":             {lambdaEvent(t, unsigned, b), []string{topicARN}, false, nil, nil, []string{"a", "b"}},
		"receive fails":            {lambdaEvent(t, unsigned, b), []string{topicARN}, false, down, down, []string{"a", "b"}},
		"one of two refused":       {lambdaEvent(t, other, b), []string{topicARN}, false, nil, sns.ErrTopic, []string{"b"}},
		"verified":                 {lambdaEvent(t, a.signed(), b), []string{topicARN}, true, nil, nil, []string{"a", "b"}},
		"unsigned":                 {lambdaEvent(t, unsigned), []string{topicARN}, true, nil, sns.ErrVersion, nil},
		"forged":                   {lambdaEvent(t, forged, b), []string{topicARN}, true, nil, sns.ErrSignature, []string{"b"}},
		"verified, another topic":  {lambdaEvent(t, other), []string{topicARN + "2"}, true, nil, sns.ErrTopic, nil},
		"subscription":             {lambdaEvent(t, confirmation("SubscriptionConfirmation").json()), []string{topicARN}, false, nil, sns.ErrConfirm, nil},
		"unsubscription":           {lambdaEvent(t, confirmation("UnsubscribeConfirmation").json()), []string{topicARN}, false, nil, nil, nil},
		"a member twice":           {lambdaEvent(t, replaced(t, unsigned, `"Message":`, `"Message":"x","Message":`)), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"invalid UTF-8":            {slices.Concat(json.RawMessage(nil), bytes.Replace(lambdaEvent(t, unsigned), []byte(`"a"`), []byte("\"\xff\""), 1)), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"a record of another kind": {json.RawMessage(`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"Sns is null":              {json.RawMessage(`{"Records":[{"Sns":null}]}`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"no records":               {json.RawMessage(`{"Records":[]}`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"no event":                 {json.RawMessage(`{}`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"records of strings":       {json.RawMessage(`{"Records":["x"]}`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"not JSON":                 {json.RawMessage(`x`), []string{topicARN}, false, nil, sns.ErrMessage, nil},
		"nothing":                  {nil, []string{topicARN}, false, nil, sns.ErrMessage, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bench, in := newBench(), &inbox{err: test.err}
			function := &sns.Lambda{Topics: test.topics, Receive: in.receive}
			if test.verifies {
				function.Verifier = bench.Verifier
			}
			answer, err := function.Invoke(t.Context(), test.payload)
			require.ErrorIs(t, err, test.want)
			require.Nil(t, answer)
			require.Equal(t, test.received, in.texts())
			if !test.verifies {
				require.Empty(t, bench.amazon.called())
			}
		})
	}
}

// A field that is not set is an error that Lambda retries, logged at Error
// once a minute.
func TestLambdaAndSQSWithoutFields(t *testing.T) {
	in := &inbox{}
	topics := []string{topicARN}
	type function interface {
		Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)
	}
	event, messages := lambdaEvent(t, lambdaMessage("a").signed()), batch(t, queue, string(notification().signed()))
	var log bytes.Buffer
	var seen []sns.Observation
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	observe := func(_ context.Context, o sns.Observation) { seen = append(seen, o) }
	for want, test := range map[string]struct {
		function function
		payload  json.RawMessage
	}{
		"Lambda.Topics is not set":          {&sns.Lambda{Receive: in.receive, Logger: logger, Observe: observe}, event},
		"Lambda.Verifier.Topics is not set": {&sns.Lambda{Topics: topics, Verifier: &sns.Verifier{}, Receive: in.receive, Logger: logger, Observe: observe}, event},
		"Lambda.Receive is not set":         {&sns.Lambda{Topics: topics, Logger: logger, Observe: observe}, event},
		"SQS.Topics is not set":             {&sns.SQS{Receive: in.receive, Logger: logger, Observe: observe}, messages},
		"SQS.Verifier.Topics is not set":    {&sns.SQS{Topics: topics, Verifier: &sns.Verifier{}, Receive: in.receive, Logger: logger, Observe: observe}, messages},
		"SQS.Receive is not set":            {&sns.SQS{RawQueues: []string{rawQueue}, Logger: logger, Observe: observe}, messages},
	} {
		log.Reset()
		seen = nil
		for range 3 {
			answer, err := test.function.Invoke(t.Context(), test.payload)
			require.ErrorContains(t, err, want)
			require.Nil(t, answer)
		}
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), want)
		require.Equal(t, 2, strings.Count(log.String(), "level=DEBUG"), want)
		require.Equal(t, 3, strings.Count(log.String(), want))
		require.Len(t, seen, 3)
		require.ErrorContains(t, seen[0].Err, want)
	}
	require.Empty(t, in.received)
}

func TestLambdaLogAndObserve(t *testing.T) {
	down := errors.New("database is down")
	in := &inbox{err: down}
	var log bytes.Buffer
	var seen []sns.Observation
	function := &sns.Lambda{
		Topics: []string{topicARN}, Receive: in.receive, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Observe: func(_ context.Context, o sns.Observation) { seen = append(seen, o) },
	}
	_, err := function.Invoke(t.Context(), lambdaEvent(t, lambdaMessage("a").signed(), lambdaMessage("b").with("TopicArn", "x").signed()))
	require.ErrorIs(t, err, down)
	require.Len(t, seen, 2)
	require.Equal(t, topicARN, seen[0].TopicArn)
	require.Equal(t, down, seen[0].Err)
	require.Equal(t, sns.ErrTopic, seen[1].Err)
	require.Equal(t, 2, strings.Count(log.String(), "level=WARN"))
}

// A subscription is confirmed without a signature, too: SNS signs none for a FIFO
// topic.
func TestSQSConfirmsUnsigned(t *testing.T) {
	const topic = topicARN + ".fifo"
	b, in := newBench(), &inbox{}
	function := &sns.SQS{Topics: []string{topic}, HTTPClient: b.HTTPClient, Receive: in.receive}
	unsigned := func(e envelope) string {
		return string(e.with("TopicArn", topic).without("SignatureVersion").without("Signature").without("SigningCertURL").json())
	}
	answer, err := function.Invoke(t.Context(), batch(t, fifoQueue, unsigned(confirmation("SubscriptionConfirmation")), unsigned(notification())))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[]}`, string(answer))
	require.Equal(t, []string{text}, in.texts())
	b.requireCalls(t, "https://sns.us-east-2.amazonaws.com/?"+url.Values{
		"Action": {"ConfirmSubscription"}, "TopicArn": {topic}, "Token": {tokenA},
	}.Encode())

	other := string(confirmation("SubscriptionConfirmation").json())
	answer, err = function.Invoke(t.Context(), batch(t, queue, other))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, string(answer), "of a topic that is not listed")
	require.Len(t, b.amazon.called(), 1)
}

// A Verifier verifies the messages of FIFO topics too, which have no signature.
func TestSQSWithVerifierRefusesUnsigned(t *testing.T) {
	const topic = topicARN + ".fifo"
	b, in := newBench(), &inbox{}
	b.Topics = []string{topic}
	function := &sns.SQS{Topics: b.Topics, Verifier: b.Verifier, Receive: in.receive}
	unsigned := notification().with("TopicArn", topic).without("SignatureVersion").without("Signature").without("SigningCertURL")
	answer, err := function.Invoke(t.Context(), batch(t, fifoQueue, string(unsigned.json())))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, string(answer))
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
	forged := string(a.signedBy(keys[1]()))
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
			answer, err := function.Invoke(t.Context(), test.payload)
			require.NoError(t, err)
			require.Equal(t, test.want, string(answer))
			require.Equal(t, test.received, in.texts())
			confirmed := slices.ContainsFunc(bench.amazon.called(), func(url string) bool { return url != certURL })
			require.Equal(t, strings.HasPrefix(name, "subscription"), confirmed)
		})
	}
}

func TestSQSRefusesOtherEvents(t *testing.T) {
	in := &inbox{}
	function := &sns.SQS{Topics: []string{topicARN}, RawQueues: []string{rawQueue}, Receive: in.receive}
	for _, payload := range []string{"", "x", "null", "{}", `{"Records":[]}`, `{"Records":{}}`, `{"Records":["x"]}`, string(bytes.Replace(batch(t, rawQueue, "a"), []byte(`"a"`), []byte("\"\xff\""), 1))} {
		answer, err := function.Invoke(t.Context(), json.RawMessage(payload))
		require.ErrorIs(t, err, sns.ErrMessage, payload)
		require.Nil(t, answer)
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
	b.amazon.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	var log bytes.Buffer
	var seen []sns.Observation
	function := &sns.SQS{
		Topics: []string{topicARN}, Verifier: b.Verifier, Receive: new(inbox).receive, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Observe: func(_ context.Context, o sns.Observation) { seen = append(seen, o) },
	}
	_, err := function.Invoke(t.Context(), batch(t, queue, string(notification().signed()), "{}"))
	require.NoError(t, err)
	require.Contains(t, log.String(), "no route")
	require.Contains(t, log.String(), "sqs.message=2")
	require.NotContains(t, log.String(), "Ünïcode")
	require.Len(t, seen, 2)
	require.ErrorIs(t, seen[0].Err, sns.ErrFetch)
	require.ErrorIs(t, seen[1].Err, sns.ErrMessage)
}
