// Package property subscribes to the events of a property with Alexa Smart Properties,
// and associates its devices with units, as one file says.
package property

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/smartprops"
)

// File is what a person wants.
type File struct {
	Topic           string             `yaml:"topic"`  // ARN of the SNS topic
	Region          alexaevents.Region `yaml:"region"` // region of the organization, for devices; empty is NorthAmerica
	Units           []Unit             `yaml:"units"`
	SetupCompletion *SetupCompletion   `yaml:"setupCompletion"` // nil is no subscription
}

// Unit is a unit of the property, such as a room.
type Unit struct {
	ID        string                 `yaml:"id"`
	Events    []smartprops.EventType `yaml:"events"`    // events in the unit; for an activation, those of units below it
	Skills    []string               `yaml:"skills"`    // skills whose failures are events
	Endpoints []Endpoint             `yaml:"endpoints"` // devices of the unit
}

// Endpoint is a device, by its ID or its serial number.
type Endpoint struct {
	ID           string `yaml:"id"`
	SerialNumber string `yaml:"serialNumber"`
}

// SetupCompletion is the subscription to devices that are set up. Amazon does not say
// which entity has the user ID: the file has the entities as they are sent.
type SetupCompletion struct {
	Entities map[string]any `yaml:"entities"` // a text in them may contain UserIDPlaceholder
}

// UserIDPlaceholder stands for the user ID of the account that sets devices up.
const UserIDPlaceholder = "{user_id}"

// Check checks all that can be checked without Amazon.
func (f *File) Check() error {
	if _, err := smartprops.TopicPolicyStatement(f.Topic); err != nil {
		return errors.New("topic: it must be the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:property")
	}
	if f.Region != "" && f.Region.APIEndpoint() == "" {
		return errors.New("region: it must be NA, EU or FE")
	}
	if f.SetupCompletion != nil {
		if err := f.SetupCompletion.check(); err != nil {
			return fmt.Errorf("setupCompletion: %w", err)
		}
	}
	ids := make(map[string]bool)
	devices := make(map[Endpoint]bool)
	for i, unit := range f.Units {
		name := unit.ID
		if name == "" {
			name = fmt.Sprintf("number %d", i+1)
		}
		if err := unit.check(devices); err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
		if ids[unit.ID] {
			return fmt.Errorf("unit %s: it occurs twice", name)
		}
		ids[unit.ID] = true
	}
	return nil
}

func (s SetupCompletion) check() error {
	if len(s.Entities) == 0 {
		return errors.New("entities are required")
	}
	for kind, entity := range s.Entities {
		if _, ok := entity.(map[string]any); !ok {
			return fmt.Errorf("the entity %s must have members", kind)
		}
		if _, err := json.Marshal(entity); err != nil { // such as a number that is infinite
			return fmt.Errorf("the entity %s has a value that JSON has not", kind)
		}
	}
	return nil
}

// check checks a unit. A device occurs once in all units.
func (u Unit) check(devices map[Endpoint]bool) error {
	if u.ID == "" {
		return errors.New("id: required")
	}
	for i, event := range u.Events {
		switch {
		case event == smartprops.EventSetupCompletion:
			return fmt.Errorf("events: %s belongs under setupCompletion", event)
		case !slices.Contains(events, event):
			return fmt.Errorf("events: %q is none of %s", string(event), strings.Trim(fmt.Sprint(events), "[]"))
		case slices.Contains(u.Events[:i], event):
			return fmt.Errorf("events: %s occurs twice", event)
		}
	}
	for i, skill := range u.Skills {
		if skill == "" || slices.Contains(u.Skills[:i], skill) {
			return errors.New("skills: one is empty or occurs twice")
		}
	}
	if slices.Contains(u.Events, smartprops.EventSkillFailure) != (len(u.Skills) > 0) {
		return fmt.Errorf("the event %s and skills: give both or neither", smartprops.EventSkillFailure)
	}
	for _, device := range u.Endpoints {
		switch {
		case (device.ID == "") == (device.SerialNumber == ""):
			return errors.New("endpoints: each has either an id or a serialNumber")
		case devices[device]:
			return fmt.Errorf("endpoints: %s occurs twice, and a device is in one unit", device.name())
		}
		devices[device] = true
	}
	return nil
}

// events are the events in units.
var events = []smartprops.EventType{
	smartprops.EventSubscriptionActivation, smartprops.EventAutomationCompletion, smartprops.EventSkillFailure,
	smartprops.EventRoleAssignment, smartprops.EventRoleRevocation,
}

func (e Endpoint) name() string { return e.ID + e.SerialNumber }

// Warnings returns what will not work although Amazon may accept it.
func (f File) Warnings() (warnings []string) {
	if strings.HasSuffix(f.Topic, ".fifo") {
		warnings = append(warnings, "a FIFO topic needs a message group with each message, and Alexa is not known to give one: use a standard topic")
	}
	return warnings
}

// NeedsUserID reports whether an entity has the placeholder of the user ID.
func (f File) NeedsUserID() bool {
	entities, err := json.Marshal(f.setupEntities(UserIDPlaceholder))
	return err == nil && bytes.Contains(entities, []byte(UserIDPlaceholder))
}

// setupEntities returns the entities of the subscription to set-up completions.
func (f File) setupEntities(userID string) smartprops.Entities {
	if f.SetupCompletion == nil {
		return nil
	}
	entities := make(smartprops.Entities)
	for kind, value := range f.SetupCompletion.Entities {
		entities[kind], _ = json.Marshal(replaced(value, userID)) // Check has done so
	}
	return entities
}

// replaced returns a value of YAML with the user ID in place of the placeholder.
func replaced(value any, userID string) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, UserIDPlaceholder, userID)
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = replaced(item, userID)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, member := range value {
			object[name] = replaced(member, userID)
		}
		return object
	}
	return value
}

// subscriptions returns the subscriptions that the file wants, with the steps that
// create them.
func (f File) subscriptions(userID string) (steps []Step) {
	add := func(unit, skill string, event smartprops.EventType, entities smartprops.Entities) {
		steps = append(steps, Step{
			Action: ActionCreate, Kind: "subscription", Name: string(event), Unit: unit, Skill: skill,
			subscription: smartprops.Subscription{EventType: event, Entities: entities},
		})
	}
	for _, unit := range f.Units {
		for _, event := range unit.Events {
			switch event {
			case smartprops.EventSubscriptionActivation:
				add(unit.ID, "", event, smartprops.ParentUnit(unit.ID))
			case smartprops.EventRoleAssignment, smartprops.EventRoleRevocation:
				add(unit.ID, "", event, smartprops.UnitRoles(unit.ID))
			case smartprops.EventSkillFailure:
				for _, skill := range unit.Skills {
					add(unit.ID, skill, event, smartprops.UnitAndSkill(unit.ID, skill))
				}
			default:
				add(unit.ID, "", event, smartprops.Unit(unit.ID))
			}
		}
	}
	if f.SetupCompletion != nil {
		add("", "", smartprops.EventSetupCompletion, f.setupEntities(userID))
	}
	return steps
}
