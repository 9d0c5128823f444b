package sdns_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/sdns"
)

// client returns a client whose requests go to the script.
func client(s *resttest.Script) *sdns.Client {
	return &sdns.Client{HTTPClient: &http.Client{Transport: s}}
}

const (
	base  = "https://api.amazonalexa.com/v0/developmentEvents"
	topic = "arn:aws:sns:us-east-2:000011112222:topic"
	role  = "arn:aws:iam::000011112222:role/service-role/Role"
)

var (
	fullSubscriber = sdns.Subscriber{
		ID: "amzn1.ask-subscriber.1", Name: "a name", VendorID: "M1", TopicARN: topic, RoleARN: role, Status: sdns.Inactive, ClientID: "client",
	}
	fullSubscription = sdns.Subscription{
		ID: "amzn1.ask-subscription.2", Name: "a name", VendorID: "M1", SubscriberID: "amzn1.ask-subscriber.1",
		Events: []sdns.EventName{sdns.EventSkillPublish, sdns.EventSkillReviewPublish},
	}
)

const (
	endpointJSON     = `"endpoint":{"uri":"` + topic + `","authorization":{"type":"AWS_IAM","arn":"` + role + `"}}`
	subscriptionJSON = `{"name":"a name","subscriptionId":"amzn1.ask-subscription.2","subscriberId":"amzn1.ask-subscriber.1","vendorId":"M1",` +
		`"events":["AlexaDevelopmentEvent.SkillPublish","AlexaCustomerFeedbackEvent.SkillReviewPublish"]}`
)

