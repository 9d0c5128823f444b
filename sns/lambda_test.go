package sns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
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
	forged := a.signedBy(certstest.OtherKey())
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
			response, err := function.Invoke(t.Context(), test.payload)
			require.ErrorIs(t, err, test.want)
			require.Nil(t, response)
			require.Equal(t, test.received, in.texts())
			if !test.verifies {
				require.Empty(t, bench.amazon.Calls())
			}
		})
	}
}

// function is a Lambda or SQS.
type function interface {
	Invoke(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)
}

// A field that is not set is an error that Lambda retries, logged at Error
// once a minute.
func TestLambdaAndSQSWithoutFields(t *testing.T) {
	in := &inbox{}
	topics := []string{topicARN}
	event, messages := lambdaEvent(t, lambdaMessage("a").signed()), batch(t, queue, string(notification().signed()))
	var r reports
	logger := r.logger()
	for want, test := range map[string]struct {
		function function
		payload  json.RawMessage
	}{
		"Lambda.Topics is not set":          {&sns.Lambda{Receive: in.receive, Logger: logger, Observe: r.observe}, event},
		"Lambda.Verifier.Topics is not set": {&sns.Lambda{Topics: topics, Verifier: &sns.Verifier{}, Receive: in.receive, Logger: logger, Observe: r.observe}, event},
		"Lambda.Receive is not set":         {&sns.Lambda{Topics: topics, Logger: logger, Observe: r.observe}, event},
		"SQS.Topics is not set":             {&sns.SQS{Receive: in.receive, Logger: logger, Observe: r.observe}, messages},
		"SQS.Verifier.Topics is not set":    {&sns.SQS{Topics: topics, Verifier: &sns.Verifier{}, Receive: in.receive, Logger: logger, Observe: r.observe}, messages},
		"SQS.Receive is not set":            {&sns.SQS{RawQueues: []string{rawQueue}, Logger: logger, Observe: r.observe}, messages},
	} {
		r = reports{}
		for range 3 {
			response, err := test.function.Invoke(t.Context(), test.payload)
			require.ErrorContains(t, err, want)
			require.Nil(t, response)
		}
		r.requireMisconfigured(t, want)
	}
	require.Empty(t, in.received)
}

// A payload without records is logged and observed, since no message is.
func TestLambdaAndSQSWithoutRecords(t *testing.T) {
	in := &inbox{}
	var r reports
	topics, logger := []string{topicARN}, r.logger()
	for _, function := range []function{
		&sns.Lambda{Topics: topics, Receive: in.receive, Logger: logger, Observe: r.observe},
		&sns.SQS{Topics: topics, Receive: in.receive, Logger: logger, Observe: r.observe},
	} {
		for _, payload := range []string{"", "x", "null", "{}", `{"Records":[]}`} {
			r = reports{}
			_, err := function.Invoke(t.Context(), json.RawMessage(payload))
			require.ErrorIs(t, err, sns.ErrMessage)
			require.Len(t, r.seen, 1)
			r.seen[0].Duration = 0
			require.Equal(t, sns.Observation{Outcome: sns.Refused, Err: err}, r.seen[0])
			require.Equal(t, 1, strings.Count(r.log.String(), "level=WARN"))
			require.Contains(t, r.log.String(), "not an event with Records")
		}
	}
	require.Empty(t, in.received)
}

func TestLambdaLogAndObserve(t *testing.T) {
	down := errors.New("database is down")
	in := &inbox{err: down}
	var r reports
	function := &sns.Lambda{Topics: []string{topicARN}, Receive: in.receive, Logger: r.logger(), Observe: r.observe}
	_, err := function.Invoke(t.Context(), lambdaEvent(t, lambdaMessage("a").signed(), lambdaMessage("b").with("TopicArn", "x").signed()))
	require.ErrorIs(t, err, down)
	require.Len(t, r.seen, 2)
	require.Equal(t, topicARN, r.seen[0].TopicArn)
	require.Equal(t, down, r.seen[0].Err)
	require.Equal(t, sns.Failed, r.seen[0].Outcome)
	require.Equal(t, sns.ErrTopic, r.seen[1].Err)
	require.Equal(t, sns.Refused, r.seen[1].Outcome)
	require.Equal(t, 2, strings.Count(r.log.String(), "level=WARN"))
}
