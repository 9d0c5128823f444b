package alexatest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

type subscription struct {
	subscriptionBody
	ID           string `json:"subscriptionId"`
	VendorID     string `json:"vendorId"`
	SubscriberID string `json:"subscriberId"`
}

// subscriptionBody is what can be set of a subscription at any time.
type subscriptionBody struct {
	Name   string   `json:"name"`
	Events []string `json:"events"`
}

func (b *subscriptionBody) check(wrong *violations) {
	wrong.require(isLength(b.Name), "name: not of 1 to 255 characters")
	wrong.require(len(b.Events) > 0, "events: required")
	for _, event := range b.Events {
		wrong.require(isEventName(event), "events: no such event")
		wrong.require(!isWildcard(event) || len(b.Events) == 1, "events: a wildcard must be the only entry")
	}
}

func (b *subscriptionBody) covers(event string) bool {
	return slices.Contains(b.Events, event) ||
		strings.HasPrefix(event, developmentEvents) && slices.ContainsFunc(b.Events, isWildcard)
}

func (s *smapi) createSubscription(c call) *http.Response {
	var created subscription
	refusal := c.read(&created, func(wrong *violations) {
		created.check(wrong)
		wrong.requireVendor(created.VendorID)
		wrong.require(created.SubscriberID != "", "subscriberId: required")
	})
	if refusal == nil {
		refusal = s.mayPublish(c, &created)
	}
	if refusal != nil {
		return refusal
	}
	created.ID = "amzn1.ask-subscription." + uuid.NewString()
	s.subscriptions = append(s.subscriptions, &created)
	return s.created(c, "subscriptions", created.ID)
}

// mayPublish returns the answer to those who may not create or update the
// subscription: it takes a token of the client that made the subscriber, and a
// role in the vendor whose events are published.
func (s *smapi) mayPublish(c call, of *subscription) *http.Response {
	subscriber := s.subscriber(of.SubscriberID)
	switch {
	case subscriber == nil:
		return notFound(c)
	case subscriber.ClientID != c.caller.client, !s.hasRole(c.caller, of.VendorID):
		return forbidden(c)
	}
	return nil
}

func (s *smapi) listSubscriptions(c call) *http.Response {
	return s.list(c, "subscriptions", func(vendorID string) (items []any) {
		subscriberID := c.URL.Query().Get("subscriberId")
		for _, subscription := range s.subscriptions {
			if subscription.VendorID == vendorID && (subscriberID == "" || subscriberID == subscription.SubscriberID) {
				items = append(items, subscription)
			}
		}
		return items
	})
}

// subscription returns the subscription that a request is about, or the answer to
// those who may not ask. Either vendor may, that of the subscriber or that of
// the events.
func (s *smapi) subscription(c call) (*subscription, *http.Response) {
	i := slices.IndexFunc(s.subscriptions, func(s *subscription) bool { return s.ID == c.id })
	if i < 0 {
		return nil, notFound(c)
	}
	found := s.subscriptions[i]
	if !s.hasRole(c.caller, found.VendorID) && !s.hasRole(c.caller, s.subscriber(found.SubscriberID).vendor) {
		return nil, forbidden(c)
	}
	return found, nil
}

func (s *smapi) getSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal != nil {
		return refusal
	}
	return respondJSON(c.Request, http.StatusOK, found)
}

func (s *smapi) updateSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal == nil {
		refusal = s.mayPublish(c, found)
	}
	var body subscriptionBody
	if refusal == nil {
		refusal = c.read(&body, body.check)
	}
	if refusal != nil {
		return refusal
	}
	found.subscriptionBody = body
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}

func (s *smapi) deleteSubscription(c call) *http.Response {
	found, refusal := s.subscription(c)
	if refusal != nil {
		return refusal
	}
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(other *subscription) bool { return other == found })
	return respond(c.Request, http.StatusNoContent, "application/json", nil)
}
