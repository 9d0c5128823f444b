package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/sdns"
)

// sdnsStep is what a file needs for one subscriber or subscription.
type sdnsStep struct {
	Action  string   `json:"action"` // create, update or none
	Kind    string   `json:"kind"`   // subscriber or subscription
	Name    string   `json:"name"`
	Vendor  string   `json:"vendor"`
	ID      string   `json:"id,omitempty"`      // empty before it is created
	Changes []string `json:"changes,omitempty"` // of an update
	Status  string   `json:"status,omitempty"`  // of a subscriber

	subscriber   sdns.Subscriber
	subscription sdns.Subscription
	of           *sdnsStep // subscriber of a subscription in the file; nil for somebody else's
}

const (
	stepCreate = "create"
	stepUpdate = "update"
	stepNone   = "none"
)

func (s *sdnsStep) String() string {
	text := fmt.Sprintf("%s %s %q of vendor %s", s.Action, s.Kind, s.Name, s.Vendor)
	if s.Action == stepNone {
		text = strings.TrimPrefix(text, "none ") + ": no change"
	}
	if s.ID != "" {
		text += " (" + s.ID + ")"
	}
	for _, change := range s.Changes {
		text += "\n  " + change
	}
	return text
}

// sdnsPlan is the difference between a file and what Amazon has.
type sdnsPlan struct {
	steps []*sdnsStep
	other []string // what Amazon has and the file does not
}

func (p *sdnsPlan) changes() int {
	n := 0
	for _, s := range p.steps {
		if s.Action != stepNone {
			n++
		}
	}
	return n
}

// planner reads each list of Amazon's once.
type planner struct {
	client        *sdns.Client
	subscribers   map[string][]sdns.Subscriber   // by vendor
	subscriptions map[string][]sdns.Subscription // by vendor
	used          map[string]bool                // IDs that an entry of the file has found
}

// plan compares the file with what Amazon has. It makes no change.
func (f *sdnsFile) plan(ctx context.Context, client *sdns.Client) (*sdnsPlan, error) {
	p := &planner{client, make(map[string][]sdns.Subscriber), make(map[string][]sdns.Subscription), make(map[string]bool)}
	plan := new(sdnsPlan)
	for _, want := range f.Subscribers {
		step, err := p.subscriber(ctx, f, want)
		if err != nil {
			return nil, err
		}
		plan.steps = append(plan.steps, step)
		p.used[step.ID] = true
		for _, w := range want.Subscriptions {
			sub, err := p.subscription(ctx, want.Subscriptions, w, step)
			if err != nil {
				return nil, err
			}
			plan.steps = append(plan.steps, sub)
			p.used[sub.ID] = true
		}
	}
	for _, w := range f.Subscriptions {
		sub, err := p.subscription(ctx, f.Subscriptions, w, nil)
		if err != nil {
			return nil, err
		}
		plan.steps = append(plan.steps, sub)
		p.used[sub.ID] = true
	}
	for vendor, list := range p.subscribers {
		for _, s := range list {
			if !p.used[s.ID] {
				plan.other = append(plan.other, fmt.Sprintf("subscriber %q of vendor %s (%s)", s.Name, vendor, s.ID))
			}
		}
	}
	for vendor, list := range p.subscriptions {
		for _, s := range list {
			if !p.used[s.ID] {
				plan.other = append(plan.other, fmt.Sprintf("subscription %q of vendor %s to %s (%s)", s.Name, vendor, s.SubscriberID, s.ID))
			}
		}
	}
	slices.Sort(plan.other)
	return plan, nil
}

// subscriber finds the subscriber by topic and name: one with the topic, else one with
// the name.
func (p *planner) subscriber(ctx context.Context, f *sdnsFile, want wantedSubscriber) (*sdnsStep, error) {
	list, ok := p.subscribers[want.Vendor]
	if !ok {
		var err error
		if list, err = collect(p.client.Subscribers(ctx, want.Vendor)); err != nil {
			return nil, err
		}
		p.subscribers[want.Vendor] = list
	}
	step := &sdnsStep{Action: stepCreate, Kind: "subscriber", Name: want.Name, Vendor: want.Vendor}
	step.subscriber = sdns.Subscriber{Name: want.Name, VendorID: want.Vendor, TopicARN: want.Topic, RoleARN: want.Role}
	found, err := findSubscriber(list, want, func(s sdns.Subscriber) bool { // whether it is another entry's, by its topic
		return slices.ContainsFunc(f.Subscribers, func(other wantedSubscriber) bool {
			return other.Vendor == want.Vendor && other.Topic == s.TopicARN
		})
	})
	if err != nil || found == nil {
		return step, err
	}
	step.ID, step.Status, step.Action = found.ID, string(found.Status), stepNone
	step.subscriber.ID, step.subscriber.Status, step.subscriber.ClientID = found.ID, found.Status, found.ClientID
	step.differ("name", found.Name, want.Name)
	step.differ("topic", found.TopicARN, want.Topic)
	step.differ("role", found.RoleARN, want.Role)
	return step, nil
}

