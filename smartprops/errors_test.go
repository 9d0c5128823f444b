package smartprops_test

import (
	"context"
	"encoding/json"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

var sentinels = map[string]error{
	"invalid": smartprops.ErrInvalid, "unauthorized": smartprops.ErrUnauthorized, "forbidden": smartprops.ErrForbidden,
	"not found": smartprops.ErrNotFound, "throttled": smartprops.ErrThrottled, "unavailable": smartprops.ErrUnavailable,
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		answer response
		want   smartprops.Error
		is     string
		text   string
	}{
		"violations": {
			answer: response{status: 400, body: `{"code":"BAD","message":"Not valid.","violations":[{"code":"INVALID","message":"the unit"}]}`},
			want:   smartprops.Error{Status: 400, Code: "BAD", Message: "Not valid.", RequestID: "r-1", Violations: []smartprops.Violation{{Code: "INVALID", Message: "the unit"}}},
			is:     "invalid", text: "smartprops: 400 Bad Request: BAD: Not valid.: INVALID: the unit (request r-1)",
		},
		"unauthorized": {
			answer: response{status: 401}, want: smartprops.Error{Status: 401, RequestID: "r-1"}, is: "unauthorized",
			text: "smartprops: 401 Unauthorized (request r-1); get a new access token with the scope alexa::enterprise:management",
		},
		"forbidden": {
			answer: response{status: 403}, want: smartprops.Error{Status: 403, RequestID: "r-1"}, is: "forbidden",
			text: "smartprops: 403 Forbidden (request r-1); register the token's client in the console of Alexa Smart Properties, under Administration > Alexa Management API Clients",
		},
		"not found":  {answer: response{status: 404}, want: smartprops.Error{Status: 404, RequestID: "r-1"}, is: "not found", text: "smartprops: 404 Not Found (request r-1)"},
		"throttled":  {answer: response{status: 429}, want: smartprops.Error{Status: 429, RequestID: "r-1"}, is: "throttled", text: "smartprops: 429 Too Many Requests (request r-1)"},
		"overloaded": {answer: response{status: 503, body: "<html>"}, want: smartprops.Error{Status: 503, RequestID: "r-1"}, is: "unavailable", text: "smartprops: 503 Service Unavailable (request r-1)"},
		"empty": {
			answer: response{status: 200}, is: "unavailable",
			want: smartprops.Error{Status: 200, Message: "the body of the answer is not the JSON that was asked for", RequestID: "r-1"},
			text: "smartprops: 200 OK: the body of the answer is not the JSON that was asked for (request r-1)",
		},
		"reset":    {answer: response{err: syscall.ECONNRESET}, is: "unavailable", text: "smartprops: no answer: connection reset by peer"},
		"no token": {answer: response{err: lwa.ErrInvalidGrant}, text: "smartprops: no answer: " + lwa.ErrInvalidGrant.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // GET is sent again, seconds later
				s := &script{answers: []response{test.answer}}
				_, err := s.client().Subscription(t.Context(), "x")
				var got *smartprops.Error
				require.ErrorAs(t, err, &got)
				require.Empty(t, cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(smartprops.Error{})))
				require.EqualError(t, err, test.text)
				for name, sentinel := range sentinels {
					require.Equal(t, name == test.is, errors.Is(err, sentinel), name)
				}
				if test.answer.err != nil {
					require.ErrorIs(t, err, test.answer.err)
				}
			})
		})
	}
}

// An error that a test makes behaves like one of the client.
func TestErrorLiteral(t *testing.T) {
	err := error(&smartprops.Error{Status: 503, Message: "down"})
	require.ErrorIs(t, err, smartprops.ErrUnavailable)
	require.EqualError(t, err, "smartprops: 503 Service Unavailable: down")
}

