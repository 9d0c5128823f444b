package smartprops_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/smartprops"
)

// client returns a client whose requests go to the script, and whose creations
// carry the token "token".
func client(s *resttest.Script) *smartprops.Client {
	return &smartprops.Client{HTTPClient: &http.Client{Transport: s}, NewToken: func() string { return "token" }}
}

func collect[T any](items iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

const (
	base            = "https://api.amazonalexa.com/v1/eventMessenger"
	topic           = "arn:aws:sns:us-east-1:000011112222:topic"
	configurationID = "amzn1.alexa.aem.subscription.configuration.7"
	subscriptionID  = "amzn1.alexa.aem.subscription.8"
)

// configuration and subscription are what the responses of the tests contain.
const (
	configuration = `{"id":"` + configurationID + `","deliveryChannels":[{"type":"SNS","id":"` + topic + `"}],"owner":"someone"}`
	subscription  = `{"id":"` + subscriptionID + `","subscriptionConfigurationId":"` + configurationID + `",` +
		`"eventType":{"namespace":"Alexa.Skill.Interaction","name":"Failure"},"entities":{"unit":{"type":"Unit","id":"u"}},"status":"ACTIVE"}`
)

var (
	wantConfiguration = smartprops.Configuration{ID: configurationID, DeliveryChannels: []smartprops.DeliveryChannel{{Type: "SNS", ID: topic}}}
	wantSubscription  = smartprops.Subscription{
		ID: subscriptionID, ConfigurationID: configurationID, EventType: smartprops.EventSkillFailure,
		Entities: smartprops.Entities{"unit": json.RawMessage(`{"type":"Unit","id":"u"}`)},
	}
)

// Each operation: the request as it is documented, and the decoded response.
func TestOperations(t *testing.T) {
	for name, test := range map[string]struct {
		response resttest.Response
		call     func(ctx context.Context, c *smartprops.Client) (any, error)
		request  string
		want     any
	}{
		"create configuration": {
			response: resttest.Response{Status: 201, Location: configurationID, Body: `{"id":"` + configurationID + `"}`},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				return c.CreateConfiguration(ctx, smartprops.Configuration{ID: "ignored", DeliveryChannels: []smartprops.DeliveryChannel{{ID: topic}, {Type: "NEW", ID: "x"}}})
			},
			request: `POST ` + base + `/subscriptionConfigurations {"idempotencyToken":"token","deliveryChannels":[{"type":"SNS","id":"` + topic + `"},{"type":"NEW","id":"x"}]}`,
			want:    configurationID,
		},
		"get configuration": {
			response: resttest.Response{Status: 200, Body: configuration},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				got, err := c.Configuration(ctx, configurationID)
				require.JSONEq(t, configuration, string(got.Raw()))
				return got, err
			},
			request: `GET ` + base + `/subscriptionConfigurations/` + configurationID,
			want:    wantConfiguration,
		},
		"list configurations": {
			response: resttest.Response{Status: 200, Body: `{"paginationContext":{},"results":[` + configuration + `,{}]}`},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				got, err := collect(c.Configurations(ctx))
				require.JSONEq(t, configuration, string(got[0].Raw()))
				return got, err
			},
			request: `GET ` + base + `/subscriptionConfigurations?owner=~caller`,
			want:    []smartprops.Configuration{wantConfiguration, {}},
		},
		"delete configuration": {
			response: resttest.Response{Status: 204},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				return nil, c.DeleteConfiguration(ctx, configurationID)
			},
			request: `DELETE ` + base + `/subscriptionConfigurations/` + configurationID,
		},
		"create subscription": {
			response: resttest.Response{Status: 201, Location: subscriptionID, Body: `{"id":"` + subscriptionID + `"}`},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				return c.CreateSubscription(ctx, smartprops.Subscription{
					ID: "ignored", ConfigurationID: configurationID, EventType: smartprops.EventSkillFailure, Entities: smartprops.UnitAndSkill("u", "s"),
				})
			},
			request: `POST ` + base + `/subscriptions {"subscriptionConfigurationId":"` + configurationID + `",` +
				`"eventType":{"namespace":"Alexa.Skill.Interaction","name":"Failure"},"entities":{"skill":{"type":"Skill","id":"s"},"unit":{"type":"Unit","id":"u"}},"idempotencyToken":"token"}`,
			want: subscriptionID,
		},
		"get subscription": {
			response: resttest.Response{Status: 200, Body: subscription},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				got, err := c.Subscription(ctx, subscriptionID)
				require.JSONEq(t, subscription, string(got.Raw()))
				return got, err
			},
			request: `GET ` + base + `/subscriptions/` + subscriptionID,
			want:    wantSubscription,
		},
		"list subscriptions": {
			response: resttest.Response{Status: 200, Body: `{"results":[` + subscription + `,{"eventHeaderVersion":"V2","subscriptionDurationInSeconds":3600}]}`},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				got, err := collect(c.Subscriptions(ctx, smartprops.Filter{}))
				require.JSONEq(t, subscription, string(got[0].Raw()))
				return got, err
			},
			request: `GET ` + base + `/subscriptions?owner=~caller`,
			want:    []smartprops.Subscription{wantSubscription, {EventHeaderVersion: "V2", Duration: time.Hour}},
		},
		"list subscriptions with every filter": {
			response: resttest.Response{Status: 200, Body: `{}`},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				return collect(c.Subscriptions(ctx, smartprops.Filter{UnitID: "u&1", ParentUnitID: "p", EventType: smartprops.EventRoleAssignment}))
			},
			request: `GET ` + base + `/subscriptions?entities.unit.id=u%261&entities.unit.parent.id=p&entities.unit.parent.type=Unit&entities.unit.type=Unit` +
				`&eventType.name=Assignment&eventType.namespace=Alexa.Role.Management&owner=~caller`,
			want: []smartprops.Subscription(nil),
		},
		"delete subscription": {
			response: resttest.Response{Status: 200, Body: "<html>"},
			call: func(ctx context.Context, c *smartprops.Client) (any, error) {
				return nil, c.DeleteSubscription(ctx, "a/b")
			},
			request: `DELETE ` + base + `/subscriptions/a%2Fb`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &resttest.Script{Responses: []resttest.Response{test.response}}
			got, err := test.call(t.Context(), client(s))
			require.NoError(t, err)
			require.Equal(t, []string{test.request}, s.Requests)
			require.Empty(t, cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(smartprops.Configuration{}, smartprops.Subscription{})))
		})
	}
}

