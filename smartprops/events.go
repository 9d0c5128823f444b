package smartprops

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// EventType is a type of event: its namespace, a dot and its name. Values other
// than the constants are possible.
type EventType string

// The types that Amazon documents.
const (
	EventAutomationCompletion   EventType = "Alexa.Automation.Execution.Completion"
	EventSkillFailure           EventType = "Alexa.Skill.Interaction.Failure"
	EventSubscriptionActivation EventType = "Alexa.Enterprise.Subscription.Activation"
	EventRoleAssignment         EventType = "Alexa.Role.Management.Assignment"
	EventRoleRevocation         EventType = "Alexa.Role.Management.Revocation"
	EventSetupCompletion        EventType = "Alexa.Endpoint.Lifecycle.SetupCompletion"
)

// wireEventType is a type in Amazon's JSON.
type wireEventType struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// wire splits the type at its last dot: namespaces have dots, and no known name has
// one.
func (t EventType) wire() wireEventType {
	i := strings.LastIndexByte(string(t), '.')
	return wireEventType{string(t[:max(i, 0)]), string(t[i+1:])}
}

func (w wireEventType) join() EventType {
	if w == (wireEventType{}) {
		return ""
	}
	return EventType(w.Namespace + "." + w.Name)
}

// AutomationCompletion reports that an automation has run or failed
// ([EventAutomationCompletion]).
type AutomationCompletion struct {
	Envelope

	AutomationID string            // payload.automation.id
	Status       AutomationStatus  // payload.result.status
	Errors       []AutomationError // payload.result.errors
}

// AutomationStatus is the result of an automation. Values other than the constant
// are possible: Amazon does not document the value for success.
type AutomationStatus string

// AutomationFailure is the status of an automation that failed.
const AutomationFailure AutomationStatus = "FAILURE"

// AutomationError is a reason why an automation failed: an endpoint or a unit does
// not exist, or Amazon has an internal error.
type AutomationError struct {
	Type    string // such as "ENDPOINT_NOT_FOUND"
	Message string
	ID      string // ID of the endpoint or unit
}

// SkillFailure reports that a skill timed out or returned an invalid response
// ([EventSkillFailure]).
type SkillFailure struct{ Envelope }

// SubscriptionActivation reports that a new unit is ready for the next operation,
// such as adding a unit below it, a skill or a device
// ([EventSubscriptionActivation]).
type SubscriptionActivation struct{ Envelope }

// RoleAssignment reports that a user received a role in a unit and, if the role
// propagates, in the units below it ([EventRoleAssignment]).
type RoleAssignment struct{ Envelope }

// RoleRevocation reports that a user lost a role ([EventRoleRevocation]).
type RoleRevocation struct{ Envelope }

// SetupCompletion reports that a device is set up and can be associated with a unit
// ([EventSetupCompletion]).
type SetupCompletion struct{ Envelope }

// EndpointIDs returns the IDs of the devices in the event, without duplicates.
// Amazon says that the event has one but not in which member, so every text of the
// event that begins with amzn1.alexa.endpoint. counts as an ID.
func (e *SetupCompletion) EndpointIDs() []string { return endpointIDs(e.raw) }

// endpointIDs returns the IDs of endpoints in JSON, as far as it is valid.
func endpointIDs(data []byte) []string {
	var ids []string
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := decoder.Token()
		if err != nil {
			return ids
		}
		if id, ok := token.(string); ok && strings.HasPrefix(id, "amzn1.alexa.endpoint.") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
}

// types returns an empty event for each known type.
var types = map[EventType]func() Event{
	EventAutomationCompletion:   func() Event { return new(AutomationCompletion) },
	EventSkillFailure:           func() Event { return new(SkillFailure) },
	EventSubscriptionActivation: func() Event { return new(SubscriptionActivation) },
	EventRoleAssignment:         func() Event { return new(RoleAssignment) },
	EventRoleRevocation:         func() Event { return new(RoleRevocation) },
	EventSetupCompletion:        func() Event { return new(SetupCompletion) },
}
