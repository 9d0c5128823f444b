package sdns

import (
	"strings"
)

// EventName names an event to subscribe to. Other values than the constants are
// possible.
type EventName string

// The events that Amazon documents.
const (
	EventManifestUpdate         EventName = "AlexaDevelopmentEvent.ManifestUpdate"
	EventInteractionModelUpdate EventName = "AlexaDevelopmentEvent.InteractionModelUpdate"
	EventSkillCertification     EventName = "AlexaDevelopmentEvent.SkillCertification"
	EventSkillPublish           EventName = "AlexaDevelopmentEvent.SkillPublish"

	// EventSkillReviewPublish is no development event: no wildcard covers it.
	EventSkillReviewPublish EventName = "AlexaCustomerFeedbackEvent.SkillReviewPublish"
)

// The wildcard stands for all development events, also those to come, and must
// be the only entry of a subscription. Amazon spells it in two ways. Which of
// them the service takes is not known: if it refuses one as [alexaevents.ErrInvalid], send
// the other.
const (
	EventAll           EventName = "AlexaDevelopmentEvent.All" // in Amazon's model
	EventAllDocumented EventName = "AlexaDevelopmentEvent.ALL" // in Amazon's documents
)

const developmentEvents = "AlexaDevelopmentEvent."

func (n EventName) isAll() bool { return n == EventAll || n == EventAllDocumented }

// Covers reports whether a subscription to n gets the event: it is the same, or
// n is the wildcard in either spelling and the event a development event.
func (n EventName) Covers(event EventName) bool {
	if n == event {
		return true
	}
	return n.isAll() && strings.HasPrefix(string(event), developmentEvents)
}

// ManifestUpdate says that a request to create a skill or to update its manifest
// has ended (AlexaDevelopmentEvent.ManifestUpdate).
type ManifestUpdate struct{ Envelope }

// InteractionModelUpdate says that the build of an interaction model has ended
// (AlexaDevelopmentEvent.InteractionModelUpdate). Each locale has its own.
type InteractionModelUpdate struct {
	Envelope

	Locale string // such as "en-US"
}

// SkillCertification says that the checks of the certification beyond the basic
// ones have ended (AlexaDevelopmentEvent.SkillCertification).
type SkillCertification struct{ Envelope }

// SkillPublish says that the publication of a skill, which follows its
// certification, has ended (AlexaDevelopmentEvent.SkillPublish).
type SkillPublish struct{ Envelope }

// SkillReviewPublish says that a customer's review of a skill was published or
// changed (AlexaCustomerFeedbackEvent.SkillReviewPublish). Ratings without a
// text are not told. It has no Status, CustomerID and RequestID.
type SkillReviewPublish struct {
	Envelope

	ReviewID   string
	URL        string
	StarRating string // "1" to "5"
}

// Verification is the empty object that Amazon publishes to the topic of a new
// subscriber. It says that Amazon can reach the topic, and asks for nothing.
type Verification struct{ Envelope }

// types makes an empty event for each name that has a struct.
var types = map[EventName]func() Event{
	EventManifestUpdate:         func() Event { return new(ManifestUpdate) },
	EventInteractionModelUpdate: func() Event { return new(InteractionModelUpdate) },
	EventSkillCertification:     func() Event { return new(SkillCertification) },
	EventSkillPublish:           func() Event { return new(SkillPublish) },
	EventSkillReviewPublish:     func() Event { return new(SkillReviewPublish) },
}
