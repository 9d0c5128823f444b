package property

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/smartprops"
)

// The actions of steps.
const (
	ActionCreate    = "create"
	ActionAssociate = "associate"
	ActionNone      = "none"    // it is as the file says
	ActionMissing   = "missing" // Amazon does not know the device yet
)

// Step is a part of the property, and what is to be done with it.
type Step struct {
	Action string `json:"action"`
	Kind   string `json:"kind"` // "configuration", "subscription" or "endpoint"
	Name   string `json:"name"` // topic, event, or the device as in the file
	Unit   string `json:"unit,omitempty"`
	Skill  string `json:"skill,omitempty"`
	ID     string `json:"id,omitempty"` // ID that Amazon assigned; empty before that

	subscription smartprops.Subscription
}

// writes reports whether the step changes something.
func (s Step) writes() bool { return s.Action == ActionCreate || s.Action == ActionAssociate }

// String returns the step as one line.
func (s Step) String() string {
	text := s.Action + " " + s.Kind + " " + s.Name
	switch {
	case s.Unit == "":
	case s.Action == ActionAssociate:
		text += " with unit " + s.Unit
	default:
		text += " of unit " + s.Unit
	}
	if s.Skill != "" {
		text += " and skill " + s.Skill
	}
	if s.ID != "" && s.ID != s.Name {
		text += " (" + s.ID + ")"
	}
	return text
}

// Plan is the difference between a file and what Amazon has.
type Plan struct {
	Steps []Step   // in the order in which they are done
	Other []string // what Amazon has and the file has not

	client          *smartprops.Client
	topic           string
	configurationID string
}

// Changes returns how many steps write something.
func (p *Plan) Changes() int { return p.count(Step.writes) }

// Missing returns how many devices Amazon does not know yet.
func (p *Plan) Missing() int {
	return p.count(func(s Step) bool { return s.Action == ActionMissing })
}

func (p *Plan) count(is func(Step) bool) (n int) {
	for _, step := range p.Steps {
		if is(step) {
			n++
		}
	}
	return n
}

// NewPlan compares the file with what Amazon has. It writes nothing.
func NewPlan(ctx context.Context, client *smartprops.Client, f File, userID string) (*Plan, error) {
	client.Region = f.Region
	p := &Plan{client: client, topic: f.Topic}
	configurations, err := p.configurations(ctx)
	if err != nil {
		return nil, err
	}
	step := Step{Action: ActionCreate, Kind: "configuration", Name: f.Topic}
	if len(configurations) > 0 {
		p.configurationID = configurations[0]
		step.Action, step.ID = ActionNone, p.configurationID
	}
	p.Steps = append(p.Steps, step)
	if err := p.subscriptions(ctx, configurations, f.subscriptions(userID)); err != nil {
		return nil, err
	}
	for _, unit := range f.Units {
		if err := p.endpoints(ctx, unit); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// configurations returns the IDs of the configurations that name the topic.
func (p *Plan) configurations(ctx context.Context) (ids []string, err error) {
	channel := smartprops.DeliveryChannel{Type: smartprops.SNS, ID: p.topic}
	for configuration, err := range p.client.Configurations(ctx) {
		if err != nil {
			return nil, err
		}
		if slices.Contains(configuration.DeliveryChannels, channel) {
			ids = append(ids, configuration.ID)
		}
	}
	return ids, nil
}

// subscriptions adds the wanted subscriptions, and those to the topic that are not
// wanted.
func (p *Plan) subscriptions(ctx context.Context, configurations []string, wanted []Step) error {
	for existing, err := range p.client.Subscriptions(ctx, smartprops.Filter{}) {
		if err != nil {
			return err
		}
		if !slices.Contains(configurations, existing.ConfigurationID) {
			continue
		}
		i := slices.IndexFunc(wanted, func(s Step) bool {
			return s.Action == ActionCreate && s.subscription.EventType == existing.EventType && has(existing.Entities, s.subscription.Entities)
		})
		if i < 0 {
			p.Other = append(p.Other, fmt.Sprintf("subscription %s (%s)", existing.EventType, existing.ID))
			continue
		}
		wanted[i].Action, wanted[i].ID = ActionNone, existing.ID
	}
	p.Steps = append(p.Steps, wanted...)
	return nil
}

// has reports whether the entities have all wanted members. Amazon does not document
// the entities in its responses: others may be there, too.
func has(entities, wanted smartprops.Entities) bool {
	var all, some any
	for _, pair := range []struct {
		from smartprops.Entities
		to   *any
	}{{entities, &all}, {wanted, &some}} {
		data, err := json.Marshal(pair.from)
		if err != nil || json.Unmarshal(data, pair.to) != nil {
			return false
		}
	}
	return covers(all, some)
}

func covers(all, some any) bool {
	switch some := some.(type) {
	case map[string]any:
		object, ok := all.(map[string]any)
		for name, value := range some {
			if !ok || !covers(object[name], value) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := all.([]any)
		return ok && slices.EqualFunc(list, some, covers)
	}
	return all == some
}

// endpoints adds the devices of the unit.
func (p *Plan) endpoints(ctx context.Context, unit Unit) error {
	if len(unit.Endpoints) == 0 {
		return nil
	}
	present, err := p.listed(ctx, smartprops.EndpointFilter{UnitID: unit.ID})
	if err != nil {
		return err
	}
	for _, device := range unit.Endpoints {
		step := Step{Action: ActionAssociate, Kind: "endpoint", Name: device.name(), Unit: unit.ID, ID: device.ID}
		if device.SerialNumber != "" {
			found, err := p.listed(ctx, smartprops.EndpointFilter{SerialNumber: device.SerialNumber})
			switch {
			case err != nil:
				return err
			case len(found) == 0:
				step.Action = ActionMissing
			case len(found) > 1:
				return fmt.Errorf("the serial number %s is that of several devices: %s", device.SerialNumber, strings.Join(found, ", "))
			default:
				step.ID = found[0]
			}
		}
		if slices.Contains(present, step.ID) {
			step.Action = ActionNone
		}
		p.Steps = append(p.Steps, step)
	}
	return nil
}

func (p *Plan) listed(ctx context.Context, filter smartprops.EndpointFilter) (ids []string, err error) {
	for endpoint, err := range p.client.Endpoints(ctx, filter) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, endpoint.ID)
	}
	return ids, nil
}

// Apply carries out the plan, and calls done after each step. After an error, the steps
// before it are done.
func (p *Plan) Apply(ctx context.Context, done func(Step) error) error {
	for i := range p.Steps {
		s := &p.Steps[i]
		var err error
		switch s.Action + " " + s.Kind {
		case "create configuration":
			s.ID, err = p.client.CreateConfiguration(ctx, smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{{ID: p.topic}}})
			p.configurationID = s.ID
		case "create subscription":
			s.subscription.ConfigurationID = p.configurationID
			s.ID, err = p.client.CreateSubscription(ctx, s.subscription)
		case "associate endpoint":
			s.ID, err = p.client.AssociateUnit(ctx, s.ID, s.Unit)
		}
		if err != nil {
			return fmt.Errorf("%s %s %s: %w", s.Action, s.Kind, s.Name, err)
		}
		if err := done(*s); err != nil {
			return err
		}
	}
	return nil
}
