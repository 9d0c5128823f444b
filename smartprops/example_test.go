package smartprops_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

// In a program, HTTPClient is that of a token source, which has the refresh token of
// an account of the organization:
//
//	tokens.HTTPClient("organization") // *lwa.Source
func ExampleClient() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // Amazon in memory
	client := &smartprops.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeEnterpriseManagement)}),
	)}

	configurationID, err := client.CreateConfiguration(ctx, smartprops.Configuration{
		DeliveryChannels: []smartprops.DeliveryChannel{{ID: "arn:aws:sns:us-east-1:000011112222:property"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateSubscription(ctx, smartprops.Subscription{
		ConfigurationID: configurationID,
		EventType:       smartprops.EventSkillFailure,
		Entities:        smartprops.UnitAndSkill("amzn1.alexa.unit.did.12345", "amzn1.ask.skill.concierge"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for subscription, err := range client.Subscriptions(ctx, smartprops.Filter{UnitID: "amzn1.alexa.unit.did.12345"}) {
		fmt.Println(subscription.EventType, string(subscription.Entities["unit"]), err)
	}
	// Output:
	// Alexa.Skill.Interaction.Failure {"type":"Unit","id":"amzn1.alexa.unit.did.12345"} <nil>
}

// An alarm when a skill fails. In a program, the function goes to a handler of
// package sns, which verifies the signature of SNS:
//
//	http.Handle("POST /sns", &sns.Handler{Verifier: &sns.Verifier{Topics: topics}, Receive: smartprops.Receive(alarm)})
func ExampleReceive() {
	alarm := func(_ context.Context, event smartprops.Event) error {
		switch event := event.(type) {
		case *smartprops.SkillFailure:
			fmt.Println("ALARM: the skill", event.SkillID, "failed at", event.Timestamp.Format(time.TimeOnly))
		case *smartprops.AutomationCompletion:
			for _, cause := range event.Errors {
				fmt.Println("the automation", event.AutomationID, "failed:", cause.Type, cause.ID)
			}
		}
		return nil // after the alarm was sent
	}
	receive := smartprops.Receive(alarm)
	for _, text := range []string{
		`{"header": {"version": "2.0", "eventId": {"id": "1"}, "eventTime": {"timestamp": "2026-11-21T22:00:00Z"},
			"eventType": {"namespace": "Alexa.Skill.Interaction", "name": "Failure"},
			"entities": {"unit": {"type": "Unit", "id": "amzn1.alexa.unit.did.12345"}, "skill": {"type": "Skill", "id": "amzn1.ask.skill.concierge"}}}}`,
		`{"header": {"version": "2.0", "eventId": {"id": "2"}, "eventTime": {"timestamp": "2026-11-21T22:00:05Z"},
			"eventType": {"namespace": "Alexa.Automation.Execution", "name": "Completion"}},
			"payload": {"automation": {"id": "amzn1.alexa.automation.night"}, "result": {"status": "FAILURE", "errors": [
				{"type": "ENDPOINT_NOT_FOUND", "message": "no such device", "id": "amzn1.alexa.endpoint.12345"}]}}}`,
	} {
		if err := receive(context.Background(), &sns.Message{Message: text}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// ALARM: the skill amzn1.ask.skill.concierge failed at 22:00:00
	// the automation amzn1.alexa.automation.night failed: ENDPOINT_NOT_FOUND amzn1.alexa.endpoint.12345
}

// A device that was set up is associated with its unit.
func ExampleClient_AssociateUnit() {
	cloud := alexatest.NewCloud() // Amazon in memory
	client := &smartprops.Client{HTTPClient: oauth2.NewClient(
		context.WithValue(context.Background(), oauth2.HTTPClient, cloud.Client()),
		oauth2.StaticTokenSource(&oauth2.Token{AccessToken: cloud.AccessToken(lwa.ScopeEnterpriseManagement)}),
	)}
	receive := smartprops.Receive(func(ctx context.Context, event smartprops.Event) error {
		completion, ok := event.(*smartprops.SetupCompletion)
		if !ok {
			return nil
		}
		ids := completion.EndpointIDs()
		if len(ids) == 0 {
			return fmt.Errorf("no endpoint in %v", completion) // look at completion.Raw
		}
		for _, id := range ids {
			id, err := client.AssociateUnit(ctx, id, "amzn1.alexa.unit.did.room-7")
			if err != nil {
				return err // SNS delivers the event again
			}
			fmt.Println(id, "is associated") // the ID from now on
		}
		return nil
	})

	err := receive(context.Background(), &sns.Message{Message: `{
		"header": {"version": "2.0", "eventId": {"id": "1"}, "eventType": {"namespace": "Alexa.Endpoint.Lifecycle", "name": "SetupCompletion"}},
		"payload": {"theMemberThatAmazonSends": "amzn1.alexa.endpoint.12345"}}`})
	fmt.Println(err)
	for endpoint, err := range client.Endpoints(context.Background(), smartprops.EndpointFilter{UnitID: "amzn1.alexa.unit.did.room-7"}) {
		fmt.Println("in the room:", endpoint.ID, err)
	}
	// Output:
	// amzn1.alexa.endpoint.12345 is associated
	// <nil>
	// in the room: amzn1.alexa.endpoint.12345 <nil>
}

// A program that creates a unit waits for this event before it creates units below
// it. The event may be delivered twice, and before the program waits.
func ExampleSubscriptionActivation() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const unitID = "amzn1.alexa.unit.did.new" // the unit that was created
	ready := make(chan struct{})
	activated := sync.OnceFunc(func() { close(ready) })
	receive := smartprops.Receive(func(_ context.Context, event smartprops.Event) error {
		if _, ok := event.(*smartprops.SubscriptionActivation); ok && event.Common().UnitID == unitID {
			activated()
		}
		return nil
	})

	message := &sns.Message{Message: `{"header": {"version": "2.0", "eventId": {"id": "1"},
		"eventType": {"namespace": "Alexa.Enterprise.Subscription", "name": "Activation"},
		"entities": {"unit": {"type": "Unit", "id": "amzn1.alexa.unit.did.new"}}}, "payload": {}}`}
	go func() { // SNS, twice
		_ = receive(ctx, message)
		_ = receive(ctx, message)
	}()
	select {
	case <-ready:
		fmt.Println("the unit is ready")
	case <-ctx.Done():
		fmt.Println(ctx.Err())
	}
	// Output:
	// the unit is ready
}

func ExampleTopicPolicyStatement() {
	statement, err := smartprops.TopicPolicyStatement("arn:aws:sns:us-east-1:000011112222:property")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(statement))
	// Output:
	// {
	//   "Action": "sns:Publish",
	//   "Effect": "Allow",
	//   "Principal": {
	//     "AWS": [
	//       "arn:aws:iam::006860194444:role/AlexaEventConsumerSnsIamRole"
	//     ]
	//   },
	//   "Resource": "arn:aws:sns:us-east-1:000011112222:property",
	//   "Sid": "grant-alexa-event-sns-publish"
	// }
}
