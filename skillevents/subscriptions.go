package skillevents

// ProactiveSubscriptionChanged says which of the skill's proactive events a
// customer wants (AlexaSkillEvent.ProactiveSubscriptionChanged). Of several, the
// one with the newest time holds.
type ProactiveSubscriptionChanged struct {
	Envelope `json:"-"`

	// Subscriptions is the full list, not the difference. Empty if the customer
	// wants none; nil if Alexa did not say, as it has been seen to do for a
	// customer who wants none.
	Subscriptions []ProactiveSubscription `json:"subscriptions"`
}

// ProactiveSubscription is a proactive event that a customer wants.
type ProactiveSubscription struct {
	EventName string `json:"eventName"` // such as "AMAZON.MessageAlert.Activated"
}

// NotificationSubscriptionChanged says which of the skill's notification topics
// a customer wants (AlexaSkillEvent.NotificationSubscriptionChanged). Of several,
// the one with the newest time holds.
type NotificationSubscriptionChanged struct {
	Envelope `json:"-"`

	// Subscriptions is the full list, not the difference. Nil if Alexa did not
	// say; empty if the customer wants none.
	Subscriptions []NotificationSubscription `json:"subscriptions"`
}

// NotificationSubscription is a notification topic that a customer wants.
type NotificationSubscription struct {
	TopicID string `json:"topicId"` // as the skill's manifest names it
}
