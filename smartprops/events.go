package smartprops

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// EventType is a type of events: its namespace, a dot and its name. Other values
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

// wireEventType is a type as Amazon sends and takes it.
type wireEventType struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// wire takes the last dot for the one between namespace and name: namespaces
// have dots, and no known name has one.
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

// types makes an empty event for each type that has a struct.
var types = map[EventType]func() Event{
	EventAutomationCompletion:   func() Event { return new(AutomationCompletion) },
	EventSkillFailure:           func() Event { return new(SkillFailure) },
	EventSubscriptionActivation: func() Event { return new(SubscriptionActivation) },
	EventRoleAssignment:         func() Event { return new(RoleAssignment) },
	EventRoleRevocation:         func() Event { return new(RoleRevocation) },
	EventSetupCompletion:        func() Event { return new(SetupCompletion) },
}
