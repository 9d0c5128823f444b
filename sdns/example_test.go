package sdns_test

import (
	"context"
	"fmt"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// A developer who subscribes to the events of their own skills: everything has
// their own vendor ID, and the refresh token comes from the ASK CLI.
//
//	ask util generate-lwa-tokens --client-id … --client-confirmation … --scopes "alexa::ask:subscriptions …"
func ExampleClient_onYourOwn() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	err := cloud.Subscribe(topicARN, "https://backend.example/sns", &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: sdns.Receive(func(_ context.Context, event sdns.Event) error {
			fmt.Printf("%T %q\n", event, event.Common().SkillID)
			return nil // after the durable write
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.mine", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	const redirectURL = "http://127.0.0.1:9090/cb" // of the ASK CLI
	consentURL, verifier := tokens.Client.AuthCodeURL(redirectURL, lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	callback, _ := url.Parse(cloud.Consent(consentURL, "me"))
	token, err := tokens.Client.ExchangeCallback(ctx, redirectURL, verifier, callback.Query())
	if err != nil {
		fmt.Println(err)
		return
	}
	key := lwa.Key{ClientID: tokens.Client.ID, AccountID: "developer"}
	if err := tokens.Import(ctx, key, token.RefreshToken); err != nil {
		fmt.Println(err)
		return
	}

	client := &sdns.Client{HTTPClient: tokens.HTTPClient("developer")}
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
		Name:         "My skills",
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
	cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventManifestUpdate), VendorID: "M1MINE", SkillID: "amzn1.ask.skill.mine", AccessToken: string(accessToken),
	})
	// Output:
	// *sdns.Verification ""
	// *sdns.ManifestUpdate "amzn1.ask.skill.mine"
}

// An organization that subscribes to the events of the skills that its developers
// make under their own vendor IDs: subscriber and role have the organization's
// vendor ID, each subscription has the developer's. The developer works with a
// token that the organization obtains for them.
func ExampleClient_organization() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	cloud.AddVendor("M1ORGANIZATION", "organization")
	cloud.AddVendor("M2DEVELOPER", "organization", "developer") // the developer's account is associated with the organization's
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	err := cloud.Subscribe(topicARN, "https://organization.example/sns", &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: sdns.Receive(func(_ context.Context, event sdns.Event) error {
			fmt.Printf("%T %q %q\n", event, event.Common().VendorID, event.Common().SkillID)
			return nil // after the durable write
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	const redirectURL = "https://organization.example/callback"
	login := &lwa.Client{ID: "amzn1.application-oa2-client.organization", Secret: "secret", HTTPClient: cloud.Client()}
	signIn := func(login *lwa.Client, user string) lwa.Token { // sends the user to the URL, and receives their browser at redirectURL
		consentURL, verifier := login.AuthCodeURL(redirectURL, lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
		callback, _ := url.Parse(cloud.Consent(consentURL, user))
		token, err := login.ExchangeCallback(ctx, redirectURL, verifier, callback.Query())
		if err != nil {
			fmt.Println(err)
		}
		return token
	}
	tokens := &lwa.Source{Client: login, Store: new(lwa.MemoryStore)}
	if err := tokens.Import(ctx, lwa.Key{ClientID: login.ID, AccountID: "organization"}, signIn(login, "organization").RefreshToken); err != nil {
		fmt.Println(err)
		return
	}

	client := &sdns.Client{HTTPClient: tokens.HTTPClient("organization")}
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
			Name: "Skills of " + vendor.Name, VendorID: vendor.ID, SubscriberID: subscriberID,
			Events: []sdns.EventName{sdns.EventManifestUpdate, sdns.EventSkillCertification},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	developers := signIn(login, "developer") // the token is theirs to use
	cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventManifestUpdate), VendorID: "M2DEVELOPER", SkillID: "amzn1.ask.skill.theirs", AccessToken: string(developers.AccessToken),
	})

	// Work with a token of another client causes no notification.
	console := &lwa.Client{ID: "amzn1.application-oa2-client.console", Secret: "secret", HTTPClient: cloud.Client()}
	cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventManifestUpdate), VendorID: "M2DEVELOPER", SkillID: "amzn1.ask.skill.theirs", AccessToken: string(signIn(console, "developer").AccessToken),
	})
	// Output:
	// *sdns.Verification "" ""
	// *sdns.ManifestUpdate "M2DEVELOPER" "amzn1.ask.skill.theirs"
}

// A developer who subscribes to an organization's topic. They have no topic, no
// role and no subscriber, but two things from the organization: the ID of its
// subscriber, and an access token that it obtained for them.
func ExampleClient_developerOfAnOrganization() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	accessToken := cloud.AccessToken(lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite)
	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()), // outside of the example, ctx
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}),
	)}
	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{ // what the organization has done
		Name: "Our developers", VendorID: "M1ORGANIZATION",
		TopicARN: "arn:aws:sns:us-east-1:000011112222:skills", RoleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

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

// In a program, the function goes to a handler of package sns, which verifies the
// signature of SNS:
//
//	http.Handle("POST /sns", &sns.Handler{Verifier: &sns.Verifier{Topics: topics}, Receive: receive})
func ExampleReceive() {
	receive := sdns.Receive(func(_ context.Context, event sdns.Event) error {
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
	})
	for _, text := range []string{
		`{}`,
		`{"requestId": "r-1", "timestamp": "2026-11-21T22:00:00Z", "eventName": "AlexaDevelopmentEvent.ManifestUpdate", "payload": {
			"status": "FAILED", "skill": {"skillId": "amzn1.ask.skill.example", "vendorId": "M1EXAMPLE"}}}`,
		`{"eventName": "AlexaDevelopmentEvent.OfTomorrow"}`,
		`an alarm of another service`,
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

// Only the list has the status of subscribers.
func ExampleClient_Reactivate() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	client := &sdns.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeSubscriptions)}),
	)}
	for _, name := range []string{"one", "two", "three"} {
		topicARN := "arn:aws:sns:us-east-1:000011112222:" + name
		cloud.SetTopic(alexatest.Topic{ARN: topicARN, Closed: name == "two"}) // Amazon cannot deliver to the second
		_, err := client.CreateSubscriber(ctx, sdns.Subscriber{
			Name: name, VendorID: "M1MINE", TopicARN: topicARN, RoleARN: "arn:aws:iam::000011112222:role/" + name,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	for subscriber, err := range client.Subscribers(ctx, "M1MINE") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(subscriber.Name, subscriber.Status)
		if subscriber.Status == sdns.Inactive {
			cloud.SetTopic(alexatest.Topic{ARN: subscriber.TopicARN}) // fix the topic
			fmt.Println("reactivated:", client.Reactivate(ctx, subscriber.ID))
		}
	}
	for subscriber, err := range client.Subscribers(ctx, "M1MINE") {
		fmt.Println(subscriber.Name, subscriber.Status, err)
	}
	// Output:
	// one ACTIVE
	// two INACTIVE
	// reactivated: <nil>
	// three ACTIVE
	// one ACTIVE <nil>
	// two ACTIVE <nil>
	// three ACTIVE <nil>
}

// The role also needs PermissionPolicy. CloudFormation creates a role with both.
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
