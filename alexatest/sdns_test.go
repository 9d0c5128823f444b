package alexatest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

const (
	smapiURL = "https://api.amazonalexa.com/v0/developmentEvents/"
	roleARN  = "arn:aws:iam::000011112222:role/Notifications"
	vendorID = "M1VENDOR"
)

func subscriber(name string) sdns.Subscriber {
	return sdns.Subscriber{Name: name, VendorID: vendorID, TopicARN: topicARN, RoleARN: roleARN}
}

func TestSubscribers(t *testing.T) {
	cloud := alexatest.NewCloud()
	cloud.SetTopic(alexatest.Topic{ARN: topicARN})
	client := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions))}
	id, err := client.CreateSubscriber(t.Context(), subscriber("one"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(id, "amzn1.ask-subscriber."))

	want := sdns.Subscriber{ID: id, Name: "one", TopicARN: topicARN, RoleARN: roleARN}
	got, err := client.Subscriber(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, got)
	want.Status, want.ClientID = sdns.Active, "amzn1.application-oa2-client.developer"
	require.Equal(t, []sdns.Subscriber{want}, collect(t, client.Subscribers(t.Context(), vendorID)))
	require.Empty(t, collect(t, client.Subscribers(t.Context(), "M2ANOTHER")))

	want.Name, want.TopicARN, want.RoleARN = "two", topicARN+"2", roleARN+"2"
	require.NoError(t, client.UpdateSubscriber(t.Context(), want))
	require.Equal(t, []sdns.Subscriber{want}, collect(t, client.Subscribers(t.Context(), vendorID)))

	require.NoError(t, client.DeleteSubscriber(t.Context(), id))
	require.Empty(t, collect(t, client.Subscribers(t.Context(), vendorID)))
	_, err = client.Subscriber(t.Context(), id)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	require.ErrorIs(t, client.UpdateSubscriber(t.Context(), want), alexaevents.ErrNotFound)
	require.ErrorIs(t, client.DeleteSubscriber(t.Context(), id), alexaevents.ErrNotFound)
}

func TestSubscriptions(t *testing.T) {
	cloud := alexatest.NewCloud()
	client := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions))}
	subscriberID, err := client.CreateSubscriber(t.Context(), subscriber("one"))
	require.NoError(t, err)
	otherID, err := client.CreateSubscriber(t.Context(), subscriber("another"))
	require.NoError(t, err)

	want := sdns.Subscription{
		Name: strings.Repeat("ü", 255), VendorID: "M2ANOTHER", SubscriberID: subscriberID,
		Events: []sdns.EventName{sdns.EventSkillPublish, sdns.EventSkillReviewPublish, "AlexaDevelopmentEvent.OfTomorrow"},
	}
	want.ID, err = client.CreateSubscription(t.Context(), want)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(want.ID, "amzn1.ask-subscription."))
	for _, all := range []sdns.EventName{sdns.EventAll, sdns.EventAllDocumented} {
		_, err = client.CreateSubscription(t.Context(), sdns.Subscription{Name: "all", VendorID: vendorID, SubscriberID: otherID, Events: []sdns.EventName{all}})
		require.NoError(t, err)
	}

	got, err := client.Subscription(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []sdns.Subscription{want}, collect(t, client.Subscriptions(t.Context(), "M2ANOTHER", "")))
	require.Equal(t, []sdns.Subscription{want}, collect(t, client.Subscriptions(t.Context(), "M2ANOTHER", subscriberID)))
	require.Empty(t, collect(t, client.Subscriptions(t.Context(), "M2ANOTHER", otherID)))
	require.Len(t, collect(t, client.Subscriptions(t.Context(), vendorID, otherID)), 2)

	want.Name, want.Events = "renamed", []sdns.EventName{sdns.EventAll}
	require.NoError(t, client.UpdateSubscription(t.Context(), want))
	require.Equal(t, []sdns.Subscription{want}, collect(t, client.Subscriptions(t.Context(), "M2ANOTHER", "")))

	require.NoError(t, client.DeleteSubscriber(t.Context(), otherID))
	require.Empty(t, collect(t, client.Subscriptions(t.Context(), vendorID, "")), "they go with their subscriber")
	require.NoError(t, client.DeleteSubscription(t.Context(), want.ID))
	_, err = client.Subscription(t.Context(), want.ID)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
	require.ErrorIs(t, client.UpdateSubscription(t.Context(), want), alexaevents.ErrNotFound)
	require.ErrorIs(t, client.DeleteSubscription(t.Context(), want.ID), alexaevents.ErrNotFound)
	want.SubscriberID = "amzn1.ask-subscriber.none"
	_, err = client.CreateSubscription(t.Context(), want)
	require.ErrorIs(t, err, alexaevents.ErrNotFound)
}

