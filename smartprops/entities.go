package smartprops

import (
	"encoding/json"
	"strings"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// Entities are what a subscription is about, raw JSON objects by kind. The
// functions that return them have the forms that are known.
type Entities map[string]json.RawMessage

type entity struct {
	Type   string  `json:"type,omitempty"`
	ID     string  `json:"id,omitempty"`
	Parent *entity `json:"parent,omitempty"`
}

func unit(id string) entity { return entity{Type: "Unit", ID: id} }

// Unit is for [EventAutomationCompletion].
func Unit(unitID string) Entities {
	return Entities{"unit": object(unit(unitID))}
}

// UnitAndSkill is for [EventSkillFailure].
func UnitAndSkill(unitID, skillID string) Entities {
	return Entities{"unit": object(unit(unitID)), "skill": object(entity{Type: "Skill", ID: skillID})}
}

// ParentUnit is for [EventSubscriptionActivation]: the events come for the units
// that are created below the parent.
func ParentUnit(unitID string) Entities {
	parent := unit(unitID)
	return Entities{"unit": object(entity{Parent: &parent})}
}

// UnitRoles is for [EventRoleAssignment] and [EventRoleRevocation] in a unit. Its
// form is that of Amazon's sample program.
func UnitRoles(unitID string) Entities {
	return Entities{"resource": object(map[string]string{"type": "Resource", "resourceType": "Unit", "resourceId": unitID})}
}

func object(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic("smartprops: " + err.Error()) // texts always marshal
	}
	return data
}

// needed are the members, by kind and name, that Amazon's documents or samples
// require.
var needed = map[EventType][]string{
	EventAutomationCompletion:   {"unit.id"},
	EventSkillFailure:           {"unit.id", "skill.id"},
	EventSubscriptionActivation: {"unit.parent.id"},
	EventRoleAssignment:         {"resource.resourceId"},
	EventRoleRevocation:         {"resource.resourceId"},
}

func (e Entities) check(event EventType) error {
	for kind, value := range e {
		if err := envelope.Members(value, func([]byte, envelope.Raw) bool { return false }); err != nil {
			return invalid("Subscription.Entities", kind+" is not a JSON object: "+err.Error())
		}
	}
	for _, path := range needed[event] {
		kind, member, _ := strings.Cut(path, ".")
		if textAt(e[kind], member) == "" {
			return invalid("Subscription.Entities", string(event)+" requires "+path)
		}
	}
	return nil
}

// textAt returns the text at a path of names with dots between them.
func textAt(data json.RawMessage, path string) string {
	var node any
	_ = json.Unmarshal(data, &node) // nothing is at no path
	for name := range strings.SplitSeq(path, ".") {
		members, _ := node.(map[string]any)
		node = members[name]
	}
	text, _ := node.(string)
	return text
}
