package alexatest

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	developmentEvents = "AlexaDevelopmentEvent."
	feedbackEvents    = "AlexaCustomerFeedbackEvent."
)

// DevelopmentEvent is what became of a developer's work on a skill, or a
// customer's review of it.
type DevelopmentEvent struct {
	Name     string // such as "AlexaDevelopmentEvent.ManifestUpdate"
	VendorID string // whose skill it is
	SkillID  string

	// AccessToken is the one that the developer worked with. A review needs
	// none.
	AccessToken string

	Status     string // "SUCCEEDED" or "FAILED"; empty is the former. A review has none.
	Locale     string // of an InteractionModelUpdate; empty is "en-US"
	StarRating string // of a SkillReviewPublish; empty is "5"
}

// NotifyDevelopers lets something become of the work on a skill, and notifies
// the subscribers of the event. It returns the request ID of that work, which is
// in the event; a review has none.
//
// Work notifies those subscribers alone that were made with tokens of the same
// client of Login with Amazon. A subscriber whose topic there is not, or which is
// closed to Alexa, becomes inactive.
//
// It panics if the access token is none of a user with a role in the vendor.
func (c *Cloud) NotifyDevelopers(event DevelopmentEvent) (requestID string) {
	switch {
	case !isEventName(event.Name) || isWildcard(event.Name):
		panic("alexatest: no such event: " + event.Name)
	case event.VendorID == "":
		panic("alexatest: a development event needs a VendorID")
	}
	document := members{"timestamp": time.Now().UTC().Format(time.RFC3339), "eventName": event.Name}
	payload := event.payload()
	defer c.lock()()
	isReview := strings.HasPrefix(event.Name, feedbackEvents)
	client := ""
	if !isReview {
		developer := c.login.authorized(event.AccessToken)
		if developer == nil || !c.smapi.hasRole(developer, event.VendorID) {
			panic("alexatest: the access token is none of a user with a role in " + event.VendorID)
		}
		client, requestID = developer.client, uuid.NewString()
		document["requestId"] = requestID
		payload["actor"] = members{"customerId": developer.customer}
		payload["status"] = cmp.Or(event.Status, "SUCCEEDED")
	}
	for _, subscription := range c.smapi.subscriptions {
		subscriber := c.smapi.subscriber(subscription.SubscriberID)
		if subscription.VendorID != event.VendorID || !subscription.covers(event.Name) || !isReview && subscriber.ClientID != client {
			continue
		}
		payload["subscription"] = members{"subscriptionId": subscription.ID}
		document["payload"] = payload
		message, err := json.Marshal(document)
		must(err)
		c.smapi.publish(subscriber, message)
	}
	return requestID
}

// payload returns what an event is about. Events that are not documented are
// about a skill.
func (e DevelopmentEvent) payload() members {
	skill := members{"skillId": e.SkillID, "vendorId": e.VendorID}
	switch e.Name {
	case developmentEvents + "InteractionModelUpdate":
		skill["locale"] = cmp.Or(e.Locale, "en-US")
		return members{"interactionModel": skill}
	case feedbackEvents + "SkillReviewPublish":
		id := "R" + strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", ""))[:13]
		return members{"skill": skill, "review": members{
			"reviewId": id, "url": "https://www.amazon.com/review/" + id, "starRating": cmp.Or(e.StarRating, "5"),
		}}
	}
	return members{"skill": skill}
}

// isEventName leaves room for events that are newer than this package.
func isEventName(name string) bool {
	feedback, isFeedback := strings.CutPrefix(name, feedbackEvents)
	return strings.HasPrefix(name, developmentEvents) && name != developmentEvents ||
		isFeedback && feedback != "" && !strings.EqualFold(feedback, "All")
}

// isWildcard knows the spellings of Amazon's model and of its documents.
func isWildcard(name string) bool {
	return name == developmentEvents+"All" || name == developmentEvents+"ALL"
}
