package alexatest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// PropertyEvent is something that happened in a smart property.
type PropertyEvent struct {
	Type         string // such as "Alexa.Skill.Interaction.Failure"
	UnitID       string // where it happened
	ParentUnitID string // the unit above, by which some events are subscribed to; not in the event
	SkillID      string // empty if it is about no skill

	// Payload is the payload, to be marshalled. Amazon documents that of an
	// automation's completion alone. Nil is an empty object.
	Payload any
}

// NotifyProperties lets something happen in a property, and publishes it to the
// topics of the subscriptions that it matches: those of its type, whose unit,
// parent unit, skill or resource is the event's. What else a subscription may be
// about is not looked at. It returns the ID of the event. A topic that there is
// not, or which is closed to Alexa, misses the event.
//
// It panics if the type is not a namespace and a name with a dot between them.
func (c *Cloud) NotifyProperties(event PropertyEvent) (eventID string) {
	dot := strings.LastIndexByte(event.Type, '.')
	if dot <= 0 || dot == len(event.Type)-1 {
		panic("alexatest: no type of an event: " + event.Type)
	}
	happened := eventType{event.Type[:dot], event.Type[dot+1:]}
	eventID = uuid.NewString()
	message := event.message(eventID, happened)
	defer c.lock()()
	for _, subscription := range c.messenger.subscriptions.resources {
		if subscription.eventType() != happened || !subscription.entities().cover(event) {
			continue
		}
		var configuration string
		subscription.member("subscriptionConfigurationId", &configuration)
		for _, topicARN := range c.messenger.topics(configuration) {
			c.publishFromAlexa(topicARN, message)
		}
	}
	return eventID
}

// message returns the event as Amazon documents it. That all types have the
// header of the documented one, with these entities, is a guess.
func (e PropertyEvent) message(id string, happened eventType) []byte {
	entities := members{}
	if e.UnitID != "" {
		entities["unit"] = members{"type": "Unit", "id": e.UnitID}
	}
	if e.SkillID != "" {
		entities["skill"] = members{"type": "Skill", "id": e.SkillID}
	}
	payload := e.Payload
	if payload == nil {
		payload = members{}
	}
	message, err := json.Marshal(members{
		"header": members{
			"version":   "2.0",
			"eventId":   members{"id": id},
			"eventType": happened,
			"eventTime": members{"timestamp": time.Now().UTC().Format(time.RFC3339)},
			"entities":  entities,
		},
		"payload": payload,
	})
	must(err)
	return message
}

// topics returns the topics of a configuration; of one that was deleted, none.
func (m *eventMessenger) topics(configurationID string) (topicARNs []string) {
	for _, r := range m.configurations.resources {
		var channels []struct{ ID string }
		if r.id == configurationID && r.member("deliveryChannels", &channels) {
			for _, channel := range channels {
				topicARNs = append(topicARNs, channel.ID)
			}
		}
	}
	return topicARNs
}

type eventType struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (r *resource) eventType() (event eventType) {
	r.member("eventType", &event)
	return event
}

// entities are what a subscription is about, as far as it is known.
type entities struct {
	Unit struct {
		Type, ID string
		Parent   struct{ Type, ID string }
	}
	Skill    struct{ Type, ID string }
	Resource struct{ Type, ResourceType, ResourceID string }
}

func (r *resource) entities() (e entities) {
	r.member("entities", &e)
	return e
}

// neededEntities are those that Amazon's documents or samples require.
var neededEntities = map[eventType][]string{
	{"Alexa.Automation.Execution", "Completion"}:    {"unit"},
	{"Alexa.Skill.Interaction", "Failure"}:          {"unit", "skill"},
	{"Alexa.Enterprise.Subscription", "Activation"}: {"unit.parent"},
	{"Alexa.Role.Management", "Assignment"}:         {"resource"},
	{"Alexa.Role.Management", "Revocation"}:         {"resource"},
}

// complete reports which of them are all that they must be.
func (e entities) complete() map[string]bool {
	return map[string]bool{
		"unit":        e.Unit.Type == "Unit" && e.Unit.ID != "",
		"unit.parent": e.Unit.Parent.Type == "Unit" && e.Unit.Parent.ID != "",
		"skill":       e.Skill.Type == "Skill" && e.Skill.ID != "",
		"resource":    e.Resource.Type == "Resource" && e.Resource.ResourceType == "Unit" && e.Resource.ResourceID != "",
	}
}

func (e entities) cover(event PropertyEvent) bool {
	for _, pair := range [][2]string{
		{e.Unit.ID, event.UnitID},
		{e.Unit.Parent.ID, event.ParentUnitID},
		{e.Skill.ID, event.SkillID},
		{e.Resource.ResourceID, event.UnitID},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return true
}
