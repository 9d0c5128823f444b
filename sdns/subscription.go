package sdns

import (
	"context"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Subscription says which events of a vendor's skills a subscriber gets.
type Subscription struct {
	ID   string `json:"subscriptionId,omitempty"` // given by Amazon
	Name string `json:"name"`                     // 1 to 255 characters

	// VendorID is whose skills the events are about. It can be another than the
	// vendor that owns the subscriber.
	VendorID     string `json:"vendorId,omitempty"`
	SubscriberID string `json:"subscriberId,omitempty"`

	Events []EventName `json:"events"`
}

// CreateSubscription makes a subscription and returns its ID. It needs a token
// of the subscriber's LWA client and of a user with a role in the vendor.
func (c *Client) CreateSubscription(ctx context.Context, subscription Subscription) (id string, err error) {
	if err := subscription.check(); err != nil {
		return "", err
	}
	if err := checkVendor("Subscription.VendorID", subscription.VendorID); err != nil {
		return "", err
	}
	if subscription.SubscriberID == "" {
		return "", invalid("Subscription.SubscriberID", "required")
	}
	subscription.ID = ""
	return c.api().Create(ctx, root+"/subscriptions", subscription, false)
}

// Subscription returns a subscription.
func (c *Client) Subscription(ctx context.Context, id string) (Subscription, error) {
	path, err := resource("subscriptions", id)
	if err != nil {
		return Subscription{}, err
	}
	var subscription Subscription
	err = c.api().Get(ctx, path, nil, &subscription)
	return subscription, err
}

// Subscriptions yields the subscriptions for the events of a vendor's skills:
// those of one subscriber, or of all if subscriberID is empty. The error is the
// last that it yields.
func (c *Client) Subscriptions(ctx context.Context, vendorID, subscriberID string) iter.Seq2[Subscription, error] {
	return rest.Pages(c.api(), func(token string) ([]Subscription, string, error) {
		if err := c.checkList(vendorID); err != nil {
			return nil, "", err
		}
		query := url.Values{"vendorId": {vendorID}}
		if subscriberID != "" {
			query.Set("subscriberId", subscriberID)
		}
		var answer struct {
			Subscriptions []Subscription `json:"subscriptions"`
			NextToken     string         `json:"nextToken"`
		}
		err := c.api().Get(ctx, root+"/subscriptions", rest.PageQuery(query, c.PageSize, token), &answer)
		return answer.Subscriptions, answer.NextToken, err
	})
}

// UpdateSubscription sets Name and Events of the subscription with this ID, both
// of them. Nothing else of a subscription can change.
func (c *Client) UpdateSubscription(ctx context.Context, subscription Subscription) error {
	path, err := resource("subscriptions", subscription.ID)
	if err != nil {
		return err
	}
	if err := subscription.check(); err != nil {
		return err
	}
	return c.api().Update(ctx, path, Subscription{Name: subscription.Name, Events: subscription.Events})
}

// DeleteSubscription deletes a subscription.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	path, err := resource("subscriptions", id)
	if err != nil {
		return err
	}
	return c.api().Delete(ctx, path)
}

func (s Subscription) check() error {
	switch n := len([]rune(s.Name)); {
	case n < 1 || n > maxLength:
		return invalid("Subscription.Name", "1 to 255 characters are required")
	case len(s.Events) == 0:
		return invalid("Subscription.Events", "at least one is required")
	}
	for _, event := range s.Events {
		switch {
		case event == "":
			return invalid("Subscription.Events", "an event has no name")
		case event.isAll() && len(s.Events) > 1:
			return invalid("Subscription.Events", "a wildcard must be the only entry")
		}
	}
	return nil
}
