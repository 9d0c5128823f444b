package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

// property raises an alarm when a skill fails in a unit of a property, such as a room
// of a hotel. Its fields are required.
type property struct {
	client   *smartprops.Client
	verifier *sns.Verifier // lists the topic
	logger   *slog.Logger

	topicARN string // SNS topic of the events
	skillID  string // skill to watch
	webhook  string // URL that receives a POST for each alarm
}

// handler returns the endpoint that is subscribed to the topic.
func (p *property) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /sns", &sns.Handler{Verifier: p.verifier, Receive: smartprops.Receive(p.receive), Logger: p.logger})
	return mux
}

// subscribe subscribes to the failures of the skill in these units. It creates what
// does not exist.
func (p *property) subscribe(ctx context.Context, unitIDs []string) error {
	configurationID, err := p.configuration(ctx)
	if err != nil {
		return err
	}
	for _, unitID := range unitIDs {
		if err := p.subscribeUnit(ctx, configurationID, unitID); err != nil {
			return fmt.Errorf("unit %s: %w", unitID, err)
		}
	}
	return nil
}

// configuration returns the ID of the configuration that names the topic.
func (p *property) configuration(ctx context.Context) (id string, err error) {
	channel := smartprops.DeliveryChannel{Type: smartprops.SNS, ID: p.topicARN}
	for configuration, err := range p.client.Configurations(ctx) {
		if err != nil {
			return "", err
		}
		if slices.Contains(configuration.DeliveryChannels, channel) {
			return configuration.ID, nil
		}
	}
	return p.client.CreateConfiguration(ctx, smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{channel}})
}

func (p *property) subscribeUnit(ctx context.Context, configurationID, unitID string) error {
	entities := smartprops.UnitAndSkill(unitID, p.skillID)
	existing := p.client.Subscriptions(ctx, smartprops.Filter{UnitID: unitID, EventType: smartprops.EventSkillFailure})
	for subscription, err := range existing {
		if err != nil {
			return err
		}
		if subscription.ConfigurationID == configurationID && bytes.Equal(subscription.Entities["skill"], entities["skill"]) {
			return nil
		}
	}
	_, err := p.client.CreateSubscription(ctx, smartprops.Subscription{
		ConfigurationID: configurationID, EventType: smartprops.EventSkillFailure, Entities: entities,
	})
	return err
}

// receive raises an alarm for each failure. Amazon reports a skill that timed out and
// one whose response was invalid with the same event, within 10 minutes. SNS
// redelivers an event if the webhook fails, and may deliver duplicates: eventId
// identifies them.
func (p *property) receive(ctx context.Context, event smartprops.Event) error {
	failure, ok := event.(*smartprops.SkillFailure)
	if !ok || failure.SkillID != p.skillID {
		return nil
	}
	return post(ctx, p.webhook, map[string]string{
		"text":    fmt.Sprintf("ALARM: %s timed out or failed in %s at %s", failure.SkillID, failure.UnitID, failure.Timestamp.Format(time.RFC3339)),
		"eventId": failure.ID,
	})
}

// post sends a JSON document.
func post(ctx context.Context, url string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // SNS waits 15
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook responded with %s", response.Status)
	}
	return nil
}