// Each operation: the request as Amazon's model has it, and the decoded response.
func TestOperations(t *testing.T) {
	for name, test := range map[string]struct {
		response resttest.Response
		call     func(ctx context.Context, c *sdns.Client) (any, error)
		request  string
		want     any
	}{
		"create subscriber": {
			response: resttest.Response{Status: 201, Location: "/v0/developmentEvents/subscribers/amzn1.ask-subscriber.1"},
			call:     func(ctx context.Context, c *sdns.Client) (any, error) { return c.CreateSubscriber(ctx, fullSubscriber) },
			request:  `POST ` + base + `/subscribers {"name":"a name","vendorId":"M1",` + endpointJSON + `}`,
			want:     "amzn1.ask-subscriber.1",
		},
		"get subscriber": {
			response: resttest.Response{Status: 200, Body: `{"subscriberId":"amzn1.ask-subscriber.1","name":"a name",` + endpointJSON + `}`},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return c.Subscriber(ctx, "amzn1.ask-subscriber.1")
			},
			request: `GET ` + base + `/subscribers/amzn1.ask-subscriber.1`,
			want:    sdns.Subscriber{ID: "amzn1.ask-subscriber.1", Name: "a name", TopicARN: topic, RoleARN: role},
		},
		"list subscribers": {
			response: resttest.Response{Status: 200, Body: `{"_links":{"self":{"href":"x"}},"subscribers":[
				{"subscriberId":"amzn1.ask-subscriber.1","name":"a name","status":"INACTIVE","clientId":"client",` + endpointJSON + `},{"status":"NEW"}]}`},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return collect(c.Subscribers(ctx, "M1"))
			},
			request: `GET ` + base + `/subscribers?vendorId=M1`,
			want: []sdns.Subscriber{
				{ID: "amzn1.ask-subscriber.1", Name: "a name", TopicARN: topic, RoleARN: role, Status: sdns.Inactive, ClientID: "client"},
				{Status: "NEW"},
			},
		},
		"update subscriber": {
			response: resttest.Response{Status: 204},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return nil, c.UpdateSubscriber(ctx, fullSubscriber)
			},
			request: `PUT ` + base + `/subscribers/amzn1.ask-subscriber.1 {"name":"a name",` + endpointJSON + `}`,
		},
		"delete subscriber": {
			response: resttest.Response{Status: 204},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return nil, c.DeleteSubscriber(ctx, "amzn1.ask-subscriber.1")
			},
			request: `DELETE ` + base + `/subscribers/amzn1.ask-subscriber.1`,
		},
		"create subscription": {
			response: resttest.Response{Status: 201, Location: "/v0/developmentEvents/subscriptions/amzn1.ask-subscription.2"},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return c.CreateSubscription(ctx, fullSubscription)
			},
			request: `POST ` + base + `/subscriptions {"name":"a name","vendorId":"M1","subscriberId":"amzn1.ask-subscriber.1",` +
				`"events":["AlexaDevelopmentEvent.SkillPublish","AlexaCustomerFeedbackEvent.SkillReviewPublish"]}`,
			want: "amzn1.ask-subscription.2",
		},
		"get subscription": {
			response: resttest.Response{Status: 200, Body: subscriptionJSON},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return c.Subscription(ctx, "amzn1.ask-subscription.2")
			},
			request: `GET ` + base + `/subscriptions/amzn1.ask-subscription.2`,
			want:    fullSubscription,
		},
		"list subscriptions": {
			response: resttest.Response{Status: 200, Body: `{"subscriptions":[` + subscriptionJSON + `,{"events":["AlexaDevelopmentEvent.All"]},{"events":["AlexaDevelopmentEvent.ALL"]}]}`},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return collect(c.Subscriptions(ctx, "M1", "amzn1.ask-subscriber.1"))
			},
			request: `GET ` + base + `/subscriptions?subscriberId=amzn1.ask-subscriber.1&vendorId=M1`,
			want: []sdns.Subscription{
				fullSubscription,
				{Events: []sdns.EventName{sdns.EventAll}},
				{Events: []sdns.EventName{sdns.EventAllDocumented}},
			},
		},
		"list subscriptions of all subscribers": {
			response: resttest.Response{Status: 200, Body: `{}`},
			call:     func(ctx context.Context, c *sdns.Client) (any, error) { return collect(c.Subscriptions(ctx, "M1", "")) },
			request:  `GET ` + base + `/subscriptions?vendorId=M1`,
			want:     []sdns.Subscription(nil),
		},
		"update subscription": {
			response: resttest.Response{Status: 204},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return nil, c.UpdateSubscription(ctx, fullSubscription)
			},
			request: `PUT ` + base + `/subscriptions/amzn1.ask-subscription.2 {"name":"a name",` +
				`"events":["AlexaDevelopmentEvent.SkillPublish","AlexaCustomerFeedbackEvent.SkillReviewPublish"]}`,
		},
		"delete subscription": {
			response: resttest.Response{Status: 204},
			call: func(ctx context.Context, c *sdns.Client) (any, error) {
				return nil, c.DeleteSubscription(ctx, "amzn1.ask-subscription.2")
			},
			request: `DELETE ` + base + `/subscriptions/amzn1.ask-subscription.2`,
		},
		"list vendors": {
			response: resttest.Response{Status: 200, Body: `{"vendors":[{"id":"M1","name":"One","roles":["ROLE_ADMINISTRATOR","ROLE_NEW"]},{"id":"M2"}]}`},
			call:     func(ctx context.Context, c *sdns.Client) (any, error) { return c.Vendors(ctx) },
			request:  `GET https://api.amazonalexa.com/v1/vendors`,
			want:     []sdns.Vendor{{ID: "M1", Name: "One", Roles: []string{"ROLE_ADMINISTRATOR", "ROLE_NEW"}}, {ID: "M2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &resttest.Script{Responses: []resttest.Response{test.response}}
			got, err := test.call(t.Context(), client(s))
			require.NoError(t, err)
			require.Equal(t, []string{test.request}, s.Requests)
			require.Empty(t, cmp.Diff(test.want, got))
		})
	}
}

