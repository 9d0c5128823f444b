package smartprops

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// AutomationCompletion says that the actions of an automation have been carried
// out, or could not be ([EventAutomationCompletion]).
type AutomationCompletion struct {
	Envelope

	AutomationID string            // payload.automation.id
	Status       AutomationStatus  // payload.result.status
	Errors       []AutomationError // payload.result.errors
}

// AutomationStatus says how an automation ended. Other values than the constant
// are possible: what success is called, Amazon does not say.
type AutomationStatus string

// AutomationFailure is the status of an automation that failed.
const AutomationFailure AutomationStatus = "FAILURE"

// AutomationError is why an automation failed: an endpoint or a unit does not
// exist, or Amazon made a mistake.
type AutomationError struct {
	Type    string // such as "ENDPOINT_NOT_FOUND"
	Message string
	ID      string // of the endpoint or unit
}

// SkillFailure says that a skill failed its user: it timed out, or its answer was
// not valid ([EventSkillFailure]).
type SkillFailure struct{ Envelope }

// SubscriptionActivation says that a unit that was created is ready for the next
// operation, such as a unit below it, a skill or a device
// ([EventSubscriptionActivation]).
type SubscriptionActivation struct{ Envelope }

// RoleAssignment says that somebody has a role now in a unit and, if it was to
// propagate, below it ([EventRoleAssignment]).
type RoleAssignment struct{ Envelope }

// RoleRevocation says that somebody has a role no longer ([EventRoleRevocation]).
type RoleRevocation struct{ Envelope }

// SetupCompletion says that a device is set up and can be associated to a unit
// ([EventSetupCompletion]).
type SetupCompletion struct{ Envelope }

// EndpointIDs returns the IDs of devices that are in the event, each once. Amazon
// says that there is one but not in which member, so any text of the event that
// begins as the IDs of endpoints do, amzn1.alexa.endpoint, is taken for one.
func (e *SetupCompletion) EndpointIDs() []string {
	var ids []string
	for decoder := json.NewDecoder(bytes.NewReader(e.raw)); ; {
		token, err := decoder.Token()
		if err != nil { // the end, since Parse has accepted the event
			return ids
		}
		if id, ok := token.(string); ok && strings.HasPrefix(id, "amzn1.alexa.endpoint.") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
}

// Unknown is an event that this package has no struct for, or the empty object by
// which other services of Amazon verify a topic. [Envelope.Raw] has all of it.
type Unknown struct{ Envelope }

// types makes an empty event for each type that has a struct.
var types = map[EventType]func() Event{
	EventAutomationCompletion:   func() Event { return new(AutomationCompletion) },
	EventSkillFailure:           func() Event { return new(SkillFailure) },
	EventSubscriptionActivation: func() Event { return new(SubscriptionActivation) },
	EventRoleAssignment:         func() Event { return new(RoleAssignment) },
	EventRoleRevocation:         func() Event { return new(RoleRevocation) },
	EventSetupCompletion:        func() Event { return new(SetupCompletion) },
}
