package sdns_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

func TestDiagnose(t *testing.T) {
	const mine = "amzn1.application-oa2-client.developer"
	subscribers := []subscriber{
		{SubscriberID: "other", Status: "INACTIVE", ClientID: "other", vendor: "M1"},
		{SubscriberID: "active", Status: "ACTIVE", ClientID: mine, vendor: "M1"},
		{SubscriberID: "inactive", Status: "INACTIVE", ClientID: mine, vendor: "M1"},
		{SubscriberID: "without client", Status: "NEW", vendor: "M1"},
	}
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
			amazon := newSMAPI(map[string][]string{"amzn1.account.DEVELOPER": {"M1", "M2"}})
			amazon.subscribers, amazon.subscriptions = subscribers, test.subscriptions
			for i := range amazon.subscribers {
				amazon.subscribers[i].Endpoint = []byte("{}")
			}
			client := &sdns.Client{HTTPClient: amazon.As(amazon.login.AccessToken("alexa::ask:subscriptions"))}
			got, err := client.Diagnose(t.Context(), test.question)
			require.NoError(t, err)
			require.Equal(t, test.want, got.Problems)
		})
	}
}

// An API that ignores the filter by subscriber misleads nobody.
func TestDiagnoseLooksAtTheSubscriber(t *testing.T) {
	s := &script{answers: []response{{status: 200, body: `{"subscriptions":[{"subscriberId":"other","events":["AlexaDevelopmentEvent.All"]}]}`}}}
	got, err := s.client().Diagnose(t.Context(), sdns.Question{SubscriberID: "mine", VendorID: "M1"})
	require.NoError(t, err)
	require.Equal(t, []sdns.Problem{sdns.NoSubscription}, got.Problems)
}

func TestDiagnoseAdvises(t *testing.T) {
	for name, test := range map[string]struct {
		question sdns.Question
		says     []string
		not      []string
	}{
		"owner": {
			sdns.Question{SubscriberID: "s", OwnerID: "M1", VendorID: "M1", ClientID: "c"},
			[]string{"developer console", "258925066295", "publish to the topic", "endpoint"},
			[]string{"its owner can tell", "same LWA security profile"},
		},
		"owner without client": {
			sdns.Question{SubscriberID: "s", OwnerID: "M1", VendorID: "M1"},
			[]string{"developer console", "same LWA security profile", "258925066295"},
			[]string{"its owner can tell"},
		},
		"developer": {
			sdns.Question{SubscriberID: "s", VendorID: "M1", ClientID: "c"},
			[]string{"developer console", "same LWA security profile", "its owner can tell"},
			[]string{"258925066295"},
		},
	} {
		s := &script{answers: []response{{status: 200, body: "{}"}}}
		got, err := s.client().Diagnose(t.Context(), test.question)
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
	s := &script{answers: []response{{status: 403}}}
	for _, question := range []sdns.Question{{SubscriberID: "s", VendorID: "M1"}, {SubscriberID: "s", VendorID: "M1", OwnerID: "M1"}} {
		got, err := s.client().Diagnose(t.Context(), question)
		require.ErrorIs(t, err, sdns.ErrForbidden)
		require.Zero(t, got)
	}
	for _, question := range []sdns.Question{{}, {VendorID: "M1"}, {SubscriberID: "s"}} {
		_, err := s.client().Diagnose(t.Context(), question)
		require.ErrorIs(t, err, sdns.ErrInvalid)
	}
	require.Len(t, s.requests, 2)
}

// A notification does not arrive. Diagnose finds the causes that Amazon's responses
// prove.
func ExampleClient_Diagnose() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeSubscriptions)}),
	)}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "mine", VendorID: "M1MINE",
		TopicARN: "arn:aws:sns:us-east-1:000011112222:missing", RoleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, sdns.Subscription{
		Name: "mine", VendorID: "M1MINE", SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll},
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
	for _, problem := range diagnosis.Problems { // each is also a text for the operator
		switch problem {
		case sdns.SubscriberInactive:
			fmt.Println("correct topic or role, then call Reactivate")
		case sdns.OtherClient:
			fmt.Println("use tokens of one security profile")
		case sdns.NotSubscribed:
			fmt.Println("add the event to the subscription")
		default:
			fmt.Println(problem)
		}
	}
	// Output:
	// correct topic or role, then call Reactivate
	// use tokens of one security profile
	// add the event to the subscription
}
