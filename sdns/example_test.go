package sdns_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// A developer subscribes to notifications about their own skills: subscriber and
// subscription have their vendor ID.
//
// A program leaves HTTPClient out, and imports the refresh token that the ASK CLI
// makes:
//
//	ask util generate-lwa-tokens --client-id … --client-confirmation … --scopes "alexa::ask:subscriptions …"
func ExampleClient_onYourOwn() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	cloud.SetTopic(alexatest.Topic{ARN: topicARN})
	accessToken := cloud.AccessToken(lwa.ScopeSubscriptions)

	client := &sdns.Client{HTTPClient: oauth2.NewClient( // a program: tokens.HTTPClient("developer") of an *lwa.Source
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}),
	)}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name:     "My notifications",
		VendorID: "M1MINE",
		TopicARN: topicARN,
		RoleARN:  "arn:aws:iam::000011112222:role/SkillNotifications", // trusts Amazon with the external ID M1MINE
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, sdns.Subscription{
		Name:         "Events of my skills",
		VendorID:     "M1MINE",
		SubscriberID: subscriberID,
		Events:       []sdns.EventName{sdns.EventAll},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for subscription, err := range client.Subscriptions(ctx, "M1MINE", subscriberID) {
		fmt.Println(subscription.Name, subscription.Events, err)
	}
	// Output:
	// Events of my skills [AlexaDevelopmentEvent.All] <nil>
}

// An organization subscribes to notifications about the skills of its developers:
// subscriber and role have the organization's vendor ID, each subscription has the
// developer's.
func ExampleClient_organization() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	cloud.SetTopic(alexatest.Topic{ARN: topicARN})
	cloud.AddVendor("M1ORGANIZATION", "amzn1.account.DEVELOPER") // the user of cloud.AccessToken
	cloud.AddVendor("M2DEVELOPER", "amzn1.account.DEVELOPER")    // associated with the organization

	client := &sdns.Client{HTTPClient: oauth2.NewClient( // a program: tokens.HTTPClient("organization") of an *lwa.Source
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeSubscriptions)}),
	)}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name:     "Our developers",
		VendorID: "M1ORGANIZATION",
		TopicARN: topicARN,
		RoleARN:  "arn:aws:iam::000011112222:role/SkillNotifications", // external ID M1ORGANIZATION
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	vendors, err := client.Vendors(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, vendor := range vendors {
		if vendor.ID == "M1ORGANIZATION" {
			continue
		}
		_, err := client.CreateSubscription(ctx, sdns.Subscription{
			Name: "Skills of " + vendor.ID, VendorID: vendor.ID, SubscriberID: subscriberID,
			Events: []sdns.EventName{sdns.EventManifestUpdate, sdns.EventSkillCertification},
		})
		fmt.Println("subscribed to", vendor.ID, err)
	}

	// The developer follows this URL and consents. They work with the token that
	// ExchangeCallback returns then: only requests with tokens of this client cause
	// notifications.
	login := &lwa.Client{ID: "amzn1.application-oa2-client.organization", Secret: "secret", HTTPClient: cloud.Client()}
	consentURL, _ := login.AuthCodeURL("https://organization.example/callback", lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	page, _, _ := strings.Cut(consentURL, "?")
	fmt.Println(page)
	// Output:
	// subscribed to M2DEVELOPER <nil>
	// https://www.amazon.com/ap/oa
}

// A developer subscribes to an organization's topic. The organization gave them the
// ID of its subscriber, and an access token that it obtained for them.
func ExampleClient_developerOfAnOrganization() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	cloud.SetTopic(alexatest.Topic{ARN: topicARN})
	accessToken := cloud.AccessToken(lwa.ScopeSubscriptions)
	client := &sdns.Client{HTTPClient: oauth2.NewClient( // a program: context.Background() alone
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}),
	)}

	// The organization's part.
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "Our developers", VendorID: "M1ORGANIZATION",
		TopicARN: topicARN, RoleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The developer's part.
	_, err = client.CreateSubscription(ctx, sdns.Subscription{
		Name: "My skills", VendorID: "M2DEVELOPER", SubscriberID: subscriberID,
		Events: []sdns.EventName{sdns.EventManifestUpdate},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for subscription, err := range client.Subscriptions(ctx, "M2DEVELOPER", subscriberID) {
		fmt.Println(subscription.Name, subscription.Events, err)
	}
	// Output:
	// My skills [AlexaDevelopmentEvent.ManifestUpdate] <nil>
}

// A notification endpoint, with SNS in memory. A program leaves HTTPClient out.
func ExampleReceive() {
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: sdns.Receive(func(_ context.Context, event sdns.Event) error {
			switch event := event.(type) {
			case *sdns.ManifestUpdate:
				fmt.Println("manifest of", event.SkillID, "of", event.VendorID+":", event.Status)
			case *sdns.SkillReviewPublish:
				fmt.Println("a review with", event.StarRating, "stars:", event.URL)
			case *sdns.Verification:
				fmt.Println("Amazon can publish to the topic")
			case *sdns.Unknown:
				fmt.Println("ignored", event.EventName)
			}
			return nil // after the durable write
		}),
	}
	for _, text := range []string{
		`{}`,
		`{"requestId": "r-1", "timestamp": "2026-11-21T22:00:00Z", "eventName": "AlexaDevelopmentEvent.ManifestUpdate", "payload": {
			"status": "FAILED", "skill": {"skillId": "amzn1.ask.skill.example", "vendorId": "M1EXAMPLE"}}}`,
		`{"eventName": "AlexaDevelopmentEvent.OfTomorrow"}`,
		`an alarm of another service`,
	} {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, cloud.NewSNSRequest("https://backend.example/sns", topicARN, []byte(text)))
		fmt.Println(response.Code)
	}
	// Output:
	// Amazon can publish to the topic
	// 200
	// manifest of amzn1.ask.skill.example of M1EXAMPLE: FAILED
	// 200
	// ignored AlexaDevelopmentEvent.OfTomorrow
	// 200
	// 500
}