// Requests that the client of this module would not send are refused.
func TestInvalidDevelopmentRequests(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := cloud.AccessToken(lwa.ScopeSubscriptions)
	client := &sdns.Client{HTTPClient: as(cloud, token)}
	subscriberID, err := client.CreateSubscriber(t.Context(), subscriber("one"))
	require.NoError(t, err)
	subscriptionID, err := client.CreateSubscription(t.Context(), sdns.Subscription{
		Name: "x", VendorID: vendorID, SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll},
	})
	require.NoError(t, err)

	endpoint := `"endpoint":{"uri":"` + topicARN + `","authorization":{"type":"AWS_IAM","arn":"` + roleARN + `"}}`
	subscriber := `{"name":"x","vendorId":"M1VENDOR",` + endpoint + `}`
	subscription := `{"name":"x","vendorId":"M1VENDOR","subscriberId":"` + subscriberID + `","events":["AlexaDevelopmentEvent.SkillPublish"]}`
	const event = `"AlexaDevelopmentEvent.SkillPublish"`
	for _, test := range []struct {
		name, operation, path string
		body                  string
		from, to              string // changed in the body
		want                  []string
	}{
		{"not JSON", "POST", "subscribers", subscriber, "{", "[", []string{"The body is not"}},
		{"empty", "POST", "subscribers", "", "", "", []string{"The body is not"}},
		{"null", "POST", "subscribers", "null", "", "", []string{"name", "endpoint.uri", "endpoint.authorization.type", "endpoint.authorization.arn", "vendorId"}},
		{"no name", "POST", "subscribers", subscriber, `"name":"x",`, ``, []string{"name: required"}},
		{"no vendor", "POST", "subscribers", subscriber, `M1VENDOR`, ``, []string{"vendorId: not of 1 to 255"}},
		{"a long vendor", "POST", "subscribers", subscriber, `M1VENDOR`, strings.Repeat("M", 256), []string{"vendorId: not of 1 to 255"}},
		{"no topic", "POST", "subscribers", subscriber, topicARN, "https://backend.example/", []string{"endpoint.uri: not the ARN"}},
		{"another type", "POST", "subscribers", subscriber, "AWS_IAM", "NONE", []string{"endpoint.authorization.type: not AWS_IAM"}},
		{"no role", "POST", "subscribers", subscriber, ":role/", ":user/", []string{"endpoint.authorization.arn: not the ARN"}},
		{"no endpoint", "PUT", "subscribers/" + subscriberID, subscriber, endpoint, `"x":0`, []string{"endpoint.uri", "endpoint.authorization.type", "endpoint.authorization.arn"}},
		{"no name in an update", "PUT", "subscribers/" + subscriberID, subscriber, `"name":"x",`, ``, []string{"name: required"}},

		{"subscription not JSON", "POST", "subscriptions", "x", "", "", []string{"The body is not"}},
		{"subscription of null", "POST", "subscriptions", "null", "", "", []string{"name", "events", "vendorId", "subscriberId"}},
		{"no name of 0", "POST", "subscriptions", subscription, `"x"`, `""`, []string{"name: not of 1 to 255"}},
		{"no name of 256", "POST", "subscriptions", subscription, `"x"`, `"` + strings.Repeat("x", 256) + `"`, []string{"name: not of 1 to 255"}},
		{"no events", "POST", "subscriptions", subscription, event, ``, []string{"events: required"}},
		{"unknown event", "POST", "subscriptions", subscription, event, `"SkillPublish"`, []string{"events: unknown event"}},
		{"event without a name", "POST", "subscriptions", subscription, event, `"AlexaDevelopmentEvent."`, []string{"events: unknown event"}},
		{"unknown wildcard", "POST", "subscriptions", subscription, event, `"AlexaCustomerFeedbackEvent.All"`, []string{"events: unknown event"}},
		{"a wildcard and more", "POST", "subscriptions", subscription, event, event + `,"AlexaDevelopmentEvent.All"`, []string{"events: a wildcard must"}},
		{"no subscriber", "POST", "subscriptions", subscription, subscriberID, ``, []string{"subscriberId: required"}},
		{"no vendor of events", "POST", "subscriptions", subscription, `M1VENDOR`, ``, []string{"vendorId: not of 1 to 255"}},
		{"no events in an update", "PUT", "subscriptions/" + subscriptionID, subscription, event, ``, []string{"events: required"}},

		{"a list without a vendor", "GET", "subscribers", "", "", "", []string{"vendorId: not of 1 to 255"}},
		{"a list of events without a vendor", "GET", "subscriptions?vendorId=", "", "", "", []string{"vendorId: not of 1 to 255"}},
		{"a page of 0", "GET", "subscribers?vendorId=M1VENDOR&maxResults=0", "", "", "", []string{"maxResults: not a number from 1 to 50"}},
		{"a page of 51", "GET", "subscribers?vendorId=M1VENDOR&maxResults=51", "", "", "", []string{"maxResults: not a number from 1 to 50"}},
		{"a page of x", "GET", "subscriptions?vendorId=M1VENDOR&maxResults=x", "", "", "", []string{"maxResults: not a number from 1 to 50"}},
		{"a page of nothing", "GET", "subscriptions?vendorId=M1VENDOR&nextToken=x", "", "", "", []string{"nextToken: not one of this list"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.from != "" {
				require.Contains(t, test.body, test.from)
			}
			got := call(t, cloud, token, test.operation, smapiURL+test.path, strings.Replace(test.body, test.from, test.to, 1))
			require.Equal(t, 400, got.Status)
			require.NotEmpty(t, got.Message)
			require.Len(t, got.Violations, len(test.want), "%v", got.Violations)
			for i, want := range test.want {
				require.True(t, strings.HasPrefix(got.Violations[i].Message, want), got.Violations[i].Message)
			}
		})
	}
	require.Equal(t, 201, call(t, cloud, token, "POST", smapiURL+"subscriptions", subscription).Status, "the rest of it is good")
	created := call(t, cloud, token, "POST", smapiURL+"subscribers", subscriber)
	require.Equal(t, 201, created.Status)
	require.True(t, strings.HasPrefix(created.Location, "/v0/developmentEvents/subscribers/amzn1.ask-subscriber."), "a relative URL")
	require.Len(t, collect(t, client.Subscribers(t.Context(), vendorID)), 2, "nothing came of the others")
	require.Len(t, collect(t, client.Subscriptions(t.Context(), vendorID, "")), 2)
}

func TestDevelopersAreAuthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		cloud.AddVendor("M1OURS", "organization", "colleague")
		cloud.AddVendor("M2THEIRS", "developer")
		cloud.AddVendor("M2THEIRS", "organization", "developer")
		scopes := []string{lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite}
		organization := signIn(t, cloud, "our-client", "organization", scopes...)
		developer := signIn(t, cloud, "our-client", "developer", scopes...)
		elsewhere := signIn(t, cloud, "their-client", "developer", scopes...)
		unrelated := signIn(t, cloud, "our-client", "unrelated", scopes...)
		unscoped := signIn(t, cloud, "our-client", "organization", lwa.ScopeProfile, "alexa::ask", lwa.ScopeSkillsReadWrite)
		machine, err := (&lwa.Client{ID: "our-client", Secret: "secret", HTTPClient: cloud.Client()}).ClientCredentials(t.Context(), lwa.ScopeSubscriptions)
		require.NoError(t, err)

		body := func(vendor string) string {
			return `{"name":"x","vendorId":"` + vendor + `","endpoint":{"uri":"` + topicARN + `","authorization":{"type":"AWS_IAM","arn":"` + roleARN + `"}}}`
		}
		id := func(got apiResponse) string {
			require.Equal(t, 201, got.Status)
			return got.Location[strings.LastIndex(got.Location, "/")+1:]
		}
		subscriberID := id(call(t, cloud, organization, "POST", smapiURL+"subscribers", body("M1OURS")))
		events := `{"name":"x","events":["AlexaDevelopmentEvent.All"],"vendorId":"M2THEIRS","subscriberId":"` + subscriberID + `"}`
		subscriptionID := id(call(t, cloud, developer, "POST", smapiURL+"subscriptions", events))

		for _, test := range []struct {
			name, token, operation, path, body string
			want                               int
		}{
			{"no token", "", "GET", "subscribers?vendorId=M1OURS", "", 401},
			{"a made-up token", "Atza|x", "GET", "subscribers?vendorId=M1OURS", "", 401},
			{"no scope", unscoped, "GET", "subscribers?vendorId=M1OURS", "", 401},
			{"no user", string(machine.AccessToken), "GET", "subscribers?vendorId=M1OURS", "", 401},
			{"the owner lists", organization, "GET", "subscribers?vendorId=M1OURS", "", 200},
			{"a colleague lists", signIn(t, cloud, "another-client", "colleague", scopes...), "GET", "subscribers?vendorId=M1OURS", "", 200},
			{"a developer lists", developer, "GET", "subscribers?vendorId=M1OURS", "", 403},
			{"a developer lists events", developer, "GET", "subscriptions?vendorId=M2THEIRS", "", 200},
			{"the owner lists events", organization, "GET", "subscriptions?vendorId=M2THEIRS", "", 200},
			{"an unrelated user lists events", unrelated, "GET", "subscriptions?vendorId=M2THEIRS", "", 403},
			{"for another vendor", developer, "POST", "subscribers", body("M1OURS"), 401},
			{"the owner looks", organization, "GET", "subscribers/" + subscriberID, "", 200},
			{"a developer looks", developer, "GET", "subscribers/" + subscriberID, "", 403},
			{"a developer updates", developer, "PUT", "subscribers/" + subscriberID, body(""), 403},
			{"a developer deletes", developer, "DELETE", "subscribers/" + subscriberID, "", 403},
			{"with another client", elsewhere, "POST", "subscriptions", events, 403},
			{"an unrelated user subscribes", unrelated, "POST", "subscriptions", events, 403},
			{"the owner subscribes", organization, "POST", "subscriptions", events, 201},
			{"the developer reads", elsewhere, "GET", "subscriptions/" + subscriptionID, "", 200},
			{"the owner reads", organization, "GET", "subscriptions/" + subscriptionID, "", 200},
			{"the owner's colleague reads", signIn(t, cloud, "another-client", "colleague", scopes...), "GET", "subscriptions/" + subscriptionID, "", 200},
			{"an unrelated user reads", unrelated, "GET", "subscriptions/" + subscriptionID, "", 403},
			{"an unrelated user updates", unrelated, "PUT", "subscriptions/" + subscriptionID, events, 403},
			{"an update with another client", elsewhere, "PUT", "subscriptions/" + subscriptionID, events, 403},
			{"an update", developer, "PUT", "subscriptions/" + subscriptionID, events, 204},
			{"an unrelated user deletes", unrelated, "DELETE", "subscriptions/" + subscriptionID, "", 403},
			{"the developer deletes", elsewhere, "DELETE", "subscriptions/" + subscriptionID, "", 204},
			{"the owner deletes", organization, "DELETE", "subscribers/" + subscriberID, "", 204},
		} {
			require.Equal(t, test.want, call(t, cloud, test.token, test.operation, smapiURL+test.path, test.body).Status, test.name)
		}
		time.Sleep(time.Hour)
		require.Equal(t, 401, call(t, cloud, organization, "GET", smapiURL+"subscribers?vendorId=M1OURS", "").Status, "expired")
	})
}

