package sdns

import (
	"context"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Subscriber receives notifications: it is an SNS topic and a role that may publish
// to it. Its subscriptions select the notifications.
type Subscriber struct {
	ID       string // assigned by Amazon
	Name     string
	VendorID string // owner; [Client] returns it empty, since Amazon does not send it
	TopicARN string // SNS topic; Amazon's endpoint.uri
	RoleARN  string // IAM role, see [TrustPolicy]; Amazon's endpoint.authorization.arn

	// Only [Client.Subscribers] returns Status and ClientID.
	Status   SubscriberStatus
	ClientID string // LWA client whose token created the subscriber
}

// SubscriberStatus says whether a subscriber receives notifications. Values other
// than the constants are possible.
type SubscriberStatus string

const (
	// Active subscribers receive notifications.
	Active SubscriberStatus = "ACTIVE"
	// Inactive subscribers receive none, because Amazon could not deliver one.
	// Fix the topic or role, then call [Client.Reactivate].
	Inactive SubscriberStatus = "INACTIVE"
)

// CreateSubscriber creates a subscriber with Name, VendorID, TopicARN and RoleARN,
// and returns its ID. Amazon then publishes an empty object to the topic.
func (c *Client) CreateSubscriber(ctx context.Context, subscriber Subscriber) (id string, err error) {
	if err := subscriber.check(); err != nil {
		return "", err
	}
	if err := checkVendor("Subscriber.VendorID", subscriber.VendorID); err != nil {
		return "", err
	}
	body := subscriber.wire()
	body.VendorID = subscriber.VendorID
	return c.api().Create(ctx, root+"/subscribers", body, false)
}

// Subscriber returns the ID, Name, TopicARN and RoleARN of a subscriber.
// [Client.Subscribers] also returns its Status and ClientID.
func (c *Client) Subscriber(ctx context.Context, id string) (Subscriber, error) {
	path, err := resource("subscribers", id)
	if err != nil {
		return Subscriber{}, err
	}
	var response wireSubscriber
	err = c.api().Get(ctx, path, nil, &response)
	return response.subscriber(), err
}

// Subscribers yields the subscribers that a vendor owns. It ends after the first
// error.
func (c *Client) Subscribers(ctx context.Context, vendorID string) iter.Seq2[Subscriber, error] {
	return rest.Pages(c.api(), func(token string) (subscribers []Subscriber, next string, err error) {
		if err := c.checkList(vendorID); err != nil {
			return nil, "", err
		}
		var response struct {
			Subscribers []wireSubscriber `json:"subscribers"`
			NextToken   string           `json:"nextToken"`
		}
		err = c.api().Get(ctx, root+"/subscribers", rest.PageQuery(url.Values{"vendorId": {vendorID}}, c.PageSize, token), &response)
		for _, s := range response.Subscribers {
			subscribers = append(subscribers, s.subscriber())
		}
		return subscribers, response.NextToken, err
	})
}

// UpdateSubscriber replaces Name, TopicARN and RoleARN of the subscriber with this
// ID, and makes it active.
func (c *Client) UpdateSubscriber(ctx context.Context, subscriber Subscriber) error {
	path, err := resource("subscribers", subscriber.ID)
	if err != nil {
		return err
	}
	if err := subscriber.check(); err != nil {
		return err
	}
	return c.api().Update(ctx, path, subscriber.wire())
}

// Reactivate makes an inactive subscriber active, as Amazon documents it: with an
// update that changes nothing. Fix the topic or role first.
func (c *Client) Reactivate(ctx context.Context, id string) error {
	subscriber, err := c.Subscriber(ctx, id)
	if err != nil {
		return err
	}
	subscriber.ID = id
	return c.UpdateSubscriber(ctx, subscriber)
}

// DeleteSubscriber deletes a subscriber.
func (c *Client) DeleteSubscriber(ctx context.Context, id string) error {
	path, err := resource("subscribers", id)
	if err != nil {
		return err
	}
	return c.api().Delete(ctx, path)
}

// wireSubscriber is a subscriber in Amazon's JSON.
type wireSubscriber struct {
	ID       string           `json:"subscriberId,omitempty"`
	Name     string           `json:"name"`
	VendorID string           `json:"vendorId,omitempty"`
	Endpoint endpoint         `json:"endpoint"`
	Status   SubscriberStatus `json:"status,omitempty"`
	ClientID string           `json:"clientId,omitempty"`
}

type endpoint struct {
	URI           string        `json:"uri"`
	Authorization authorization `json:"authorization"`
}

type authorization struct {
	Type string `json:"type"`
	ARN  string `json:"arn"`
}

// wire returns the fields that an update can set.
func (s Subscriber) wire() wireSubscriber {
	return wireSubscriber{Name: s.Name, Endpoint: endpoint{s.TopicARN, authorization{"AWS_IAM", s.RoleARN}}}
}

func (w wireSubscriber) subscriber() Subscriber {
	return Subscriber{
		ID: w.ID, Name: w.Name, VendorID: w.VendorID,
		TopicARN: w.Endpoint.URI, RoleARN: w.Endpoint.Authorization.ARN,
		Status: w.Status, ClientID: w.ClientID,
	}
}

func (s Subscriber) check() error {
	if s.Name == "" {
		return invalid("Subscriber.Name", "required")
	}
	if _, _, ok := rest.TopicARN(s.TopicARN); !ok {
		return invalid("Subscriber.TopicARN", topicRule)
	}
	if !rest.IsRoleARN(s.RoleARN) {
		return invalid("Subscriber.RoleARN", "must be the ARN of an IAM role, arn:aws:iam::123456789012:role/Name")
	}
	return nil
}
