package skillevents

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// Manifest is the events section of a skill's manifest: manifest.events in
// skill.json. It marshals to the JSON of the section. If Amazon would refuse the
// section, the error wraps [ErrManifest].
//
// Only the ASK CLI and the Skill Management API can set the section; the developer
// console cannot. A change to a live skill needs another certification.
//
// A Lambda function and a skill each need the ID of the other:
//
//  1. Create the function, without a trigger.
//  2. Create the skill, without an events section. Now it has an ID.
//  3. Add the trigger Alexa Skills Kit to the function, with that ID as its event
//     source token, so that Alexa may invoke it for this skill only.
//  4. Update the manifest with the function's ARN in the events section.
type Manifest struct {
	// Endpoint is where Alexa sends the events. Required: Alexa does not use the
	// endpoint of the skill itself.
	Endpoint Endpoint

	// Regions has other endpoints for the customers of a region. Nil means none.
	Regions map[alexaevents.Region]Endpoint

	// Subscriptions are the events that the backend receives. Nil means none.
	Subscriptions []EventName

	// Publications are the proactive events that the skill sends, such as
	// AMAZON.MessageAlert.Activated. Nil means none.
	Publications []string
}

// Endpoint is where Alexa sends events.
type Endpoint struct {
	// URI is an https URL on port 443, or the full ARN of a Lambda function.
	// Required.
	URI string `json:"uri"`

	// Certificate is the type of the server's certificate. Required for an https
	// URL: without it Alexa never connects. Alexa ignores it for a Lambda
	// function. Empty leaves it out.
	Certificate CertificateType `json:"sslCertificateType,omitempty"`
}

// CertificateType is the type of a server's certificate.
type CertificateType string

// The types that Amazon distinguishes.
const (
	Trusted    CertificateType = "Trusted"    // issued by a certificate authority
	Wildcard   CertificateType = "Wildcard"   // issued by a certificate authority for a whole domain
	SelfSigned CertificateType = "SelfSigned" // self-signed and uploaded to Amazon
)

// section is the JSON of the events section.
type section struct {
	Endpoint      *Endpoint                         `json:"endpoint"`
	Regions       map[alexaevents.Region]regionJSON `json:"regions,omitempty"`
	Subscriptions []eventNameJSON                   `json:"subscriptions,omitempty"`
	Publications  []eventNameJSON                   `json:"publications,omitempty"`
}

type regionJSON struct {
	Endpoint *Endpoint `json:"endpoint"`
}

type eventNameJSON struct {
	EventName string `json:"eventName"`
}

// MarshalJSON returns the section.
func (m Manifest) MarshalJSON() ([]byte, error) {
	s := section{Endpoint: &m.Endpoint}
	for region, endpoint := range m.Regions {
		if s.Regions == nil {
			s.Regions = make(map[alexaevents.Region]regionJSON)
		}
		s.Regions[region] = regionJSON{&endpoint}
	}
	for _, name := range m.Subscriptions {
		s.Subscriptions = append(s.Subscriptions, eventNameJSON{string(name)})
	}
	for _, name := range m.Publications {
		s.Publications = append(s.Publications, eventNameJSON{name})
	}
	for _, finding := range s.check("events") {
		if !finding.Note {
			return nil, fmt.Errorf("%w: %v", ErrManifest, finding)
		}
	}
	return json.Marshal(s)
}

// check finds what Amazon refuses, and why no events arrive.
func (s *section) check(path string) []Finding {
	findings := checkEndpoint(path+".endpoint", s.Endpoint)
	for _, region := range sortedKeys(s.Regions) {
		at := path + ".regions." + string(region)
		if region.APIEndpoint() == "" {
			findings = append(findings, problem(at, "unknown region: the regions are NA, EU and FE"))
		}
		findings = append(findings, checkEndpoint(at+".endpoint", s.Regions[region].Endpoint)...)
	}
	for i, name := range s.Subscriptions {
		if strings.HasPrefix(name.EventName, "AMAZON.") {
			findings = append(findings, problem(namePath(path, "subscriptions", i), name.EventName+" is a proactive event, which the skill sends: it belongs to publications"))
		}
	}
	for i, name := range s.Publications {
		if isSubscription(name.EventName) {
			findings = append(findings, problem(namePath(path, "publications", i), name.EventName+" is an event that the skill receives: it belongs to subscriptions"))
		}
	}
	findings = append(findings, checkNames(path, "subscriptions", s.Subscriptions)...)
	return append(findings, checkNames(path, "publications", s.Publications)...)
}