// The entities of each event, as documents and samples have them.
func TestEntities(t *testing.T) {
	for event, test := range map[smartprops.EventType]struct {
		entities smartprops.Entities
		want     string
	}{
		smartprops.EventAutomationCompletion:   {smartprops.Unit("u"), `{"unit":{"type":"Unit","id":"u"}}`},
		smartprops.EventSkillFailure:           {smartprops.UnitAndSkill("u", "s"), `{"skill":{"type":"Skill","id":"s"},"unit":{"type":"Unit","id":"u"}}`},
		smartprops.EventSubscriptionActivation: {smartprops.ParentUnit("p"), `{"unit":{"parent":{"type":"Unit","id":"p"}}}`},
		smartprops.EventRoleAssignment:         {smartprops.UnitRoles("u"), `{"resource":{"resourceId":"u","resourceType":"Unit","type":"Resource"}}`},
		smartprops.EventRoleRevocation:         {smartprops.UnitRoles("u"), `{"resource":{"resourceId":"u","resourceType":"Unit","type":"Resource"}}`},
		smartprops.EventSetupCompletion:        {smartprops.Entities{"whatever": json.RawMessage(` {"it": "is"}`)}, `{"whatever":{"it":"is"}}`},
		"Alexa.New.Event":                      {nil, ``},
	} {
		t.Run(string(event), func(t *testing.T) {
			s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Body: `{"id":"x"}`}}}
			_, err := client(s).CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: "c", EventType: event, Entities: test.entities})
			require.NoError(t, err)
			i := strings.LastIndex(string(event), ".")
			want := `POST ` + base + `/subscriptions {"subscriptionConfigurationId":"c","eventType":{"namespace":"` + string(event[:i]) + `","name":"` + string(event[i+1:]) + `"}`
			if test.want != "" {
				want += `,"entities":` + test.want
			}
			require.Equal(t, want+`,"idempotencyToken":"token"}`, s.Requests[0])
		})
	}
}

func TestEndpointActivity(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Body: `{"id":"x"}`}}}
	_, err := client(s).CreateSubscription(t.Context(), smartprops.Subscription{
		ConfigurationID: "c", EventType: "Alexa.Enterprise.Endpoint.Activity.StateChange", Entities: smartprops.Unit("u"),
		EventHeaderVersion: "V2", Duration: time.Hour,
	})
	require.NoError(t, err)
	require.Equal(t, `POST `+base+`/subscriptions {"subscriptionConfigurationId":"c","eventType":{"namespace":"Alexa.Enterprise.Endpoint.Activity","name":"StateChange"},`+
		`"entities":{"unit":{"type":"Unit","id":"u"}},"eventHeaderVersion":"V2","subscriptionDurationInSeconds":3600,"idempotencyToken":"token"}`, s.Requests[0])
}