// Without a client of one's own there is no access token.
func TestNilHTTPClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves the machine
	_, err := new(smartprops.Client).Subscription(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestInvalidConfigurationsAreNotSent(t *testing.T) {
	for name, channels := range map[string][]smartprops.DeliveryChannel{
		"none":          nil,
		"empty":         {{}},
		"name":          {{ID: "topic"}},
		"queue":         {{Type: "SNS", ID: "arn:aws:sqs:us-east-1:000011112222:queue"}},
		"one is not":    {{ID: topic}, {ID: "arn:aws:sns:us-east-1:000011112222:"}},
		"any":           {{ID: "arn:aws:sns:us-east-1:000011112222:*"}},
		"any in region": {{ID: "arn:aws:sns:*:000011112222:topic"}},
	} {
		s := &script{answers: []response{{status: 201, location: "x"}}}
		_, err := s.client().CreateConfiguration(t.Context(), smartprops.Configuration{DeliveryChannels: channels})
		var invalid *smartprops.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		require.Equal(t, "Configuration.DeliveryChannels", invalid.Field)
		require.EqualError(t, err, "smartprops: Configuration.DeliveryChannels: "+invalid.Rule)
		require.ErrorIs(t, err, smartprops.ErrInvalid)
		require.NotErrorIs(t, err, smartprops.ErrNotFound)
		require.Empty(t, s.requests)
	}
}

func TestInvalidSubscriptionsAreNotSent(t *testing.T) {
	raw := func(kind, value string) smartprops.Entities {
		return smartprops.Entities{kind: json.RawMessage(value)}
	}
	for name, test := range map[string]struct {
		subscription smartprops.Subscription
		field        string
	}{
		"no configuration":      {smartprops.Subscription{EventType: "A.b"}, "Subscription.ConfigurationID"},
		"no event":              {smartprops.Subscription{ConfigurationID: "c"}, "Subscription.EventType"},
		"no namespace":          {smartprops.Subscription{ConfigurationID: "c", EventType: "Failure"}, "Subscription.EventType"},
		"empty namespace":       {smartprops.Subscription{ConfigurationID: "c", EventType: ".Failure"}, "Subscription.EventType"},
		"no name":               {smartprops.Subscription{ConfigurationID: "c", EventType: "Alexa."}, "Subscription.EventType"},
		"negative duration":     {smartprops.Subscription{ConfigurationID: "c", EventType: "A.b", Duration: -time.Second}, "Subscription.Duration"},
		"half a second":         {smartprops.Subscription{ConfigurationID: "c", EventType: "A.b", Duration: 1500 * time.Millisecond}, "Subscription.Duration"},
		"entity no object":      {smartprops.Subscription{ConfigurationID: "c", EventType: "A.b", Entities: raw("unit", `"u"`)}, "Subscription.Entities"},
		"entity no JSON":        {smartprops.Subscription{ConfigurationID: "c", EventType: "A.b", Entities: raw("unit", `{`)}, "Subscription.Entities"},
		"entity nil":            {smartprops.Subscription{ConfigurationID: "c", EventType: "A.b", Entities: smartprops.Entities{"unit": nil}}, "Subscription.Entities"},
		"failure without skill": {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventSkillFailure, Entities: smartprops.Unit("u")}, "Subscription.Entities"},
		"failure without unit":  {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventSkillFailure, Entities: smartprops.UnitAndSkill("", "s")}, "Subscription.Entities"},
		"completion of nothing": {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventAutomationCompletion}, "Subscription.Entities"},
		"activation of a unit":  {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventSubscriptionActivation, Entities: smartprops.Unit("u")}, "Subscription.Entities"},
		"roles of a unit":       {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventRoleAssignment, Entities: smartprops.Unit("u")}, "Subscription.Entities"},
		"roles without unit":    {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventRoleRevocation, Entities: smartprops.UnitRoles("")}, "Subscription.Entities"},
		"unit of another type":  {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventAutomationCompletion, Entities: raw("unit", `{"id":5}`)}, "Subscription.Entities"},
		"parent no object":      {smartprops.Subscription{ConfigurationID: "c", EventType: smartprops.EventSubscriptionActivation, Entities: raw("unit", `{"parent":"p"}`)}, "Subscription.Entities"},
	} {
		s := &script{answers: []response{{status: 201, location: "x"}}}
		_, err := s.client().CreateSubscription(t.Context(), test.subscription)
		var invalid *smartprops.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		require.Equal(t, test.field, invalid.Field, name)
		require.ErrorIs(t, err, smartprops.ErrInvalid)
		require.Empty(t, s.requests)
	}
}

func TestInvalidIDsAreNotSent(t *testing.T) {
	s := &script{answers: []response{{status: 200, body: "{}"}}}
	c := s.client()
	for _, id := range []string{"", ".", ".."} {
		for name, call := range map[string]func() error{
			"get configuration":    func() error { _, err := c.Configuration(t.Context(), id); return err },
			"delete configuration": func() error { return c.DeleteConfiguration(t.Context(), id) },
			"get subscription":     func() error { _, err := c.Subscription(t.Context(), id); return err },
			"delete subscription":  func() error { return c.DeleteSubscription(t.Context(), id) },
		} {
			require.ErrorIs(t, call(), smartprops.ErrInvalid, name)
		}
	}
	require.Empty(t, s.requests)
}

func TestFailuresOfOperations(t *testing.T) {
	s := &script{answers: []response{{status: 404}}}
	c := s.client()
	_, err := c.Configuration(t.Context(), "x")
	require.ErrorIs(t, err, smartprops.ErrNotFound)
	_, err = collect(c.Configurations(t.Context()))
	require.ErrorIs(t, err, smartprops.ErrNotFound)
	_, err = collect(c.Subscriptions(t.Context(), smartprops.Filter{}))
	require.ErrorIs(t, err, smartprops.ErrNotFound)
	require.ErrorIs(t, c.DeleteConfiguration(t.Context(), "x"), smartprops.ErrNotFound)
}

func TestTopicPolicyStatement(t *testing.T) {
	got, err := smartprops.TopicPolicyStatement(topic)
	require.NoError(t, err)
	require.JSONEq(t, `{"Sid": "grant-alexa-event-sns-publish", "Effect": "Allow", "Action": "sns:Publish", "Resource": "`+topic+`",
		"Principal": {"AWS": ["arn:aws:iam::006860194444:role/AlexaEventConsumerSnsIamRole"]}}`, string(got))
	again, err := smartprops.TopicPolicyStatement(topic)
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
	for _, arn := range []string{"", "*", "arn:aws:sns:us-east-1:000011112222:*", topic + "\n", "arn:aws:sqs:us-east-1:000011112222:topic"} {
		_, err := smartprops.TopicPolicyStatement(arn)
		var invalid *smartprops.InvalidError
		require.ErrorAs(t, err, &invalid, arn)
		require.Equal(t, "topicARN", invalid.Field)
	}
}
