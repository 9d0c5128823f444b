package smartprops

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// Subscription selects events and sends them to a configuration.
type Subscription struct {
	ID              string // assigned by Amazon
	ConfigurationID string
	EventType       EventType
	Entities        Entities // units, skills and others that the events are about

	// EventHeaderVersion and Duration are for the events of
	// Alexa.Enterprise.Endpoint.Activity. They are in Amazon's sample program,
	// which sends "V2" and an hour, and not in its documents. Empty and zero
	// are not sent.
	EventHeaderVersion string
	Duration           time.Duration // in whole seconds

	raw json.RawMessage
}

// Raw returns the subscription as received. It may have undocumented members. The
// caller must not change the bytes.
func (s Subscription) Raw() json.RawMessage { return s.raw }

// Filter selects subscriptions. The zero value selects all.
type Filter struct {
	UnitID       string    // unit of the events; empty is any
	ParentUnitID string    // parent of the units of the events; empty is any
	EventType    EventType // type of the events; empty is any
}

// CreateSubscription creates a subscription and returns its ID. The entities of the
// constants of [EventType] are checked. Those of other types are sent unchecked.
func (c *Client) CreateSubscription(ctx context.Context, subscription Subscription) (id string, err error) {
	if err := subscription.check(); err != nil {
		return "", err
	}
	body := wireSubscription{
		ConfigurationID: subscription.ConfigurationID,
		EventType:       subscription.EventType.wire(),
		Entities:        subscription.Entities,
		HeaderVersion:   subscription.EventHeaderVersion,
		Duration:        int64(subscription.Duration / time.Second),
		Token:           c.newToken(),
	}
	return c.api().Create(ctx, "/subscriptions", body, body.Token != "")
}

// Subscription returns a subscription.
func (c *Client) Subscription(ctx context.Context, id string) (Subscription, error) {
	path, err := resource("/subscriptions", id)
	if err != nil {
		return Subscription{}, err
	}
	var response json.RawMessage
	if err := c.api().Get(ctx, path, nil, &response); err != nil {
		return Subscription{}, err
	}
	return readSubscription(response), nil
}

// Subscriptions yields the subscriptions that the token's user created and that the
// filter selects. It ends after the first error.
func (c *Client) Subscriptions(ctx context.Context, filter Filter) iter.Seq2[Subscription, error] {
	return rest.Pages(c.api(), func(token string) (subscriptions []Subscription, next string, err error) {
		items, next, err := c.created(ctx, "/subscriptions", filter.query(), token)
		for _, item := range items {
			subscriptions = append(subscriptions, readSubscription(item))
		}
		return subscriptions, next, err
	})
}

// DeleteSubscription deletes a subscription.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	path, err := resource("/subscriptions", id)
	if err != nil {
		return err
	}
	return c.api().Delete(ctx, path)
}

func (f Filter) query() url.Values {
	query := url.Values{}
	for _, unit := range [...]struct{ name, id string }{{"entities.unit", f.UnitID}, {"entities.unit.parent", f.ParentUnitID}} {
		if unit.id != "" { // the API requires both or neither
			query.Set(unit.name+".id", unit.id)
			query.Set(unit.name+".type", "Unit")
		}
	}
	if f.EventType != "" {
		event := f.EventType.wire()
		query.Set("eventType.namespace", event.Namespace)
		query.Set("eventType.name", event.Name)
	}
	return query
}

func (s Subscription) check() error {
	event := s.EventType.wire()
	switch {
	case s.ConfigurationID == "":
		return invalid("Subscription.ConfigurationID", "required")
	case event.Namespace == "" || event.Name == "":
		return invalid("Subscription.EventType", "must be a namespace and a name with a dot between them")
	case s.Duration < 0 || s.Duration%time.Second != 0:
		return invalid("Subscription.Duration", "must be whole seconds, zero or more")
	}
	return s.Entities.check(s.EventType)
}

type wireSubscription struct {
	ID              string        `json:"id,omitempty"`
	ConfigurationID string        `json:"subscriptionConfigurationId"`
	EventType       wireEventType `json:"eventType"`
	Entities        Entities      `json:"entities,omitempty"`
	HeaderVersion   string        `json:"eventHeaderVersion,omitempty"`
	Duration        int64         `json:"subscriptionDurationInSeconds,omitempty"`
	Token           string        `json:"idempotencyToken,omitempty"`
}

// readSubscription decodes a subscription. Amazon does not document its form: a
// member with an unexpected form stays zero.
func readSubscription(data json.RawMessage) Subscription {
	var wire wireSubscription
	_ = json.Unmarshal(data, &wire)
	return Subscription{
		ID: wire.ID, ConfigurationID: wire.ConfigurationID, EventType: wire.EventType.join(), Entities: wire.Entities,
		EventHeaderVersion: wire.HeaderVersion, Duration: time.Duration(wire.Duration) * time.Second, raw: data,
	}
}

// Entities are the units, skills and other entities of a subscription: raw JSON
// objects by kind. [Unit], [UnitAndSkill], [ParentUnit] and [UnitRoles] return the
// known forms.
type Entities map[string]json.RawMessage

type entity struct {
	Type   string  `json:"type,omitempty"`
	ID     string  `json:"id,omitempty"`
	Parent *entity `json:"parent,omitempty"`
}

func unit(id string) entity { return entity{Type: "Unit", ID: id} }

// Unit returns the entities for [EventAutomationCompletion].
func Unit(unitID string) Entities {
	return Entities{"unit": object(unit(unitID))}
}

// UnitAndSkill returns the entities for [EventSkillFailure].
func UnitAndSkill(unitID, skillID string) Entities {
	return Entities{"unit": object(unit(unitID)), "skill": object(entity{Type: "Skill", ID: skillID})}
}

// ParentUnit returns the entities for [EventSubscriptionActivation]. The events are
// about the units that are created below the parent.
func ParentUnit(unitID string) Entities {
	parent := unit(unitID)
	return Entities{"unit": object(entity{Parent: &parent})}
}

// UnitRoles returns the entities for [EventRoleAssignment] and [EventRoleRevocation]
// in a unit, in the form of Amazon's sample program.
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

// needed lists the members, by kind and name, that Amazon's documents or samples
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
	_ = json.Unmarshal(data, &node) // invalid JSON has no members
	for name := range strings.SplitSeq(path, ".") {
		members, _ := node.(map[string]any)
		node = members[name]
	}
	text, _ := node.(string)
	return text
}
