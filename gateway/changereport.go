package gateway

// Cause is why a state changed or a thing happened.
type Cause string

// The causes of Amazon's message schema. Others are sent as they are.
const (
	AppInteraction      Cause = "APP_INTERACTION"      // the customer used the skill's own app
	PhysicalInteraction Cause = "PHYSICAL_INTERACTION" // the customer used the device itself
	PeriodicPoll        Cause = "PERIODIC_POLL"        // a regular sample found it
	RuleTrigger         Cause = "RULE_TRIGGER"         // a rule of the device or its cloud did it
	VoiceInteraction    Cause = "VOICE_INTERACTION"    // the customer spoke to Alexa
	InvalidCredentials  Cause = "INVALID_CREDENTIALS"  //nolint:gosec // the name of a cause
	SubscriptionExpired Cause = "SUBSCRIPTION_EXPIRED"
)

// ChangeReport says that properties of an endpoint changed, whatever the reason,
// a directive of Alexa's included. Only properties that the discovery response
// declared with proactivelyReported may change in it.
//
// A sensor starts a routine when its state changes, so a report that repeats the
// state starts none.
type ChangeReport struct {
	EndpointID string
	Cause      Cause // any text but the empty one

	// Properties are those that changed, at least one.
	Properties []Property

	// Context is a snapshot of the endpoint's other properties; it must repeat
	// none of Properties. Empty is left out.
	Context []Property
}

func (e *ChangeReport) message() (*message, error) {
	w := write("ChangeReport", header{namespace: "Alexa", name: "ChangeReport"})
	w.sendOnly, w.repeatable = true, true
	w.endpoint(e.EndpointID)
	w.raw(`,"payload":{"change":{"cause":{"type":`)
	w.text("Cause", string(e.Cause))
	w.raw(`},"properties":`)
	w.require("Properties", len(e.Properties) > 0)
	w.properties("Properties", e.Properties, nil)
	w.raw(`}}`)
	return w.finish(e.Context, e.Properties)
}