func TestVendors(t *testing.T) {
	cloud := alexatest.NewCloud()
	cloud.AddVendor("M1OURS", "someone")
	cloud.AddVendor("M2THEIRS", "amzn1.account.DEVELOPER", "someone")
	client := &sdns.Client{HTTPClient: as(cloud, cloud.AccessToken(lwa.ScopeSubscriptions))}
	require.Empty(t, collect(t, client.Subscribers(t.Context(), "M3NEW")), "the first who comes with it has it")
	vendors, err := client.Vendors(t.Context())
	require.NoError(t, err)
	require.Equal(t, []sdns.Vendor{
		{ID: "M2THEIRS", Name: "Vendor M2THEIRS", Roles: []string{"ROLE_ADMINISTRATOR"}},
		{ID: "M3NEW", Name: "Vendor M3NEW", Roles: []string{"ROLE_ADMINISTRATOR"}},
	}, vendors)

	someone := &sdns.Client{HTTPClient: as(cloud, signIn(t, cloud, "client", "someone", lwa.ScopeModelsReadWrite))}
	vendors, err = someone.Vendors(t.Context())
	require.NoError(t, err)
	require.Len(t, vendors, 2)
	other := &sdns.Client{HTTPClient: as(cloud, signIn(t, cloud, "client", "someone", lwa.ScopeProfile))}
	_, err = other.Vendors(t.Context())
	require.ErrorIs(t, err, alexaevents.ErrUnauthorized)
	unrelated := &sdns.Client{HTTPClient: as(cloud, signIn(t, cloud, "client", "unrelated", lwa.ScopeModelsReadWrite))}
	vendors, err = unrelated.Vendors(t.Context())
	require.NoError(t, err)
	require.Equal(t, []sdns.Vendor{}, vendors)
}
