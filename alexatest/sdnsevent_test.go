package alexatest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// developer is a backend that receives skill development notifications.
type developer struct {
	*backend
	events []sdns.Event
}

func newDeveloper(cloud *alexatest.Cloud, topics ...string) *developer {
	d := &developer{backend: newBackend(cloud, topics...)}
	d.Receive = sdns.Receive(func(_ context.Context, event sdns.Event) error {
		d.events = append(d.events, event)
		return nil
	})
	return d
}

// took returns the events since the last call.
func (d *developer) took() (events []sdns.Event) {
	events, d.events = d.events, nil
	return events
}

// The backend receives each event as Amazon documents it.
func TestNotifyDevelopers(t *testing.T) {
	cloud := alexatest.NewCloud()
	d := newDeveloper(cloud, topicARN)
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, d))
	token := signIn(t, cloud, "client", "amzn1.account.ADA", lwa.ScopeSubscriptions)
	client := &sdns.Client{HTTPClient: as(cloud, token)}
	subscriberID, err := client.CreateSubscriber(t.Context(), subscriber("x"))
	require.NoError(t, err)
	require.IsType(t, new(sdns.Verification), d.took()[0])
	subscribe := func(vendorID string, events ...sdns.EventName) string {
		id, err := client.CreateSubscription(t.Context(), sdns.Subscription{Name: "x", VendorID: vendorID, SubscriberID: subscriberID, Events: events})
		require.NoError(t, err)
		return id
	}
	subscriptionID := subscribe(vendorID, sdns.EventAll)
	subscribe("M2ANOTHER", sdns.EventAll)
	reviews := subscribe(vendorID, sdns.EventSkillReviewPublish, sdns.EventSkillCertification)

	happened := alexatest.DevelopmentEvent{VendorID: vendorID, SkillID: "amzn1.ask.skill.x", AccessToken: token}
	for _, test := range []struct {
		name   sdns.EventName
		change func(*alexatest.DevelopmentEvent)
		status sdns.Status
		want   sdns.Event
	}{
		{sdns.EventManifestUpdate, nil, sdns.Succeeded, new(sdns.ManifestUpdate)},
		{sdns.EventManifestUpdate, func(e *alexatest.DevelopmentEvent) { e.Status = "FAILED" }, sdns.Failed, new(sdns.ManifestUpdate)},
		{sdns.EventSkillPublish, nil, sdns.Succeeded, new(sdns.SkillPublish)},
		{sdns.EventInteractionModelUpdate, nil, sdns.Succeeded, &sdns.InteractionModelUpdate{Locale: "en-US"}},
		{sdns.EventInteractionModelUpdate, func(e *alexatest.DevelopmentEvent) { e.Locale = "de-DE" }, sdns.Succeeded, &sdns.InteractionModelUpdate{Locale: "de-DE"}},
		{"AlexaDevelopmentEvent.OfTomorrow", nil, sdns.Succeeded, new(sdns.Unknown)},
	} {
		t.Run(string(test.name), func(t *testing.T) {
			event := happened
			event.Name = string(test.name)
			if test.change != nil {
				test.change(&event)
			}
			requestID := cloud.NotifyDevelopers(event)
			got := d.took()
			require.Len(t, got, 1)
			require.IsType(t, test.want, got[0])
			common := got[0].Common()
			require.WithinDuration(t, time.Now(), common.Timestamp, time.Minute)
			require.Equal(t,
				[]string{string(test.name), requestID, string(test.status), "amzn1.account.ADA", "amzn1.ask.skill.x", vendorID, subscriptionID},
				[]string{string(common.EventName), common.RequestID, string(common.Status), common.CustomerID, common.SkillID, common.VendorID, common.SubscriptionID})
			require.NotEmpty(t, requestID)
			if update, ok := got[0].(*sdns.InteractionModelUpdate); ok {
				require.Equal(t, test.want.(*sdns.InteractionModelUpdate).Locale, update.Locale)
			}
		})
	}

	certified := happened
	certified.Name = string(sdns.EventSkillCertification)
	cloud.NotifyDevelopers(certified)
	both := d.took()
	require.Len(t, both, 2, "two subscriptions, two notifications")
	require.Equal(t, []string{subscriptionID, reviews}, []string{both[0].Common().SubscriptionID, both[1].Common().SubscriptionID})
	require.Equal(t, both[0].Common().RequestID, both[1].Common().RequestID)

	require.Empty(t, cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventSkillReviewPublish), VendorID: vendorID, SkillID: "amzn1.ask.skill.x", StarRating: "1",
	}))
	review := d.took()[0].(*sdns.SkillReviewPublish)
	require.Equal(t, "1", review.StarRating)
	require.True(t, strings.HasSuffix(review.URL, review.ReviewID))
	require.Equal(t, reviews, review.SubscriptionID)
	require.Empty(t, string(review.Status)+review.CustomerID+review.RequestID)

	require.NoError(t, client.DeleteSubscription(t.Context(), reviews))
	cloud.NotifyDevelopers(certified)
	require.Len(t, d.took(), 1)
}