func checkNames(path, list string, names []eventNameJSON) (findings []Finding) {
	seen := make(map[string]bool)
	for i, name := range names {
		at := namePath(path, list, i)
		switch {
		case name.EventName == "":
			findings = append(findings, problem(at, "missing"))
		case seen[name.EventName]:
			findings = append(findings, problem(at, name.EventName+" occurs twice"))
		}
		seen[name.EventName] = true
	}
	return findings
}

func namePath(path, list string, i int) string {
	return fmt.Sprintf("%s.%s[%d].eventName", path, list, i)
}

func checkEndpoint(path string, endpoint *Endpoint) (findings []Finding) {
	if endpoint == nil || endpoint.URI == "" {
		return []Finding{problem(path, "missing: Alexa sends events to no other endpoint, not even to that of the skill")}
	}
	at, isURL := path+".uri", false
	switch uri := endpoint.URI; {
	case rest.IsFunctionARN(uri):
		if endpoint.Certificate != "" {
			findings = append(findings, note(path+".sslCertificateType", "only an https URL has a certificate: Alexa ignores it for a Lambda function"))
		}
	case strings.HasPrefix(uri, "https://"):
		isURL = true
		u, err := url.Parse(uri)
		switch {
		case err != nil || u.Hostname() == "":
			findings = append(findings, problem(at, "not a URL"))
		case u.Port() != "" && u.Port() != "443":
			findings = append(findings, problem(at, "has port "+u.Port()+": Alexa connects to port 443 only"))
		}
	case strings.Contains(uri, "://"):
		findings = append(findings, problem(at, "not an https URL"))
	default:
		findings = append(findings, problem(at,
			"neither an https URL nor the full ARN of a Lambda function, arn:aws:lambda:us-east-1:123456789012:function:name; its short name is not enough"))
	}
	switch endpoint.Certificate {
	case Trusted, Wildcard, SelfSigned:
	case "":
		if isURL {
			findings = append(findings, problem(path+".sslCertificateType", "missing: Alexa does not connect to an https URL without it; Trusted, Wildcard or SelfSigned"))
		}
	default:
		findings = append(findings, problem(path+".sslCertificateType", "must be Trusted, Wildcard or SelfSigned"))
	}
	return findings
}

// EventName is the name of an event in the subscriptions of a manifest. Other
// values than the constants are possible.
type EventName string

// The events of skills that Amazon's model names.
const (
	EventSkillEnabled            EventName = "SKILL_ENABLED"
	EventSkillDisabled           EventName = "SKILL_DISABLED"
	EventSkillAccountLinked      EventName = "SKILL_ACCOUNT_LINKED"
	EventSkillPermissionAccepted EventName = "SKILL_PERMISSION_ACCEPTED"
	EventSkillPermissionChanged  EventName = "SKILL_PERMISSION_CHANGED"

	EventProactiveSubscriptionChanged    EventName = "SKILL_PROACTIVE_SUBSCRIPTION_CHANGED"
	EventNotificationSubscriptionChanged EventName = "SKILL_NOTIFICATION_SUBSCRIPTION_CHANGED"

	EventReminderStarted       EventName = "REMINDER_STARTED"
	EventReminderCreated       EventName = "REMINDER_CREATED"
	EventReminderUpdated       EventName = "REMINDER_UPDATED"
	EventReminderStatusChanged EventName = "REMINDER_STATUS_CHANGED"
	EventReminderDeleted       EventName = "REMINDER_DELETED"
)

