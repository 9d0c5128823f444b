package sdns

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

// Unknown is an event that this package has no struct for: the wildcard also
// covers events that are newer than this version. [Envelope.Raw] has all of it.
type Unknown struct{ Envelope }

// types makes an empty event for each name that has a struct.
var types = map[EventName]func() Event{
	EventManifestUpdate:         func() Event { return new(ManifestUpdate) },
	EventInteractionModelUpdate: func() Event { return new(InteractionModelUpdate) },
	EventSkillCertification:     func() Event { return new(SkillCertification) },
	EventSkillPublish:           func() Event { return new(SkillPublish) },
	EventSkillReviewPublish:     func() Event { return new(SkillReviewPublish) },
}