// A subscriber receives only events that its own client caused.
func TestNotificationsOfOneSecurityProfile(t *testing.T) {
	cloud := alexatest.NewCloud()
	cloud.AddVendor(vendorID, "developer")
	d := newDeveloper(cloud, topicARN)
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, d))
	ours := signIn(t, cloud, "our-client", "organization", lwa.ScopeSubscriptions)
	theirs := signIn(t, cloud, "our-client", "developer", lwa.ScopeSubscriptions)
	console := signIn(t, cloud, "console", "developer", lwa.ScopeSkillsReadWrite)
	client := &sdns.Client{HTTPClient: as(cloud, ours)}
	subscriber := subscriber("x")
	subscriber.VendorID = "M1ORGANIZATION"
	subscriberID, err := client.CreateSubscriber(t.Context(), subscriber)
	require.NoError(t, err)
	subscription := sdns.Subscription{Name: "x", VendorID: vendorID, SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll}}
	_, err = client.CreateSubscription(t.Context(), subscription)
	require.ErrorIs(t, err, alexaevents.ErrForbidden, "no role in the vendor")
	_, err = (&sdns.Client{HTTPClient: as(cloud, theirs)}).CreateSubscription(t.Context(), subscription)
	require.NoError(t, err)
	d.took()

	event := alexatest.DevelopmentEvent{Name: string(sdns.EventManifestUpdate), VendorID: vendorID, SkillID: "x", AccessToken: console}
	cloud.NotifyDevelopers(event)
	require.Empty(t, d.took())
	event.AccessToken = theirs
	cloud.NotifyDevelopers(event)
	require.Len(t, d.took(), 1)

	for name, change := range map[string]func(*alexatest.DevelopmentEvent){
		"no token":            func(e *alexatest.DevelopmentEvent) { e.AccessToken = "" },
		"no role":             func(e *alexatest.DevelopmentEvent) { e.AccessToken = ours },
		"no vendor":           func(e *alexatest.DevelopmentEvent) { e.VendorID = "" },
		"no event":            func(e *alexatest.DevelopmentEvent) { e.Name = "ManifestUpdate" },
		"a wildcard":          func(e *alexatest.DevelopmentEvent) { e.Name = string(sdns.EventAllDocumented) },
		"a feedback wildcard": func(e *alexatest.DevelopmentEvent) { e.Name = "AlexaCustomerFeedbackEvent.ALL" },
	} {
		mistaken := event
		change(&mistaken)
		require.Panics(t, func() { cloud.NotifyDevelopers(mistaken) }, name)
	}
	require.Empty(t, d.took())
}

