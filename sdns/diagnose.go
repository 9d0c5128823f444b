package sdns

import (
	"context"
	"slices"
)

// Question is a notification that does not come. The zero value of a field
// leaves out what it would be needed for.
type Question struct {
	SubscriberID string // required

	// VendorID is whose skills the notification would be about; required.
	VendorID string

	// OwnerID is the vendor ID of the subscriber's owner. Only the owner's token
	// can look at the subscriber. Empty leaves the subscriber out.
	OwnerID string

	// Event is the event that is not notified. Empty is any.
	Event EventName

	// ClientID is the LWA client whose token changes the skill. Empty is not
	// compared with that of the subscriber. Needs OwnerID.
	ClientID string
}

// Problem is a reason why a notification does not come.
type Problem string

// The problems that Amazon's answers prove.
const (
	NoSubscriber       Problem = "the owner has no subscriber with this ID"
	SubscriberInactive Problem = "the subscriber is inactive since a notification could not be delivered: mend topic or role, then call Reactivate"
	OtherClient        Problem = "the subscriber was made with a token of another LWA client than the one that changes the skill: use tokens of one security profile for both"
	NoSubscription     Problem = "the subscriber has no subscription for this vendor: call CreateSubscription"
	NotSubscribed      Problem = "no subscription of this vendor covers the event: call UpdateSubscription"
)

// Diagnosis is what [Client.Diagnose] found.
type Diagnosis struct {
	Problems []Problem // what is wrong for certain, empty if nothing is
	Advice   []string  // what Amazon says to check and cannot be seen from here
}

// Diagnose looks for the reason why a notification does not come. Amazon reports
// the status of a subscriber to its owner alone, so a developer who subscribed
// to an organization's learns less. An error means that Amazon did not answer.
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

// advice is the rest of Amazon's list of causes.
func advice(question Question) []string {
	all := []string{
		"Changes that are made in the developer console are not notified: use the ASK CLI or the Skill Management API.",
	}
	if question.ClientID == "" || question.OwnerID == "" {
		all = append(all, "The token that changes the skill and the one that made the subscription must come from the same LWA security profile: in an organization, from the one that the organization obtained for the developer.")
	}
	if question.OwnerID == "" {
		return append(all, "The subscriber may be inactive: its owner can tell.")
	}
	return append(all,
		"The role must trust the AWS account "+account+", with the vendor ID of the subscriber's owner as external ID: compare it with TrustPolicy.",
		"The role must be allowed to publish to the topic, and to use the topic's key if it is encrypted: compare it with PermissionPolicy.",
		"The topic must have a confirmed subscription of your endpoint.",
	)
}