// Amazon could not publish to the topic of one subscriber and made it inactive.
// After the cause is gone, Reactivate makes it active again. Only the list has the
// status.
func ExampleClient_Reactivate() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeSubscriptions)}),
	)}
	cloud.SetTopic(alexatest.Topic{ARN: "arn:aws:sns:us-east-1:000011112222:one"})
	for _, name := range []string{"one", "two"} {
		_, err := client.CreateSubscriber(ctx, sdns.Subscriber{
			Name: name, VendorID: "M1MINE",
			TopicARN: "arn:aws:sns:us-east-1:000011112222:" + name, RoleARN: "arn:aws:iam::000011112222:role/" + name,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	cloud.SetTopic(alexatest.Topic{ARN: "arn:aws:sns:us-east-1:000011112222:two"}) // it was missing
	for range 2 {
		for subscriber, err := range client.Subscribers(ctx, "M1MINE") {
			fmt.Println(subscriber.Name, subscriber.Status, err)
			if subscriber.Status == sdns.Inactive {
				fmt.Println("reactivate:", client.Reactivate(ctx, subscriber.ID))
			}
		}
	}
	// Output:
	// one ACTIVE <nil>
	// two INACTIVE <nil>
	// reactivate: <nil>
	// one ACTIVE <nil>
	// two ACTIVE <nil>
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

// The role's other half is PermissionPolicy; CloudFormation makes a role of both.
func ExampleTrustPolicy() {
	policy, err := sdns.TrustPolicy("M123456EXAMPLE", "arn:aws:sns:us-east-1:000011112222:skills")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(policy))
	// Output:
	// {
	//   "Statement": [
	//     {
	//       "Action": "sts:AssumeRole",
	//       "Condition": {
	//         "StringEquals": {
	//           "sts:ExternalId": "M123456EXAMPLE"
	//         }
	//       },
	//       "Effect": "Allow",
	//       "Principal": {
	//         "AWS": "arn:aws:iam::258925066295:root"
	//       }
	//     }
	//   ],
	//   "Version": "2012-10-17"
	// }
}
