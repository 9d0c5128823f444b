package sdns

import (
	"strings"
)

// EventName names an event to subscribe to. Values other than the constants are
// possible.
type EventName string

// The events that Amazon documents.
const (
	EventManifestUpdate         EventName = "AlexaDevelopmentEvent.ManifestUpdate"
	EventInteractionModelUpdate EventName = "AlexaDevelopmentEvent.InteractionModelUpdate"
	EventSkillCertification     EventName = "AlexaDevelopmentEvent.SkillCertification"
	EventSkillPublish           EventName = "AlexaDevelopmentEvent.SkillPublish"

	// EventSkillReviewPublish is not a development event: no wildcard covers it.
	EventSkillReviewPublish EventName = "AlexaCustomerFeedbackEvent.SkillReviewPublish"
)

// The wildcard covers all development events, future ones too, and must be the
// only entry of a subscription. Amazon spells it in two ways, and which one the
// service accepts is not known: if it refuses one with [alexaevents.ErrInvalid],
// send the other.
const (
	EventAll           EventName = "AlexaDevelopmentEvent.All" // in Amazon's model
	EventAllDocumented EventName = "AlexaDevelopmentEvent.ALL" // in Amazon's documents
)

const developmentEvents = "AlexaDevelopmentEvent."

func (n EventName) isAll() bool { return n == EventAll || n == EventAllDocumented }

// Covers reports whether a subscription to n receives the event: n is the event, or
// n is the wildcard in either spelling and the event is a development event.
func (n EventName) Covers(event EventName) bool {
	if n == event {
		return true
	}
	return n.isAll() && strings.HasPrefix(string(event), developmentEvents)
}

// ManifestUpdate reports the result of a request to create a skill or to update its
// manifest (AlexaDevelopmentEvent.ManifestUpdate).
type ManifestUpdate struct{ Envelope }

// InteractionModelUpdate reports the result of the build of an interaction model
// (AlexaDevelopmentEvent.InteractionModelUpdate). Each locale has its own event.
type InteractionModelUpdate struct {
	Envelope

	Locale string // such as "en-US"
}

// SkillCertification reports the result of the certification checks that follow the
// basic ones (AlexaDevelopmentEvent.SkillCertification).
type SkillCertification struct{ Envelope }

// SkillPublish reports the result of the publication of a skill, which follows its
// certification (AlexaDevelopmentEvent.SkillPublish).
type SkillPublish struct{ Envelope }

// SkillReviewPublish reports a customer's review of a skill that was published or
// changed (AlexaCustomerFeedbackEvent.SkillReviewPublish). A rating without text
// causes no event. It has no Status, CustomerID or RequestID.
type SkillReviewPublish struct {
	Envelope

	ReviewID   string
	URL        string
	StarRating string // "1" to "5"
}

// Verification is the empty object that Amazon publishes to the topic of a new
// subscriber. It shows that Amazon can publish to the topic. Acknowledge it.
type Verification struct{ Envelope }

// types returns an empty event for each known name.
var types = map[EventName]func() Event{
	EventManifestUpdate:         func() Event { return new(ManifestUpdate) },
	EventInteractionModelUpdate: func() Event { return new(InteractionModelUpdate) },
	EventSkillCertification:     func() Event { return new(SkillCertification) },
	EventSkillPublish:           func() Event { return new(SkillPublish) },
	EventSkillReviewPublish:     func() Event { return new(SkillReviewPublish) },
}
