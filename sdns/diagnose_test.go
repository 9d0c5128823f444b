package sdns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/internal/rest/resttest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

func TestDiagnose(t *testing.T) {
	const mine = "amzn1.application-oa2-client.developer"
	const subscribers = `{"subscribers": [
		{"subscriberId": "other", "status": "INACTIVE", "clientId": "other"},
		{"subscriberId": "active", "status": "ACTIVE", "clientId": "` + mine + `"},
		{"subscriberId": "inactive", "status": "INACTIVE", "clientId": "` + mine + `"},
		{"subscriberId": "without client", "status": "NEW"}]}`
	all := func(id string) sdns.Subscription {
		return sdns.Subscription{VendorID: "M1", SubscriberID: id, Events: []sdns.EventName{sdns.EventAll}}
	}
	for name, test := range map[string]struct {
		question      sdns.Question
		subscriptions []sdns.Subscription
		want          []sdns.Problem
	}{
		"nothing": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillPublish, ClientID: mine},
			subscriptions: []sdns.Subscription{all("active")},
		},
		"inactive": {
			question:      sdns.Question{SubscriberID: "inactive", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillPublish, ClientID: mine},
			subscriptions: []sdns.Subscription{all("inactive")},
			want:          []sdns.Problem{sdns.SubscriberInactive},
		},
		"inactive, seen by somebody else": {
			question:      sdns.Question{SubscriberID: "inactive", VendorID: "M1", Event: sdns.EventSkillPublish, ClientID: mine},
			subscriptions: []sdns.Subscription{all("inactive")},
		},
		"no subscriber": {
			question:      sdns.Question{SubscriberID: "gone", OwnerID: "M1", VendorID: "M1"},
			subscriptions: []sdns.Subscription{all("gone")},
			want:          []sdns.Problem{sdns.NoSubscriber},
		},
		"another client": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", ClientID: "console"},
			subscriptions: []sdns.Subscription{all("active")},
			want:          []sdns.Problem{sdns.OtherClient},
		},
		"another client, not asked": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1"},
			subscriptions: []sdns.Subscription{all("active")},
		},
		"client that Amazon does not tell": {
			question:      sdns.Question{SubscriberID: "without client", OwnerID: "M1", VendorID: "M1", ClientID: "console"},
			subscriptions: []sdns.Subscription{all("without client")},
		},
		"no subscription": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillPublish},
			subscriptions: []sdns.Subscription{all("other")},
			want:          []sdns.Problem{sdns.NoSubscription},
		},
		"no subscription for the developer": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M2", Event: sdns.EventSkillPublish},
			subscriptions: []sdns.Subscription{all("active")},
			want:          []sdns.Problem{sdns.NoSubscription},
		},
		"another event": {
			question: sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillPublish},
			subscriptions: []sdns.Subscription{
				{VendorID: "M1", SubscriberID: "active", Events: []sdns.EventName{sdns.EventManifestUpdate}},
				{VendorID: "M1", SubscriberID: "active", Events: []sdns.EventName{sdns.EventSkillCertification}},
			},
			want: []sdns.Problem{sdns.NotSubscribed},
		},
		"one of several": {
			question: sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillPublish},
			subscriptions: []sdns.Subscription{
				{VendorID: "M1", SubscriberID: "active", Events: []sdns.EventName{sdns.EventManifestUpdate}},
				{VendorID: "M1", SubscriberID: "active", Events: []sdns.EventName{sdns.EventInteractionModelUpdate, sdns.EventSkillPublish}},
			},
		},
		"a review, which no wildcard covers": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1", Event: sdns.EventSkillReviewPublish},
			subscriptions: []sdns.Subscription{all("active")},
			want:          []sdns.Problem{sdns.NotSubscribed},
		},
		"any event": {
			question:      sdns.Question{SubscriberID: "active", OwnerID: "M1", VendorID: "M1"},
			subscriptions: []sdns.Subscription{{VendorID: "M1", SubscriberID: "active", Events: []sdns.EventName{sdns.EventManifestUpdate}}},
		},
		"several": {
			question: sdns.Question{SubscriberID: "inactive", OwnerID: "M1", VendorID: "M1", ClientID: "console"},
			want:     []sdns.Problem{sdns.SubscriberInactive, sdns.OtherClient, sdns.NoSubscription},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var list struct {
				Subscriptions []sdns.Subscription `json:"subscriptions"`
			}
			for _, subscription := range test.subscriptions {
				if subscription.VendorID == test.question.VendorID && subscription.SubscriberID == test.question.SubscriberID {
					list.Subscriptions = append(list.Subscriptions, subscription)
				}
			}
			subscriptions, err := json.Marshal(list)
			require.NoError(t, err)
			s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: subscribers}, {Status: 200, Body: string(subscriptions)}}}
			if test.question.OwnerID == "" {
				s.Responses = s.Responses[1:]
			}
			got, err := client(s).Diagnose(t.Context(), test.question)
			require.NoError(t, err)
			require.Equal(t, test.want, got.Problems)
		})
	}
}