func TestReactivateChangesNothing(t *testing.T) {
	// The ID may be missing from the response; it is known.
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: `{"name":"a name",` + endpointJSON + `}`}, {Status: 204}}}
	require.NoError(t, client(s).Reactivate(t.Context(), "amzn1.ask-subscriber.1"))
	require.Equal(t, []string{
		`GET ` + base + `/subscribers/amzn1.ask-subscriber.1`,
		`PUT ` + base + `/subscribers/amzn1.ask-subscriber.1 {"name":"a name",` + endpointJSON + `}`,
	}, s.Requests)

	s = &resttest.Script{Responses: []resttest.Response{{Status: 404}}}
	require.ErrorIs(t, client(s).Reactivate(t.Context(), "gone"), alexaevents.ErrNotFound)

	// An authorization of a kind that this version does not know is left alone.
	s = &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: `{"name":"a name","endpoint":{"uri":"` + topic + `","authorization":{"type":"NEW"}}}`}}}
	require.ErrorIs(t, client(s).Reactivate(t.Context(), "amzn1.ask-subscriber.1"), alexaevents.ErrInvalid)
	require.Len(t, s.Requests, 1)
}

func TestIDsOfLocations(t *testing.T) {
	for location, want := range map[string]string{
		"/v0/developmentEvents/subscriptions/amzn1.ask-subscription.1":                             "amzn1.ask-subscription.1",
		"/v0/developmentEvents/subscriptions/amzn1.ask-subscription.1/":                            "amzn1.ask-subscription.1",
		"https://api.amazonalexa.com/v0/developmentEvents/subscriptions/amzn1.ask-subscription.1":  "amzn1.ask-subscription.1",
		"https://api.amazonalexa.com/v0/developmentEvents/subscriptions/amzn1.ask-subscription.1?": "amzn1.ask-subscription.1",
		"amzn1.ask-subscription.1":           "amzn1.ask-subscription.1",
		"/v0/subscriptions/with%20a%20space": "with a space",
	} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Location: location}}}
		got, err := client(s).CreateSubscription(t.Context(), fullSubscription)
		require.NoError(t, err, location)
		require.Equal(t, want, got, location)
	}
	for _, location := range []string{"", "/", "//", "https://api.amazonalexa.com", "https://api.amazonalexa.com/", "%zz"} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 201, Location: location}}}
		_, err := client(s).CreateSubscription(t.Context(), fullSubscription)
		require.EqualError(t, err, "sdns: 201 Created: the response has no ID (request r-1)", location)
		require.Len(t, s.Requests, 1)
	}
}

// An ID with any characters is one segment of the path.
func TestIDsAreEscaped(t *testing.T) {
	for id, want := range map[string]string{"a/b": "a%2Fb", "a?b=c": "a%3Fb=c", "a#b": "a%23b", "../x": "..%2Fx", "ä": "%C3%A4", "a b": "a%20b"} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 204}}}
		require.NoError(t, client(s).DeleteSubscriber(t.Context(), id))
		require.Equal(t, []string{"DELETE " + base + "/subscribers/" + want}, s.Requests)
	}
}

func TestPaging(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{
		{Status: 200, Body: `{"nextToken":"to/2 ","subscribers":[{"name":"1"},{"name":"2"}]}`},
		{Status: 200, Body: `{"nextToken":"to3"}`},
		{Status: 200, Body: `{"nextToken":"","subscribers":[{"name":"3"}]}`},
	}}
	c := client(s)
	c.PageSize = 50
	got, err := collect(c.Subscribers(t.Context(), "M1"))
	require.NoError(t, err)
	require.Equal(t, []sdns.Subscriber{{Name: "1"}, {Name: "2"}, {Name: "3"}}, got)
	require.Equal(t, []string{
		"GET " + base + "/subscribers?maxResults=50&vendorId=M1",
		"GET " + base + "/subscribers?maxResults=50&nextToken=to%2F2+&vendorId=M1",
		"GET " + base + "/subscribers?maxResults=50&nextToken=to3&vendorId=M1",
	}, s.Requests)

	s = &resttest.Script{Responses: []resttest.Response{
		{Status: 200, Body: `{"nextToken":"to2","subscriptions":[{"name":"1"}]}`},
		{Status: 200, Body: `{"nextToken":"to2","subscriptions":[{"name":"2"}]}`},
	}}
	subscriptions, err := collect(client(s).Subscriptions(t.Context(), "M1", "x"))
	require.EqualError(t, err, "sdns: 200 OK: a page of the list leads back to an earlier one")
	require.Equal(t, []sdns.Subscription{{Name: "1"}, {Name: "2"}}, subscriptions)
	require.Equal(t, []string{
		"GET " + base + "/subscriptions?subscriberId=x&vendorId=M1",
		"GET " + base + "/subscriptions?nextToken=to2&subscriberId=x&vendorId=M1",
	}, s.Requests)
}

