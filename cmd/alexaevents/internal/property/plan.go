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
	ActionExtra     = "extra"   // it is not in the file, and stays
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

// Changes reports whether the step writes.
func (s Step) Changes() bool { return s.Action == ActionCreate || s.Action == ActionAssociate }

// String returns the step as one line.
func (s Step) String() string {
	line := fmt.Sprintf("%-9s  %-13s  %s", s.Action, s.Kind, s.Name)
	for _, part := range []struct{ name, value string }{{"unit", s.Unit}, {"skill", s.Skill}, {"id", s.ID}} {
		if part.value != "" && part.value != s.Name {
			line += "  " + part.name + " " + part.value
		}
	}
	return line
}

// Plan is how to get from what Amazon has to what the file wants.
type Plan struct {
	Steps []Step // in the order in which they are done

	client          *smartprops.Client
	topic           string
	configurationID string
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
	var extra []Step
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
			extra = append(extra, Step{Action: ActionExtra, Kind: "subscription", Name: string(existing.EventType), ID: existing.ID})
			continue
		}
		wanted[i].Action, wanted[i].ID = ActionNone, existing.ID
	}
	p.Steps = slices.Concat(p.Steps, wanted, extra)
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

// Apply does the steps that write, and calls done after each.
func (p *Plan) Apply(ctx context.Context, done func(Step) error) error {
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Changes() {
			continue
		}
		var err error
		switch s.Kind {
		case "configuration":
			s.ID, err = p.client.CreateConfiguration(ctx, smartprops.Configuration{DeliveryChannels: []smartprops.DeliveryChannel{{ID: p.topic}}})
			p.configurationID = s.ID
		case "subscription":
			s.subscription.ConfigurationID = p.configurationID
			s.ID, err = p.client.CreateSubscription(ctx, s.subscription)
		case "endpoint":
			s.ID, err = p.client.AssociateUnit(ctx, s.ID, s.Unit)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.Kind, s.Name, err)
		}
		if err := done(*s); err != nil {
			return err
		}
	}
	return nil
}
