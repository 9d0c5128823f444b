package smartprops

import "strings"

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
