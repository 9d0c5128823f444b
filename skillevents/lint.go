package skillevents

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Finding is an error in a manifest, or a note about one.
type Finding struct {
	Path string // place in the manifest, such as manifest.events.endpoint.uri
	Text string // the error and what to do about it
	Note bool   // true for a note: nothing to correct
}

// String returns path and text.
func (f Finding) String() string { return f.Path + ": " + f.Text }

func problem(path, text string) Finding { return Finding{Path: path, Text: text} }

func note(path, text string) Finding { return Finding{Path: path, Text: text, Note: true} }

// Lint finds the reasons in the events section of a skill.json why the skill gets
// no events, or the wrong ones. If skillJSON is not a JSON object, the error
// wraps [ErrManifest].
func Lint(skillJSON []byte) ([]Finding, error) {
	var file struct {
		Manifest *struct{ Events json.RawMessage }
		Events   json.RawMessage // of a file that is the manifest alone
	}
	path, events := "manifest.events", json.RawMessage(nil)
	err := json.Unmarshal(skillJSON, &file)
	var otherType *json.UnmarshalTypeError
	switch {
	case err != nil && (!errors.As(err, &otherType) || otherType.Field == ""):
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	case file.Manifest != nil:
		events = file.Manifest.Events
	case file.Events != nil:
		path, events = "events", file.Events
	}
	if len(events) == 0 || string(events) == "null" {
		return []Finding{problem(path, "missing: the skill gets no events")}, nil
	}

	findings := checkMembers(path, events)
	var s section
	if err := json.Unmarshal(events, &s); errors.As(err, &otherType) {
		at := strings.TrimSuffix(path+"."+otherType.Field, ".")
		findings = append(findings, problem(at, "has the wrong JSON type, "+otherType.Value))
	}
	findings = append(findings, s.check(path)...)
	if len(s.Subscriptions) == 0 {
		findings = append(findings, problem(path+".subscriptions", "missing: the skill gets no events"))
	}
	for i, name := range s.Subscriptions {
		findings = append(findings, lintName(namePath(path, "subscriptions", i), EventName(name.EventName))...)
	}
	for i, name := range s.Publications {
		findings = append(findings, lintPublication(namePath(path, "publications", i), name.EventName)...)
	}
	findings = append(findings, lintCustomerRecords(path+".subscriptions", s.Subscriptions)...)
	return append(findings, note(path, "a change to a live skill takes effect after another certification")), nil
}

// lintCustomerRecords finds a subscription to one of the two events that customer
// records need, without the other.
func lintCustomerRecords(path string, subscriptions []eventNameJSON) []Finding {
	subscribed := func(event EventName) bool { // by its request type too, another finding
		return slices.ContainsFunc(subscriptions, func(name eventNameJSON) bool {
			return name.EventName == string(event) || name.EventName == names[event]
		})
	}
	linked, disabled := subscribed(EventSkillAccountLinked), subscribed(EventSkillDisabled)
	const document = `Amazon's page "Communication Related to your Skill Customers" tells a skill with account linking to subscribe to both`
	switch {
	case linked && !disabled:
		return []Finding{note(path, fmt.Sprintf("%s without %s: customer records never end; %s", EventSkillAccountLinked, EventSkillDisabled, document))}
	case disabled && !linked:
		return []Finding{note(path, fmt.Sprintf("%s without %s: customer records have no account; %s", EventSkillDisabled, EventSkillAccountLinked, document))}
	}
	return nil
}

// checkMembers finds members that are not in Amazon's model of the section.
func checkMembers(path string, events json.RawMessage) (findings []Finding) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(events, &members) // without members if it is not an object
	for _, name := range sortedKeys(members) {
		if !slices.Contains([]string{"endpoint", "regions", "subscriptions", "publications"}, name) {
			findings = append(findings, problem(path+"."+name, "unknown member of the events section"))
		}
	}
	return findings
}

func lintName(path string, name EventName) []Finding {
	requestType, known := names[name]
	switch {
	case name == "":
		return nil // found already
	case name == EventAllListsChanged, strings.HasPrefix(requestType, "AlexaHouseholdListEvent."):
		return []Finding{problem(path, string(name)+" no longer arrives: Amazon retired the lists in 2024")}
	case name == EventSkillAccountLinked:
		return []Finding{note(path, "arrives only if the skill has account linking, which this file does not show: run ask smapi get-account-linking-info")}
	case known:
		return nil
	}
	if other := nameOf(string(name)); other != "" {
		return []Finding{problem(path, fmt.Sprintf("%s is the type of the request; the name of the event is %s", name, other))}
	}
	switch {
	case strings.Contains(string(name), "UNLINKED") || strings.Contains(string(name), "Unlinked"):
		return []Finding{problem(path, fmt.Sprintf("%s is unknown: Alexa sends no event when an account is unlinked, except %s", name, EventSkillDisabled))}
	case strings.Contains(string(name), "."):
		return nil // Amazon's model has two hundred such names, for devices
	}
	return []Finding{problem(path, string(name)+" is unknown")}
}

// proactiveEvents is the catalog in Amazon's page "Proactive Events Schemas".
var proactiveEvents = []string{
	"AMAZON.WeatherAlert.Activated",
	"AMAZON.SportsEvent.Updated",
	"AMAZON.MessageAlert.Activated",
	"AMAZON.OrderStatus.Updated",
	"AMAZON.Occasion.Updated",
	"AMAZON.TrashCollectionAlert.Activated",
	"AMAZON.MediaContent.Available",
	"AMAZON.SocialGameInvite.Available",
}

func lintPublication(path, name string) []Finding {
	switch {
	case name == "" || isSubscription(name) || slices.Contains(proactiveEvents, name):
		return nil // valid, or found already
	case strings.HasPrefix(name, "AMAZON."):
		return []Finding{note(path, name+" is not in Amazon's catalog of proactive events")}
	}
	return []Finding{problem(path, name+" is unknown: the names of proactive events begin with AMAZON.")}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
