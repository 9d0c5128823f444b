package sdns

import (
	"context"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Subscriber is who gets notifications: an SNS topic, and the right to publish
// to it. Its subscriptions say which notifications.
type Subscriber struct {
	ID   string // given by Amazon
	Name string

	// VendorID is the owner. Amazon asks for it and never tells it: it is empty
	// in what the methods of [Client] return.
	VendorID string

	TopicARN string // the SNS topic; Amazon's endpoint.uri
	RoleARN  string // the IAM role, see [TrustPolicy]; Amazon's endpoint.authorization.arn

	// Status and ClientID are only in what [Client.Subscribers] returns.
	Status   SubscriberStatus
	ClientID string // the LWA client whose token made the subscriber
}

// SubscriberStatus says whether a subscriber gets notifications. Other values
// than the constants are possible.
type SubscriberStatus string

const (
	// Active subscribers get notifications.
	Active SubscriberStatus = "ACTIVE"
	// Inactive subscribers get none, since Amazon could not deliver one. Mend
	// what was wrong with topic or role, then call [Client.Reactivate].
	Inactive SubscriberStatus = "INACTIVE"
)

// CreateSubscriber makes a subscriber of Name, VendorID, TopicARN and RoleARN,
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

// Subscriber returns the ID, Name, TopicARN and RoleARN of a subscriber. What
// else there is to know, [Client.Subscribers] tells.
func (c *Client) Subscriber(ctx context.Context, id string) (Subscriber, error) {
	path, err := resource("subscribers", id)
	if err != nil {
		return Subscriber{}, err
	}
	var answer wireSubscriber
	err = c.api().Get(ctx, path, nil, &answer)
	return answer.subscriber(), err
}

// Subscribers yields the subscribers that a vendor owns. The error is the last
// that it yields.
func (c *Client) Subscribers(ctx context.Context, vendorID string) iter.Seq2[Subscriber, error] {
	return rest.Pages(c.api(), func(token string) (subscribers []Subscriber, next string, err error) {
		if err := c.checkList(vendorID); err != nil {
			return nil, "", err
		}
		var answer struct {
			Subscribers []wireSubscriber `json:"subscribers"`
			NextToken   string           `json:"nextToken"`
		}
		err = c.api().Get(ctx, root+"/subscribers", rest.PageQuery(url.Values{"vendorId": {vendorID}}, c.PageSize, token), &answer)
		for _, s := range answer.Subscribers {
			subscribers = append(subscribers, s.subscriber())
		}
		return subscribers, answer.NextToken, err
	})
}

// UpdateSubscriber sets Name, TopicARN and RoleARN of the subscriber with this
// ID, all of them, and makes it active.
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

// Reactivate makes an inactive subscriber active again: it updates it with what
// it has already, which is how Amazon wants it done. Mend what was wrong first.
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

// wireSubscriber is a subscriber as Amazon sends and takes it.
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

// wire returns what can be set of a subscriber at any time.
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
		return invalid("Subscriber.RoleARN", "the ARN of an IAM role is required, arn:aws:iam::123456789012:role/Name")
	}
	return nil
}
