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

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

var sentinels = map[string]error{
	"invalid": alexaevents.ErrInvalid, "unauthorized": alexaevents.ErrUnauthorized, "forbidden": alexaevents.ErrForbidden,
	"not found": alexaevents.ErrNotFound, "throttled": alexaevents.ErrThrottled, "unavailable": alexaevents.ErrUnavailable,
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		response resttest.Response
		want     alexaevents.Error
		is       string
		text     string
	}{
		"violations": {
			response: resttest.Response{Status: 400, Body: `{"code":"BAD","message":"Not valid.","violations":[{"code":"INVALID","message":"the unit"}]}`},
			want:     alexaevents.Error{Status: 400, Code: "BAD", Message: "Not valid.", RequestID: "r-1", Violations: []alexaevents.Violation{{Code: "INVALID", Message: "the unit"}}},
			is:       "invalid", text: "smartprops: 400 Bad Request: BAD: Not valid.: INVALID: the unit (request r-1)",
		},
		"unauthorized": {
			response: resttest.Response{Status: 401}, want: alexaevents.Error{Status: 401, RequestID: "r-1"}, is: "unauthorized",
			text: "smartprops: 401 Unauthorized (request r-1); get a new access token with the scope alexa::enterprise:management",
		},
		"forbidden": {
			response: resttest.Response{Status: 403}, want: alexaevents.Error{Status: 403, RequestID: "r-1"}, is: "forbidden",
			text: "smartprops: 403 Forbidden (request r-1); register the token's client in the console of Alexa Smart Properties, under Administration > Alexa Management API Clients",
		},
		"not found":  {response: resttest.Response{Status: 404}, want: alexaevents.Error{Status: 404, RequestID: "r-1"}, is: "not found", text: "smartprops: 404 Not Found (request r-1)"},
		"throttled":  {response: resttest.Response{Status: 429}, want: alexaevents.Error{Status: 429, RequestID: "r-1"}, is: "throttled", text: "smartprops: 429 Too Many Requests (request r-1)"},
		"overloaded": {response: resttest.Response{Status: 503, Body: "<html>"}, want: alexaevents.Error{Status: 503, RequestID: "r-1"}, is: "unavailable", text: "smartprops: 503 Service Unavailable (request r-1)"},
		"empty": {
			response: resttest.Response{Status: 200}, is: "unavailable",
			want: alexaevents.Error{Status: 200, Message: "the response body is not the expected JSON", RequestID: "r-1"},
			text: "smartprops: 200 OK: the response body is not the expected JSON (request r-1)",
		},
		"reset":    {response: resttest.Response{Err: syscall.ECONNRESET}, is: "unavailable", text: "smartprops: the request failed: connection reset by peer"},
		"no token": {response: resttest.Response{Err: lwa.ErrInvalidGrant}, text: "smartprops: the request failed: " + lwa.ErrInvalidGrant.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // GET is retried, seconds later
				s := &resttest.Script{Responses: []resttest.Response{test.response}}
				_, err := client(s).Subscription(t.Context(), "x")
				var got *alexaevents.Error
				require.ErrorAs(t, err, &got)
				require.Empty(t, cmp.Diff(test.want, *got, cmpopts.IgnoreFields(alexaevents.Error{}, "API", "Hint", "Err")))
				require.EqualError(t, err, test.text)
				for name, sentinel := range sentinels {
					require.Equal(t, name == test.is, errors.Is(err, sentinel), name)
				}
				if test.response.Err != nil {
					require.ErrorIs(t, err, test.response.Err)
				}
			})
		})
	}
}

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
		s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Location: "x"}}}
		_, err := client(s).CreateConfiguration(t.Context(), smartprops.Configuration{DeliveryChannels: channels})
		var invalid *alexaevents.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		require.Equal(t, "Configuration.DeliveryChannels", invalid.Field)
		require.EqualError(t, err, "smartprops: Configuration.DeliveryChannels: "+invalid.Rule)
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
		require.NotErrorIs(t, err, alexaevents.ErrNotFound)
		require.Empty(t, s.Requests)
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
		s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Location: "x"}}}
		_, err := client(s).CreateSubscription(t.Context(), test.subscription)
		var invalid *alexaevents.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		require.Equal(t, test.field, invalid.Field, name)
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
		require.Empty(t, s.Requests)
	}
}

func TestInvalidIDsAreNotSent(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: "{}"}}}
	c := client(s)
	for _, id := range []string{"", ".", ".."} {
		for name, call := range map[string]func() error{
			"get configuration":    func() error { _, err := c.Configuration(t.Context(), id); return err },
			"delete configuration": func() error { return c.DeleteConfiguration(t.Context(), id) },
			"get subscription":     func() error { _, err := c.Subscription(t.Context(), id); return err },
			"delete subscription":  func() error { return c.DeleteSubscription(t.Context(), id) },
		} {
			require.ErrorIs(t, call(), alexaevents.ErrInvalid, name)
		}
	}
	require.Empty(t, s.Requests)
}

func TestFailuresOfOperations(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 404}}}
	c := client(s)
	_, err := c.Configuration(t.Context(), "x")
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	_, err = collect(c.Configurations(t.Context()))
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	_, err = collect(c.Subscriptions(t.Context(), smartprops.Filter{}))
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	require.ErrorIs(t, c.DeleteConfiguration(t.Context(), "x"), alexaevents.ErrNotFound)
}