// The events that this package decodes as [*Unknown], since Amazon does not
// document their bodies.
const (
	EventAudioItemPlaybackStarted  EventName = "AUDIO_ITEM_PLAYBACK_STARTED"
	EventAudioItemPlaybackFinished EventName = "AUDIO_ITEM_PLAYBACK_FINISHED"
	EventAudioItemPlaybackStopped  EventName = "AUDIO_ITEM_PLAYBACK_STOPPED"
	EventAudioItemPlaybackFailed   EventName = "AUDIO_ITEM_PLAYBACK_FAILED"

	EventInSkillProductSubscriptionStarted EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_STARTED"
	EventInSkillProductSubscriptionRenewed EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_RENEWED"
	EventInSkillProductSubscriptionEnded   EventName = "IN_SKILL_PRODUCT_SUBSCRIPTION_ENDED"
)

// The events of lists, which Amazon retired in 2024.
const (
	EventItemsCreated    EventName = "ITEMS_CREATED"
	EventItemsUpdated    EventName = "ITEMS_UPDATED"
	EventItemsDeleted    EventName = "ITEMS_DELETED"
	EventListCreated     EventName = "LIST_CREATED"
	EventListUpdated     EventName = "LIST_UPDATED"
	EventListDeleted     EventName = "LIST_DELETED"
	EventAllListsChanged EventName = "ALL_LISTS_CHANGED"
)

// names has the request type of each event name, empty if unknown.
var names = map[EventName]string{
	EventSkillEnabled:            "AlexaSkillEvent.SkillEnabled",
	EventSkillDisabled:           "AlexaSkillEvent.SkillDisabled",
	EventSkillAccountLinked:      "AlexaSkillEvent.SkillAccountLinked",
	EventSkillPermissionAccepted: "AlexaSkillEvent.SkillPermissionAccepted",
	EventSkillPermissionChanged:  "AlexaSkillEvent.SkillPermissionChanged",

	EventProactiveSubscriptionChanged:    "AlexaSkillEvent.ProactiveSubscriptionChanged",
	EventNotificationSubscriptionChanged: "AlexaSkillEvent.NotificationSubscriptionChanged",

	EventReminderStarted:       "Reminders.ReminderStarted",
	EventReminderCreated:       "Reminders.ReminderCreated",
	EventReminderUpdated:       "Reminders.ReminderUpdated",
	EventReminderStatusChanged: "Reminders.ReminderStatusChanged",
	EventReminderDeleted:       "Reminders.ReminderDeleted",

	EventAudioItemPlaybackStarted:  "",
	EventAudioItemPlaybackFinished: "",
	EventAudioItemPlaybackStopped:  "",
	EventAudioItemPlaybackFailed:   "",

	EventInSkillProductSubscriptionStarted: "",
	EventInSkillProductSubscriptionRenewed: "",
	EventInSkillProductSubscriptionEnded:   "",

	EventItemsCreated:    "AlexaHouseholdListEvent.ItemsCreated",
	EventItemsUpdated:    "AlexaHouseholdListEvent.ItemsUpdated",
	EventItemsDeleted:    "AlexaHouseholdListEvent.ItemsDeleted",
	EventListCreated:     "AlexaHouseholdListEvent.ListCreated",
	EventListUpdated:     "AlexaHouseholdListEvent.ListUpdated",
	EventListDeleted:     "AlexaHouseholdListEvent.ListDeleted",
	EventAllListsChanged: "",
}

// isSubscription reports whether the text is the name of an event that a skill
// receives, or the type of its request.
func isSubscription(text string) bool {
	_, known := names[EventName(text)]
	return known || nameOf(text) != ""
}

// nameOf returns the name of the event with the request type, empty without one.
func nameOf(requestType string) EventName {
	for name, known := range names {
		if requestType != "" && known == requestType {
			return name
		}
	}
	return ""
}