// The API may ignore the filter by subscriber.
func TestDiagnoseFiltersBySubscriber(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: `{"subscriptions":[{"subscriberId":"other","events":["AlexaDevelopmentEvent.All"]}]}`}}}
	got, err := client(s).Diagnose(t.Context(), sdns.Question{SubscriberID: "mine", VendorID: "M1"})
	require.NoError(t, err)
	require.Equal(t, []sdns.Problem{sdns.NoSubscription}, got.Problems)
}

func TestDiagnoseAdvice(t *testing.T) {
	for name, test := range map[string]struct {
		question sdns.Question
		says     []string
		not      []string
	}{
		"owner": {
			sdns.Question{SubscriberID: "s", OwnerID: "M1", VendorID: "M1", ClientID: "c"},
			[]string{"developer console", "258925066295", "publish to the topic", "endpoint"},
			[]string{"only its owner can check", "same LWA security profile"},
		},
		"owner without client": {
			sdns.Question{SubscriberID: "s", OwnerID: "M1", VendorID: "M1"},
			[]string{"developer console", "same LWA security profile", "258925066295"},
			[]string{"only its owner can check"},
		},
		"developer": {
			sdns.Question{SubscriberID: "s", VendorID: "M1", ClientID: "c"},
			[]string{"developer console", "same LWA security profile", "only its owner can check"},
			[]string{"258925066295"},
		},
	} {
		s := &resttest.Script{Responses: []resttest.Response{{Status: 200, Body: "{}"}}}
		got, err := client(s).Diagnose(t.Context(), test.question)
		require.NoError(t, err)
		advice := strings.Join(got.Advice, "\n")
		for _, words := range test.says {
			require.Contains(t, advice, words, name)
		}
		for _, words := range test.not {
			require.NotContains(t, advice, words, name)
		}
	}
}

func TestDiagnoseFails(t *testing.T) {
	s := &resttest.Script{Responses: []resttest.Response{{Status: 403}}}
	for _, question := range []sdns.Question{{SubscriberID: "s", VendorID: "M1"}, {SubscriberID: "s", VendorID: "M1", OwnerID: "M1"}} {
		got, err := client(s).Diagnose(t.Context(), question)
		require.ErrorIs(t, err, alexaevents.ErrForbidden)
		require.Zero(t, got)
	}
	for _, question := range []sdns.Question{{}, {VendorID: "M1"}, {SubscriberID: "s"}} {
		_, err := client(s).Diagnose(t.Context(), question)
		require.ErrorIs(t, err, alexaevents.ErrInvalid)
	}
	require.Len(t, s.Requests, 2)
}

func ExampleClient_Diagnose() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeSubscriptions)}), // of one client
	)}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "My notifications", VendorID: "M1MINE", TopicARN: "arn:aws:sns:us-east-1:000011112222:none", RoleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, sdns.Subscription{
		Name: "My skills", VendorID: "M1MINE", SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	diagnosis, err := client.Diagnose(ctx, sdns.Question{
		SubscriberID: subscriberID,
		OwnerID:      "M1MINE",
		VendorID:     "M1MINE",
		Event:        sdns.EventSkillReviewPublish,
		ClientID:     "amzn1.application-oa2-client.another",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, problem := range diagnosis.Problems {
		fmt.Println("-", problem)
	}
	// Output:
	// - the subscriber is inactive because Amazon could not deliver a notification: fix the topic or role, then call Reactivate
	// - the subscriber was created with a token of another LWA client than the one that changes the skill: use tokens of one security profile for both
	// - no subscription of this vendor covers the event: call UpdateSubscription
}
