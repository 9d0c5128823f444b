package sdns

import (
	"context"
	"iter"
	"net/url"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Subscription selects events of a vendor's skills for a subscriber.
type Subscription struct {
	ID   string `json:"subscriptionId,omitempty"` // assigned by Amazon
	Name string `json:"name"`                     // 1 to 255 characters

	// VendorID is the vendor of the skills. It can differ from the vendor that
	// owns the subscriber.
	VendorID     string `json:"vendorId,omitempty"`
	SubscriberID string `json:"subscriberId,omitempty"`

	Events []EventName `json:"events"`
}

// CreateSubscription creates a subscription and returns its ID. It needs a token
// of the subscriber's LWA client, of a user with a role in the vendor.
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

// Subscriptions yields the subscriptions to the events of a vendor's skills: those
// of one subscriber, or of all if subscriberID is empty. It ends after the first
// error.
func (c *Client) Subscriptions(ctx context.Context, vendorID, subscriberID string) iter.Seq2[Subscription, error] {
	return rest.Pages(c.api(), func(token string) ([]Subscription, string, error) {
		if err := c.checkList(vendorID); err != nil {
			return nil, "", err
		}
		query := url.Values{"vendorId": {vendorID}}
		if subscriberID != "" {
			query.Set("subscriberId", subscriberID)
		}
		var response struct {
			Subscriptions []Subscription `json:"subscriptions"`
			NextToken     string         `json:"nextToken"`
		}
		err := c.api().Get(ctx, root+"/subscriptions", rest.PageQuery(query, c.PageSize, token), &response)
		return response.Subscriptions, response.NextToken, err
	})
}

// UpdateSubscription replaces Name and Events of the subscription with this ID. The
// other fields of a subscription cannot change.
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
		return invalid("Subscription.Name", "must have 1 to 255 characters")
	case len(s.Events) == 0:
		return invalid("Subscription.Events", "must have at least one event")
	}
	for _, event := range s.Events {
		switch {
		case event == "":
			return invalid("Subscription.Events", "must not have an empty name")
		case event.isAll() && len(s.Events) > 1:
			return invalid("Subscription.Events", "a wildcard must be the only entry")
		}
	}
	return nil
}
