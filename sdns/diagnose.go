package sdns

import (
	"context"
	"slices"
)

// Question describes a missing notification.
type Question struct {
	SubscriberID string // required
	VendorID     string // vendor whose skills the notification is about; required

	// OwnerID is the vendor ID of the subscriber's owner, whose token alone can
	// read the subscriber's status. Empty skips the checks of the subscriber.
	OwnerID string

	// Event is the missing event. Empty is any event.
	Event EventName

	// ClientID is the LWA client whose token changes the skill. It is compared
	// with the subscriber's client if OwnerID is set. Empty skips the check.
	ClientID string
}

// Problem is a reason why a notification is missing.
type Problem string

// The problems that Amazon's responses prove.
const (
	NoSubscriber       Problem = "the owner has no subscriber with this ID"
	SubscriberInactive Problem = "the subscriber is inactive because Amazon could not deliver a notification: fix the topic or role, then call Reactivate"
	OtherClient        Problem = "the subscriber was created with a token of another LWA client than the one that changes the skill: use tokens of one security profile for both"
	NoSubscription     Problem = "the subscriber has no subscription for this vendor: call CreateSubscription"
	NotSubscribed      Problem = "no subscription of this vendor covers the event: call UpdateSubscription"
)

// Diagnosis is what [Client.Diagnose] found.
type Diagnosis struct {
	Problems []Problem // proven problems; empty without one
	Advice   []string  // checks that Amazon recommends and the API does not offer
}

// Diagnose finds reasons why a notification is missing. Amazon reports the status
// of a subscriber only to its owner, so Diagnose finds less for a developer who uses
// an organization's subscriber. An error means that a request failed.
func (c *Client) Diagnose(ctx context.Context, question Question) (Diagnosis, error) {
	if question.SubscriberID == "" {
		return Diagnosis{}, invalid("Question.SubscriberID", "required")
	}
	diagnosis := Diagnosis{Advice: advice(question)}
	if question.OwnerID != "" {
		problems, err := c.subscriberProblems(ctx, question)
		if err != nil {
			return Diagnosis{}, err
		}
		diagnosis.Problems = problems
	}
	var events []EventName
	found := false
	for subscription, err := range c.Subscriptions(ctx, question.VendorID, question.SubscriberID) {
		if err != nil {
			return Diagnosis{}, err
		}
		if subscription.SubscriberID != question.SubscriberID {
			continue
		}
		found = true
		events = append(events, subscription.Events...)
	}
	covers := func(subscribed EventName) bool { return subscribed.Covers(question.Event) }
	switch {
	case !found:
		diagnosis.Problems = append(diagnosis.Problems, NoSubscription)
	case question.Event != "" && !slices.ContainsFunc(events, covers):
		diagnosis.Problems = append(diagnosis.Problems, NotSubscribed)
	}
	return diagnosis, nil
}

func (c *Client) subscriberProblems(ctx context.Context, question Question) (problems []Problem, err error) {
	for subscriber, err := range c.Subscribers(ctx, question.OwnerID) {
		if err != nil {
			return nil, err
		}
		if subscriber.ID != question.SubscriberID {
			continue
		}
		if subscriber.Status == Inactive {
			problems = append(problems, SubscriberInactive)
		}
		if question.ClientID != "" && subscriber.ClientID != "" && subscriber.ClientID != question.ClientID {
			problems = append(problems, OtherClient)
		}
		return problems, nil
	}
	return []Problem{NoSubscriber}, nil
}

// advice returns the causes in Amazon's list that the API cannot check.
func advice(question Question) []string {
	all := []string{
		"Changes made in the developer console cause no notification: use the ASK CLI or the Skill Management API.",
	}
	if question.ClientID == "" || question.OwnerID == "" {
		all = append(all, "The token that changes the skill and the one that created the subscription must come from the same LWA security profile: a developer of an organization uses the token that the organization obtained.")
	}
	if question.OwnerID == "" {
		return append(all, "The subscriber may be inactive: only its owner can check.")
	}
	return append(all,
		"The role must trust the AWS account "+account+", with the vendor ID of the subscriber's owner as external ID: compare it with TrustPolicy.",
		"The role must be allowed to publish to the topic, and to use the topic's key if it is encrypted: compare it with PermissionPolicy.",
		"The topic must have a confirmed subscription of your endpoint.",
	)
}