// A subscriber whose topic refuses an event receives nothing until it is updated.
func TestInactiveSubscribers(t *testing.T) {
	for name, test := range map[string]struct{ spoil, mend func(*alexatest.Cloud) }{
		"no topic": {
			func(*alexatest.Cloud) {},
			func(*alexatest.Cloud) {},
		},
		"closed": {
			func(c *alexatest.Cloud) { c.SetTopic(alexatest.Topic{ARN: topicARN, Closed: true}) },
			func(c *alexatest.Cloud) { c.SetTopic(alexatest.Topic{ARN: topicARN}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			d := newDeveloper(cloud, topicARN)
			token := cloud.AccessToken(lwa.ScopeSubscriptions)
			client := &sdns.Client{HTTPClient: as(cloud, token)}
			status := func() sdns.SubscriberStatus {
				return collect(t, client.Subscribers(t.Context(), vendorID))[0].Status
			}
			notify := func() []sdns.Event {
				cloud.NotifyDevelopers(alexatest.DevelopmentEvent{Name: string(sdns.EventSkillPublish), VendorID: vendorID, SkillID: "x", AccessToken: token})
				return d.took()
			}
			test.spoil(cloud)
			subscriberID, err := client.CreateSubscriber(t.Context(), subscriber("x"))
			require.NoError(t, err)
			require.Equal(t, sdns.Inactive, status(), "it could not be verified")
			_, err = client.CreateSubscription(t.Context(), sdns.Subscription{Name: "x", VendorID: vendorID, SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll}})
			require.NoError(t, err)

			test.mend(cloud)
			require.NoError(t, cloud.Subscribe(topicARN, snsURL, d))
			require.Empty(t, notify(), "not before it is updated")
			require.NoError(t, client.Reactivate(t.Context(), subscriberID))
			require.Equal(t, sdns.Active, status())
			require.Len(t, notify(), 1)

			cloud.SetTopic(alexatest.Topic{ARN: topicARN, Closed: true})
			cloud.Publish(topicARN, []byte(`{"eventName":"by the owner"}`))
			require.Len(t, d.took(), 1, "closed to Alexa, not to its owner")
			require.Equal(t, sdns.Active, status())
			require.Empty(t, notify())
			require.Equal(t, sdns.Inactive, status())
		})
	}
}

// Notifications may be duplicates and out of order.
func TestDuplicateNotifications(t *testing.T) {
	cloud := alexatest.NewCloud()
	b := newBackend(cloud, topicARN)
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, b))
	token := cloud.AccessToken(lwa.ScopeSubscriptions)
	client := &sdns.Client{HTTPClient: as(cloud, token)}
	cloud.HoldMessages()
	subscriberID, err := client.CreateSubscriber(t.Context(), subscriber("x"))
	require.NoError(t, err)
	_, err = client.CreateSubscription(t.Context(), sdns.Subscription{Name: "x", VendorID: vendorID, SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll}})
	require.NoError(t, err)
	want := map[string]bool{"": true}
	for range 5 {
		want[cloud.NotifyDevelopers(alexatest.DevelopmentEvent{Name: string(sdns.EventSkillPublish), VendorID: vendorID, SkillID: "x", AccessToken: token})] = true
	}
	require.Empty(t, b.messages)
	cloud.ReleaseMessages(3)
	byID := map[string]*sns.Message{}
	got := map[string]bool{}
	for _, m := range b.messages {
		byID[m.ID] = m
		event, err := sdns.Parse([]byte(m.Message))
		require.NoError(t, err)
		got[event.Common().RequestID] = true
	}
	require.Equal(t, want, got)
	require.Len(t, byID, 6)
	require.Greater(t, len(b.messages), 6)
}

func TestDevelopmentEventMessage(t *testing.T) {
	for _, name := range []sdns.EventName{sdns.EventManifestUpdate, sdns.EventInteractionModelUpdate, sdns.EventSkillReviewPublish} {
		event, err := sdns.Parse(alexatest.DevelopmentEvent{Name: string(name), VendorID: vendorID, SkillID: "x"}.Message())
		require.NoError(t, err)
		require.Equal(t, name, event.Common().EventName)
		require.NotEmpty(t, event.Common().SubscriptionID)
	}
	require.Error(t, alexatest.Try(func() { alexatest.DevelopmentEvent{Name: "x"}.Message() }))
}
