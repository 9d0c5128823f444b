package backend

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

// The topics of Amazon SNS that Amazon publishes to: notifications about the
// development of the skill, and events of a hotel whose rooms have Alexa.
const (
	SkillsTopic = "arn:aws:sns:us-east-1:000011112222:skills"
	HotelTopic  = "arn:aws:sns:us-east-1:000011112222:hotel"
)

// notifications adds the endpoints that are subscribed to the topics.
func (b *Skill) notifications(mux *http.ServeMux) {
	mux.Handle("POST /sns/skills", b.Topic(SkillsTopic, sdns.Receive(b.OnDevelopmentEvent)))
	mux.Handle("POST /sns/hotel", b.Topic(HotelTopic, smartprops.Receive(b.onHotelEvent)))
}

// Topic returns the endpoint that receives the messages of a topic.
func (b *Skill) Topic(arn string, receive func(context.Context, *sns.Message) error) http.Handler {
	return &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{arn}, RequireSHA256: true, HTTPClient: b.Verifier.HTTPClient},
		Receive:  receive,
		Logger:   b.Verifier.Logger,
	}
}

// OnDevelopmentEvent stores a notification about the development of the skill.
func (b *Skill) OnDevelopmentEvent(ctx context.Context, event sdns.Event) error {
	e := event.Common()
	id := string(e.EventName) + " " + e.RequestID
	switch event := event.(type) {
	case *sdns.Verification:
		return nil // Amazon can publish to the topic
	case *sdns.InteractionModelUpdate:
		id += " " + event.Locale // a request may have an event for each of several locales
	}
	return b.AddNotification(ctx, id, fmt.Sprintf("%s: %s", e.EventName, e.Status))
}

func (b *Skill) onHotelEvent(ctx context.Context, event smartprops.Event) error {
	e := event.Common()
	return b.AddNotification(ctx, e.ID, fmt.Sprintf("%s: %s", e.Type, e.UnitID))
}

// Subscribe subscribes the topics to the events. The client sends the developer's
// access token. Call it once, after the endpoints are subscribed to the topics.
func Subscribe(ctx context.Context, client *http.Client, vendorID string) error {
	skills, hotel := &sdns.Client{HTTPClient: client}, &smartprops.Client{HTTPClient: client}
	subscriberID, err := skills.CreateSubscriber(ctx, sdns.Subscriber{
		Name: "quickstart", VendorID: vendorID,
		TopicARN: SkillsTopic, RoleARN: "arn:aws:iam::000011112222:role/skills",
	})
	if err != nil {
		return err
	}
	_, err = skills.CreateSubscription(ctx, sdns.Subscription{
		Name: "quickstart", VendorID: vendorID, SubscriberID: subscriberID, Events: []sdns.EventName{sdns.EventAll},
	})
	if err != nil {
		return err
	}
	configurationID, err := hotel.CreateConfiguration(ctx, smartprops.Configuration{
		DeliveryChannels: []smartprops.DeliveryChannel{{ID: HotelTopic}},
	})
	if err != nil {
		return err
	}
	_, err = hotel.CreateSubscription(ctx, smartprops.Subscription{
		ConfigurationID: configurationID, EventType: smartprops.EventSkillFailure, Entities: smartprops.UnitAndSkill("room-7", SkillID),
	})
	return err
}
