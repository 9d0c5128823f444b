package smartprops

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Configuration says where events go; Amazon's word is subscription
// configuration.
type Configuration struct {
	ID               string // given by Amazon
	DeliveryChannels []DeliveryChannel

	raw json.RawMessage
}

// DeliveryChannel is a way for events to go.
type DeliveryChannel struct {
	Type string `json:"type"` // empty is SNS, the only one that is known
	ID   string `json:"id"`   // the ARN of the SNS topic
}

// SNS is the type of a delivery channel to an SNS topic.
const SNS = "SNS"

// Raw returns the configuration as Amazon sent it, which may hold more than is
// documented. The caller must not change the bytes.
func (c Configuration) Raw() json.RawMessage { return c.raw }

// CreateConfiguration makes a configuration of the delivery channels and returns
// its ID.
func (c *Client) CreateConfiguration(ctx context.Context, configuration Configuration) (id string, err error) {
	body := wireConfiguration{IdempotencyToken: c.newToken()}
	for _, channel := range configuration.DeliveryChannels {
		if channel.Type == "" {
			channel.Type = SNS
		}
		if _, _, ok := rest.TopicARN(channel.ID); channel.Type == SNS && !ok {
			return "", invalid("Configuration.DeliveryChannels", topicRule)
		}
		body.DeliveryChannels = append(body.DeliveryChannels, channel)
	}
	if len(body.DeliveryChannels) == 0 {
		return "", invalid("Configuration.DeliveryChannels", "at least one is required")
	}
	return c.api().Create(ctx, "/subscriptionConfigurations", body, body.IdempotencyToken != "")
}

// Configuration returns a configuration.
func (c *Client) Configuration(ctx context.Context, id string) (Configuration, error) {
	path, err := resource("/subscriptionConfigurations", id)
	if err != nil {
		return Configuration{}, err
	}
	var answer json.RawMessage
	if err := c.api().Get(ctx, path, nil, &answer); err != nil {
		return Configuration{}, err
	}
	return readConfiguration(answer), nil
}

// Configurations yields the configurations that the token's user has created.
// The error is the last that it yields.
func (c *Client) Configurations(ctx context.Context) iter.Seq2[Configuration, error] {
	return rest.Pages(c.api(), func(token string) (configurations []Configuration, next string, err error) {
		items, next, err := c.page(ctx, "/subscriptionConfigurations", url.Values{}, token)
		for _, item := range items {
			configurations = append(configurations, readConfiguration(item))
		}
		return configurations, next, err
	})
}

// DeleteConfiguration deletes a configuration.
func (c *Client) DeleteConfiguration(ctx context.Context, id string) error {
	path, err := resource("/subscriptionConfigurations", id)
	if err != nil {
		return err
	}
	return c.api().Delete(ctx, path)
}

type wireConfiguration struct {
	ID               string            `json:"id,omitempty"`
	IdempotencyToken string            `json:"idempotencyToken,omitempty"`
	DeliveryChannels []DeliveryChannel `json:"deliveryChannels"`
}

// readConfiguration reads what Amazon sends of a configuration. Its form is not
// documented, so what has another form stays zero.
func readConfiguration(data json.RawMessage) Configuration {
	var wire wireConfiguration
	_ = json.Unmarshal(data, &wire)
	return Configuration{ID: wire.ID, DeliveryChannels: wire.DeliveryChannels, raw: data}
}
