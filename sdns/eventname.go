package sdns

import "strings"

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
