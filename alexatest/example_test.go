package alexatest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	neturl "net/url"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

// A test of a backend that receives notifications about its skills. The backend
// differs from production in the HTTP client alone.
func Example_skillDevelopmentNotifications() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"

	// The backend.
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.mine", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore),
	}
	client := &sdns.Client{HTTPClient: tokens.HTTPClient("developer")}
	mux := http.NewServeMux()
	mux.Handle("POST /sns", &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: sdns.Receive(func(_ context.Context, event sdns.Event) error {
			fmt.Printf("%T %q\n", event, event.Common().Status)
			return nil
		}),
	})

	// The test: an endpoint subscribes to the topic, and the developer consents.
	if err := cloud.Subscribe(topicARN, "https://backend.example/sns", mux); err != nil {
		fmt.Println(err)
		return
	}
	const callback = "https://backend.example/callback"
	consentURL, verifier := tokens.Client.AuthCodeURL(callback, lwa.ScopeSubscriptions)
	redirected, _ := neturl.Parse(cloud.Consent(consentURL, "developer-1"))
	token, err := tokens.Client.ExchangeCallback(ctx, callback, verifier, redirected.Query())
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = tokens.Import(ctx, lwa.Key{ClientID: tokens.Client.ID, AccountID: "developer"}, token.RefreshToken)

	subscriberID, err := client.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "mine", VendorID: "M1MINE", TopicARN: topicARN, RoleARN: "arn:aws:iam::000011112222:role/Notifications",
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
	cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventSkillCertification), VendorID: "M1MINE", SkillID: "amzn1.ask.skill.mine",
		AccessToken: string(token.AccessToken), Status: "FAILED",
	})
	// Output:
	// *sdns.Verification ""
	// *sdns.SkillCertification "FAILED"
}

// A test of a backend that receives events of a property, delivered as SNS may
// deliver them: with duplicates and out of order.
func Example_smartProperties() {
	ctx := context.Background()
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:hotel"
	seen := make(map[string]bool)
	backend := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: smartprops.Receive(func(_ context.Context, event smartprops.Event) error {
			if e := event.Common(); !seen[e.ID] {
				seen[e.ID] = true
				fmt.Println(e.Type, "in", e.UnitID)
			}
			return nil
		}),
	}
	if err := cloud.Subscribe(topicARN, "https://backend.example/sns", backend); err != nil {
		fmt.Println(err)
		return
	}
	client := &smartprops.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeEnterpriseManagement)}),
	)}
	configurationID, err := client.CreateConfiguration(ctx, smartprops.Configuration{
		DeliveryChannels: []smartprops.DeliveryChannel{{ID: topicARN}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, smartprops.Subscription{
		ConfigurationID: configurationID,
		EventType:       smartprops.EventSkillFailure,
		Entities:        smartprops.UnitAndSkill("room-7", "amzn1.ask.skill.concierge"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	cloud.HoldMessages()
	for range 2 {
		cloud.NotifyProperties(alexatest.PropertyEvent{
			Type: string(smartprops.EventSkillFailure), UnitID: "room-7", SkillID: "amzn1.ask.skill.concierge",
		})
	}
	cloud.ReleaseMessages(2)
	fmt.Println(len(cloud.Delivered())-1, "deliveries") // and one to confirm the subscription
	// Output:
	// Alexa.Skill.Interaction.Failure in room-7
	// Alexa.Skill.Interaction.Failure in room-7
	// 3 deliveries
}

// Single messages need no topic and no subscription.
func ExampleCloud_NewSNSRequest() {
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	backend := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil
		},
	}
	send := func(request *http.Request) int {
		w := httptest.NewRecorder()
		backend.ServeHTTP(w, request)
		return w.Code
	}
	fmt.Println(send(cloud.NewSNSRequest("https://backend.example/sns", topicARN, []byte("good news"))))
	fmt.Println(send(cloud.NewSNSRequest("https://backend.example/sns", topicARN+"-of-another", []byte("good news"))))
	for name, forgery := range cloud.SNSForgeries("https://backend.example/sns", topicARN, []byte("good news")) {
		if code := send(forgery); code != http.StatusBadRequest {
			fmt.Println(name, code)
		}
	}
	// Output:
	// received good news
	// 200
	// 400
}