func TestIDsOfCreations(t *testing.T) {
	for name, test := range map[string]struct {
		response resttest.Response
		want     string
	}{
		"body and Location": {resttest.Response{Status: 201, Location: "other", Body: `{"id":"in.body"}`}, "in.body"},
		"bare Location":     {resttest.Response{Status: 201, Location: "amzn1.alexa.aem.subscription.1"}, "amzn1.alexa.aem.subscription.1"},
		"path":              {resttest.Response{Status: 201, Location: "/v1/eventMessenger/subscriptions/amzn1.alexa.aem.subscription.1"}, "amzn1.alexa.aem.subscription.1"},
		"URL":               {resttest.Response{Status: 201, Location: "https://api.amazonalexa.com/v1/eventMessenger/subscriptions/amzn1.alexa.aem.subscription.1/"}, "amzn1.alexa.aem.subscription.1"},
		"no JSON":           {resttest.Response{Status: 201, Location: "x", Body: "<html>"}, "x"},
		"another type":      {resttest.Response{Status: 201, Location: "x", Body: `{"id":5}`}, "x"},
		"200":               {resttest.Response{Status: 200, Body: `{"id":"y"}`}, "y"},
	} {
		s := &resttest.Script{Responses: []resttest.Response{test.response}}
		got, err := client(s).CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: "c", EventType: "A.b"})
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
	}
	s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Body: "{}"}}}
	_, err := client(s).CreateConfiguration(t.Context(), smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{{ID: topic}}})
	require.EqualError(t, err, "smartprops: 201 Created: the response has no ID (request r-1)")
}

func TestPaging(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{
		{Status: 200, Body: `{"paginationContext":{"nextToken":"to/2"},"results":[{"id":"1"},{"id":"2"}]}`},
		{Status: 200, Body: `{"paginationContext":{"nextToken":"to3"},"results":[]}`},
		{Status: 200, Body: `{"paginationContext":null,"results":[{"id":"3"}]}`},
	}}
	c := client(s)
	c.PageSize = 10
	got, err := collect(c.Subscriptions(t.Context(), smartprops.Filter{UnitID: "u"}))
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, "3", got[2].ID)
	unit := "GET " + base + "/subscriptions?entities.unit.id=u&entities.unit.type=Unit&maxResults=10"
	require.Equal(t, []string{unit + "&owner=~caller", unit + "&nextToken=to%2F2&owner=~caller", unit + "&nextToken=to3&owner=~caller"}, s.Requests)

	s = &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: `{"paginationContext":{"nextToken":"again"},"results":[{"id":"1"}]}`}}}
	configurations, err := collect(client(s).Configurations(t.Context()))
	require.EqualError(t, err, "smartprops: 200 OK: a page of the list leads back to an earlier one")
	require.Len(t, configurations, 2)
}

// Each creation has its own token, the same in its retries.
func TestIdempotencyTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 503}, {Err: syscall.ECONNRESET}, {Status: 201, Body: `{"id":"x"}`}}}
		client := client(s)
		client.NewToken = nil
		channels := smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{{ID: topic}}}
		_, err := client.CreateConfiguration(t.Context(), channels)
		require.NoError(t, err)
		_, err = client.CreateConfiguration(t.Context(), channels)
		require.NoError(t, err)
		_, err = client.CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: "c", EventType: "A.b"})
		require.NoError(t, err)

		require.Len(t, s.Requests, 5)
		seen := map[string]int{}
		for _, request := range s.Requests {
			_, sent, _ := strings.Cut(request, "{")
			var body struct{ IdempotencyToken string }
			require.NoError(t, json.Unmarshal([]byte("{"+sent), &body))
			_, err := uuid.Parse(body.IdempotencyToken)
			require.NoError(t, err)
			seen[body.IdempotencyToken]++
		}
		require.Len(t, seen, 3)
		require.Equal(t, s.Requests[0], s.Requests[1])
		require.Equal(t, s.Requests[0], s.Requests[2])
	})
}

// A creation without a token is not retried: the first request may have succeeded.
func TestCreationsWithoutTokenAreNotRetried(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 503}}}
	client := client(s)
	client.NewToken = func() string { return "" }
	_, err := client.CreateConfiguration(t.Context(), smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{{ID: topic}}})
	require.ErrorIs(t, err, alexaevents.ErrUnavailable)
	_, err = client.CreateSubscription(t.Context(), smartprops.Subscription{ConfigurationID: "c", EventType: "A.b"})
	require.ErrorIs(t, err, alexaevents.ErrUnavailable)
	require.Equal(t, []string{
		`POST ` + base + `/subscriptionConfigurations {"deliveryChannels":[{"type":"SNS","id":"` + topic + `"}]}`,
		`POST ` + base + `/subscriptions {"subscriptionConfigurationId":"c","eventType":{"namespace":"A","name":"b"}}`,
	}, s.Requests)
}

// Raw returns a response with an unexpected form.
func TestUnexpectedResponses(t *testing.T) {
	const body = `{"id":5,"subscriptionConfigurationId":"c","eventType":"Alexa.X.Y","entities":[1],"deliveryChannels":{}}`
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: body}}}
	subscription, err := client(s).Subscription(t.Context(), "x")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(smartprops.Subscription{ConfigurationID: "c"}, subscription, cmpopts.IgnoreUnexported(smartprops.Subscription{})))
	require.JSONEq(t, body, string(subscription.Raw()))
	configuration, err := client(s).Configuration(t.Context(), "x")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(smartprops.Configuration{}, configuration, cmpopts.IgnoreUnexported(smartprops.Configuration{})))
	require.JSONEq(t, body, string(configuration.Raw()))
}