func findSubscriber(list []sdns.Subscriber, want wantedSubscriber, elsewhere func(sdns.Subscriber) bool) (*sdns.Subscriber, error) {
	for _, matches := range []func(sdns.Subscriber) bool{
		func(s sdns.Subscriber) bool { return s.TopicARN == want.Topic && s.Name == want.Name },
		func(s sdns.Subscriber) bool { return s.TopicARN == want.Topic },
		func(s sdns.Subscriber) bool { return s.Name == want.Name && !elsewhere(s) },
	} {
		var found []sdns.Subscriber
		for _, s := range list {
			if matches(s) {
				found = append(found, s)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return &found[0], nil
		default:
			return nil, &exitError{
				exitFailed, fmt.Sprintf("subscriber %q: %d subscribers of vendor %s match by topic and name", want.Name, len(found), want.Vendor),
				"delete all but one of them with the Skill Management API; the IDs: " + ids(found),
			}
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

func ids(list []sdns.Subscriber) string {
	var all []string
	for _, s := range list {
		all = append(all, s.ID)
	}
	return strings.Join(all, ", ")
}

// differ notes a change if the values differ.
func (s *sdnsStep) differ(field, have, want string) {
	if have != want {
		s.Action = stepUpdate
		s.Changes = append(s.Changes, fmt.Sprintf("%s: %s → %s", field, have, want))
	}
}

// subscription finds the subscription by name, else one with the same events that the
// file does not name.
func (p *planner) subscription(ctx context.Context, siblings []wantedSubscription, want wantedSubscription, of *sdnsStep) (*sdnsStep, error) {
	step := &sdnsStep{Action: stepCreate, Kind: "subscription", Name: want.Name, Vendor: want.Vendor, of: of}
	step.subscription = sdns.Subscription{Name: want.Name, VendorID: want.Vendor, SubscriberID: want.Subscriber, Events: want.Events}
	list, ok := p.subscriptions[want.Vendor]
	if !ok {
		var err error
		if list, err = collect(p.client.Subscriptions(ctx, want.Vendor, "")); err != nil {
			return nil, err
		}
		p.subscriptions[want.Vendor] = list
	}
	if of != nil {
		if of.ID == "" {
			return step, nil
		}
		step.subscription.SubscriberID = of.ID
	}
	named := func(name string) bool {
		return slices.ContainsFunc(siblings, func(w wantedSubscription) bool { return w.Vendor == want.Vendor && w.Name == name })
	}
	var found *sdns.Subscription
	for i, s := range list {
		if s.SubscriberID != step.subscription.SubscriberID {
			continue
		}
		if s.Name == want.Name {
			found = &list[i]
			break
		}
		if found == nil && !p.used[s.ID] && !named(s.Name) && sameEvents(s.Events, want.Events) {
			found = &list[i]
		}
	}
	if found == nil {
		return step, nil
	}
	step.ID, step.Action, step.subscription.ID = found.ID, stepNone, found.ID
	step.differ("name", found.Name, want.Name)
	if !sameEvents(found.Events, want.Events) {
		step.differ("events", eventList(found.Events), eventList(want.Events))
	}
	return step, nil
}

// sameEvents reports whether both lists have the same events, in any order. Both
// spellings of the wildcard are the same.
func sameEvents(a, b []sdns.EventName) bool { return eventList(a) == eventList(b) }

func eventList(events []sdns.EventName) string {
	var list []string
	for _, e := range events {
		if isWildcard(e) {
			e = sdns.EventAll
		}
		list = append(list, string(e))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// apply carries out the step, and sets its ID.
func (s *sdnsStep) apply(ctx context.Context, client *sdns.Client) (err error) {
	if s.of != nil {
		s.subscription.SubscriberID = s.of.ID
	}
	switch s.Action + " " + s.Kind {
	case "create subscriber":
		s.ID, err = client.CreateSubscriber(ctx, s.subscriber)
		s.subscriber.ID = s.ID
	case "update subscriber":
		err = client.UpdateSubscriber(ctx, s.subscriber)
	case "create subscription":
		s.ID, err = s.withWildcard(func() (string, error) { return client.CreateSubscription(ctx, s.subscription) })
	case "update subscription":
		_, err = s.withWildcard(func() (string, error) { return s.ID, client.UpdateSubscription(ctx, s.subscription) })
	}
	return err
}

// withWildcard tries the other spelling of the wildcard if Amazon refuses one: which one
// Amazon accepts is not known.
func (s *sdnsStep) withWildcard(request func() (string, error)) (string, error) {
	id, err := request()
	refusal, ok := errors.AsType[*alexaevents.Error](err)
	if !ok || !errors.Is(refusal, alexaevents.ErrInvalid) || !slices.ContainsFunc(s.subscription.Events, isWildcard) {
		return id, err
	}
	other := sdns.EventAllDocumented
	if s.subscription.Events[0] == other {
		other = sdns.EventAll
	}
	s.subscription.Events = []sdns.EventName{other}
	return request()
}