// A loop that ends early requests no further page.
func TestListsAreLazy(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: `{"nextToken":"to2","subscribers":[{"name":"1"},{"name":"2"}]}`}}}
	for _, err := range client(s).Subscribers(t.Context(), "M1") {
		require.NoError(t, err)
		break
	}
	require.Len(t, s.Requests, 1)
}

// alexatest agrees with the client about every operation.
func TestAgainstAlexatest(t *testing.T) {
	ctx := t.Context()
	cloud := alexatest.NewCloud()
	cloud.SetTopic(alexatest.Topic{ARN: topic})
	cloud.AddVendor("M2", "somebody else")
	as := func(accessToken string) *sdns.Client {
		ctx := context.WithValue(ctx, oauth2.HTTPClient, cloud.Client())
		return &sdns.Client{HTTPClient: oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}))}
	}
	client := as(cloud.AccessToken("alexa::ask:subscriptions"))
	var ids []string
	for range 5 {
		id, err := client.CreateSubscriber(ctx, fullSubscriber)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	subscribers, err := collect(client.Subscribers(ctx, "M1"))
	require.NoError(t, err)
	require.Len(t, subscribers, 5)
	for i, s := range subscribers {
		want := sdns.Subscriber{ID: ids[i], Name: "a name", TopicARN: topic, RoleARN: role, Status: sdns.Active, ClientID: "amzn1.application-oa2-client.developer"}
		require.Equal(t, want, s)
	}

	subscription := sdns.Subscription{Name: "n", VendorID: "M1", SubscriberID: ids[0], Events: []sdns.EventName{sdns.EventAll}}
	subscription.ID, err = client.CreateSubscription(ctx, subscription)
	require.NoError(t, err)
	got, err := client.Subscription(ctx, subscription.ID)
	require.NoError(t, err)
	require.Equal(t, subscription, got)
	subscription.Name, subscription.Events = "m", []sdns.EventName{sdns.EventSkillPublish}
	require.NoError(t, client.UpdateSubscription(ctx, subscription))
	all, err := collect(client.Subscriptions(ctx, "M1", ids[0]))
	require.NoError(t, err)
	require.Equal(t, []sdns.Subscription{subscription}, all)
	require.NoError(t, client.DeleteSubscription(ctx, subscription.ID))
	_, err = client.Subscription(ctx, subscription.ID)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)

	require.NoError(t, client.UpdateSubscriber(ctx, sdns.Subscriber{ID: ids[1], Name: "new", TopicARN: topic, RoleARN: role}))
	one, err := client.Subscriber(ctx, ids[1])
	require.NoError(t, err)
	require.Equal(t, "new", one.Name)
	require.NoError(t, client.DeleteSubscriber(ctx, ids[1]))
	require.ErrorIs(t, client.DeleteSubscriber(ctx, ids[1]), alexaevents.ErrNotFound)

	_, err = collect(client.Subscribers(ctx, "M2"))
	require.ErrorIs(t, err, alexaevents.ErrForbidden)
	_, err = as("stale").Vendors(ctx)
	require.ErrorIs(t, err, alexaevents.ErrUnauthorized)
	require.ErrorContains(t, err, "get a new access token with the scope alexa::ask:subscriptions")
	require.NotContains(t, err.Error(), "stale")
}
