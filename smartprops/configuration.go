package smartprops

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Configuration is a destination of events. Amazon calls it a subscription
// configuration.
type Configuration struct {
	ID               string // assigned by Amazon
	DeliveryChannels []DeliveryChannel

	raw json.RawMessage
}

// DeliveryChannel is a way to deliver events.
type DeliveryChannel struct {
	Type string `json:"type"` // empty is SNS, the only known type
	ID   string `json:"id"`   // ARN of the SNS topic
}

// SNS is the type of a delivery channel to an SNS topic.
const SNS = "SNS"

// Raw returns the configuration as received. It may have undocumented members. The
// caller must not change the bytes.
func (c Configuration) Raw() json.RawMessage { return c.raw }

// CreateConfiguration creates a configuration with DeliveryChannels and returns its
// ID.
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
		return "", invalid("Configuration.DeliveryChannels", "must have at least one channel")
	}
	return c.api().Create(ctx, "/subscriptionConfigurations", body, body.IdempotencyToken != "")
}

// Configuration returns a configuration.
func (c *Client) Configuration(ctx context.Context, id string) (Configuration, error) {
	path, err := resource("/subscriptionConfigurations", id)
	if err != nil {
		return Configuration{}, err
	}
	var response json.RawMessage
	if err := c.api().Get(ctx, path, nil, &response); err != nil {
		return Configuration{}, err
	}
	return readConfiguration(response), nil
}

// Configurations yields the configurations that the token's user created. It ends
// after the first error.
func (c *Client) Configurations(ctx context.Context) iter.Seq2[Configuration, error] {
	return rest.Pages(c.api(), func(token string) (configurations []Configuration, next string, err error) {
		items, next, err := c.created(ctx, "/subscriptionConfigurations", url.Values{}, token)
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

// readConfiguration decodes a configuration. Amazon does not document its form: a
// member with an unexpected form stays zero.
func readConfiguration(data json.RawMessage) Configuration {
	var wire wireConfiguration
	_ = json.Unmarshal(data, &wire)
	return Configuration{ID: wire.ID, DeliveryChannels: wire.DeliveryChannels, raw: data}
}
