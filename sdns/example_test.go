package sdns_test

import (
	"context"
	"fmt"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// A developer who wants to hear about their own skills: everything has their own
// vendor ID, and the token comes from the ASK CLI.
//
//	ask util generate-lwa-tokens --client-id … --client-confirmation … --scopes "alexa::ask:subscriptions …"
func ExampleClient_onYourOwn() {
	ctx := context.Background()
	amazon := newSMAPI(map[string][]string{"me": {"M1MINE"}}) // in memory
	amazon.published = subscribed                             // to the topic

	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.mine", Secret: "secret", HTTPClient: amazon.Client()},
		Store:  new(lwa.MemoryStore),
	}
	refreshToken := amazon.generateTokens(tokens.Client, "me", lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	key := lwa.Key{ClientID: tokens.Client.ID, AccountID: "developer"}
	if err := tokens.Import(ctx, key, refreshToken); err != nil {
		fmt.Println(err)
		return
	}

	client := &sdns.Client{HTTPClient: tokens.HTTPClient("developer")}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name:     "My notifications",
		VendorID: "M1MINE",
		TopicARN: "arn:aws:sns:us-east-1:000011112222:skills",
		RoleARN:  "arn:aws:iam::000011112222:role/SkillNotifications", // trusts Amazon with the external ID M1MINE
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, sdns.Subscription{
		Name:         "What becomes of my skills",
		VendorID:     "M1MINE",
		SubscriberID: subscriberID,
		Events:       []sdns.EventName{sdns.EventAll},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// From now on, work on skills with tokens of the same client.
	accessToken, _ := tokens.Token(ctx, key)
	amazon.UpdateManifest(string(accessToken), "M1MINE", "amzn1.ask.skill.mine")
	// Output:
	// Amazon can reach the topic
	// manifest of amzn1.ask.skill.mine of M1MINE: SUCCEEDED
}

// An organization that wants to hear about the skills that its developers make
// under their own vendor IDs: subscriber and role have the organization's vendor
// ID, each subscription has the developer's. The developer works with a token
// that the organization obtains for them.
func ExampleClient_organization() {
	ctx := context.Background()
	amazon := newSMAPI(map[string][]string{
		"organization": {"M1ORGANIZATION", "M2DEVELOPER"}, // the developer's account is associated with the organization's
		"developer":    {"M2DEVELOPER"},
	})
	amazon.published = subscribed

	login := &lwa.Client{ID: "amzn1.application-oa2-client.organization", Secret: "secret", HTTPClient: amazon.Client()}
	tokens := &lwa.Source{Client: login, Store: new(lwa.MemoryStore)}
	refreshToken := amazon.generateTokens(login, "organization", lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	_ = tokens.Import(ctx, lwa.Key{ClientID: login.ID, AccountID: "organization"}, refreshToken)

	client := &sdns.Client{HTTPClient: tokens.HTTPClient("organization")}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name:     "Our developers",
		VendorID: "M1ORGANIZATION",
		TopicARN: "arn:aws:sns:us-east-1:000011112222:skills",
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
			Name: "Skills of " + vendor.Name, VendorID: vendor.ID, SubscriberID: subscriberID,
			Events: []sdns.EventName{sdns.EventManifestUpdate, sdns.EventSkillCertification},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	// Send the developer the URL; the token that comes of it is theirs to use.
	consentURL, verifier := login.AuthCodeURL("https://organization.example/callback", lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	shown, _ := url.Parse(consentURL)
	fmt.Println(shown.Host+shown.Path, shown.Query()["client_id"], shown.Query()["scope"])
	callback, _ := url.Parse(amazon.login.Consent(consentURL, "developer")) // where the developer's browser comes back
	token, err := login.ExchangeCallback(ctx, "https://organization.example/callback", verifier, callback.Query())
	if err != nil {
		fmt.Println(err)
		return
	}

	amazon.UpdateManifest(string(token.AccessToken), "M2DEVELOPER", "amzn1.ask.skill.theirs")
	// A token of another client, like the one of the developer console, notifies nobody.
	other := &lwa.Client{ID: "amzn1.application-oa2-client.console", Secret: "secret", HTTPClient: amazon.Client()}
	elsewhere, _ := other.Refresh(ctx, amazon.generateTokens(other, "developer", lwa.ScopeSkillsReadWrite))
	amazon.UpdateManifest(string(elsewhere.AccessToken), "M2DEVELOPER", "amzn1.ask.skill.theirs")
	// Output:
	// Amazon can reach the topic
	// www.amazon.com/ap/oa [amzn1.application-oa2-client.organization] [alexa::ask:subscriptions alexa::ask:skills:readwrite]
	// manifest of amzn1.ask.skill.theirs of M2DEVELOPER: SUCCEEDED
}

// A developer who subscribes to an organization's topic. They have no topic, no
// role and no subscriber, but two things from the organization: the ID of its
// subscriber, and an access token that it obtained for them.
func ExampleClient_developerOfAnOrganization() {
	ctx := context.Background()
	amazon := newSMAPI(map[string][]string{"developer": {"M2DEVELOPER"}})
	subscriberID, accessToken := amazon.organize("developer")
	amazon.published = subscribed

	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, amazon.Client()), // outside of the example, ctx
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}),
	)}
	_, err := client.CreateSubscription(ctx, sdns.Subscription{
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
	amazon.UpdateManifest(accessToken, "M2DEVELOPER", "amzn1.ask.skill.mine")
	// Output:
	// My skills [AlexaDevelopmentEvent.ManifestUpdate] <nil>
	// manifest of amzn1.ask.skill.mine of M2DEVELOPER: SUCCEEDED
}

// onDevelopmentEvent is what a backend does with its notifications.
func onDevelopmentEvent(_ context.Context, event sdns.Event) error {
	switch event := event.(type) {
	case *sdns.ManifestUpdate:
		fmt.Println("manifest of", event.SkillID, "of", event.VendorID+":", event.Status)
	case *sdns.SkillReviewPublish:
		fmt.Println("a review with", event.StarRating, "stars:", event.URL)
	case *sdns.Verification:
		fmt.Println("Amazon can reach the topic")
	case *sdns.Unknown:
		fmt.Println("ignored", event.EventName)
	}
	return nil // after the durable write
}

// In a program, the function goes to a handler of package sns, whose requests
// are signed by SNS:
//
//	http.Handle("POST /sns", &sns.Handler{Verifier: &sns.Verifier{Topics: topics}, Receive: sdns.Receive(onDevelopmentEvent)})
func ExampleReceive() {
	receive := sdns.Receive(onDevelopmentEvent)
	for _, text := range []string{
		`{}`,
		`{"requestId": "r-1", "timestamp": "2026-11-21T22:00:00Z", "eventName": "AlexaDevelopmentEvent.ManifestUpdate", "payload": {
			"status": "FAILED", "skill": {"skillId": "amzn1.ask.skill.example", "vendorId": "M1EXAMPLE"}}}`,
		`{"eventName": "AlexaDevelopmentEvent.OfTomorrow"}`,
		`an alarm of something else`,
	} {
		if err := receive(context.Background(), &sns.Message{Message: text}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// Amazon can reach the topic
	// manifest of amzn1.ask.skill.example of M1EXAMPLE: FAILED
	// ignored AlexaDevelopmentEvent.OfTomorrow
	// sdns: malformed event: not a JSON object at byte 0
}

// subscribed is an endpoint that SNS delivers to.
func subscribed(_, text string) {
	if err := sdns.Receive(onDevelopmentEvent)(context.Background(), &sns.Message{Message: text}); err != nil {
		fmt.Println(err)
	}
}

// Subscribers that Amazon has given up are found in the list alone.
func ExampleClient_Reactivate() {
	ctx := context.Background()
	amazon := newSMAPI(map[string][]string{"amzn1.account.DEVELOPER": {"M1MINE"}})
	client := &sdns.Client{HTTPClient: amazon.As(amazon.login.AccessToken(lwa.ScopeSubscriptions))}
	for _, name := range []string{"one", "two", "three"} {
		_, _ = client.CreateSubscriber(ctx, sdns.Subscriber{
			Name: name, VendorID: "M1MINE",
			TopicARN: "arn:aws:sns:us-east-1:000011112222:" + name, RoleARN: "arn:aws:iam::000011112222:role/" + name,
		})
	}
	amazon.subscribers[1].Status = "INACTIVE" // Amazon could not deliver

	for subscriber, err := range client.Subscribers(ctx, "M1MINE") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(subscriber.Name, subscriber.Status)
		if subscriber.Status == sdns.Inactive {
			fmt.Println("reactivated:", client.Reactivate(ctx, subscriber.ID))
		}
	}
	fmt.Println(amazon.subscribers[1].Status, amazon.subscribers[1].topic())
	// Output:
	// one ACTIVE
	// two INACTIVE
	// reactivated: <nil>
	// three ACTIVE
	// ACTIVE arn:aws:sns:us-east-1:000011112222:two
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
