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

// DevelopmentEvent is the outcome of a build, certification or other step in the
// development of a skill, or a customer's review of the skill.
type DevelopmentEvent struct {
	Name     string // event name, such as "AlexaDevelopmentEvent.ManifestUpdate"
	VendorID string // vendor of the skill
	SkillID  string // ID of the skill

	// AccessToken is the developer's token for the request that caused the event.
	// It is not used for a review.
	AccessToken string

	Status     string // "SUCCEEDED" or "FAILED", not used for a review; empty is "SUCCEEDED"
	Locale     string // locale of an InteractionModelUpdate; empty is "en-US"
	StarRating string // rating of a SkillReviewPublish; empty is "5"
}

// NotifyDevelopers simulates the outcome of a build, certification or review, and
// publishes the event to its subscribers. It returns the request ID in the event,
// empty for a review.
//
// Only a review reaches every subscriber. The other events reach the subscribers that
// were created with tokens of the same client of Login with Amazon. A subscriber
// whose topic does not exist, or is closed to Alexa, becomes inactive.
//
// It panics if the user of the access token has no role in the vendor.
func (c *Cloud) NotifyDevelopers(event DevelopmentEvent) (requestID string) {
	event.check()
	defer c.lock()()
	client, customer := "", ""
	if !event.isReview() {
		developer := c.login.authorized(event.AccessToken)
		if developer == nil || !c.smapi.hasRole(developer, event.VendorID) {
			panic(invalid("the user of the access token has no role in %s", event.VendorID))
		}
		client, customer = developer.client, developer.customer
	}
	document, requestID := event.document(customer)
	for _, subscription := range c.smapi.subscriptions {
		subscriber := c.smapi.subscriber(subscription.SubscriberID)
		if subscription.VendorID != event.VendorID || !subscription.covers(event.Name) || !event.isReview() && subscriber.ClientID != client {
			continue
		}
		c.smapi.publish(subscriber, messageFor(document, subscription.ID))
	}
	return requestID
}

// Message returns the message of the event for [Cloud.NewSNSRequest], as Amazon
// publishes it for the subscription of a developer. It does not use AccessToken. It
// panics if the event has no valid Name or no VendorID.
func (e DevelopmentEvent) Message() []byte {
	e.check()
	document, _ := e.document("amzn1.account.DEVELOPER")
	return messageFor(document, "amzn1.ask-subscription."+uuid.NewString())
}

func (e DevelopmentEvent) check() {
	switch {
	case !isEventName(e.Name) || isWildcard(e.Name):
		panic(invalid("unknown event: %s", e.Name))
	case e.VendorID == "":
		panic(invalid("a development event needs a VendorID"))
	}
}

func (e DevelopmentEvent) isReview() bool { return strings.HasPrefix(e.Name, feedbackEvents) }

// document returns the message of an event that the customer caused, without a
// subscription. The request ID is empty for a review.
func (e DevelopmentEvent) document(customer string) (document members, requestID string) {
	payload := e.payload()
	document = members{"timestamp": time.Now().UTC().Format(time.RFC3339), "eventName": e.Name, "payload": payload}
	if !e.isReview() {
		requestID = uuid.NewString()
		document["requestId"] = requestID
		payload["actor"] = members{"customerId": customer}
		payload["status"] = cmp.Or(e.Status, "SUCCEEDED")
	}
	return document, requestID
}

func messageFor(document members, subscriptionID string) []byte {
	document["payload"].(members)["subscription"] = members{"subscriptionId": subscriptionID}
	message, err := json.Marshal(document)
	must(err)
	return message
}

// payload returns the payload of an event. For undocumented events it has the skill.
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

// isEventName accepts events that are newer than this package.
func isEventName(name string) bool {
	feedback, isFeedback := strings.CutPrefix(name, feedbackEvents)
	return strings.HasPrefix(name, developmentEvents) && name != developmentEvents ||
		isFeedback && feedback != "" && !strings.EqualFold(feedback, "All")
}

// isWildcard accepts the spellings in Amazon's model and in its documents.
func isWildcard(name string) bool {
	return name == developmentEvents+"All" || name == developmentEvents+"ALL"
}
