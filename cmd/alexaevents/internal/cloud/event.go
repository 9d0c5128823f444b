package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/smartprops"
)

// Event says which request of Alexa to build.
type Event struct {
	Name     string   `json:"name"`               // such as SkillEnabled, LaunchRequest, Intent:HelloIntent or Alexa.PowerController.TurnOn
	Late     string   `json:"late,omitempty"`     // age of the event, such as "30m"
	Set      []string `json:"set,omitempty"`      // changes, such as "request.body.accessToken=abc"
	Endpoint string   `json:"endpoint,omitempty"` // endpoint ID of a directive
	Token    string   `json:"token,omitempty"`    // access token of the skill's authorization server
}

const skillEvent = "AlexaSkillEvent."

// EventNames returns the names of events in their short form.
func EventNames() (names []string) {
	for _, name := range alexatest.EventTypes() {
		names = append(names, strings.TrimPrefix(name, skillEvent))
	}
	names = append(names, "LaunchRequest", "Intent:")
	for _, name := range developmentEvents {
		names = append(names, string(name))
	}
	for _, name := range propertyEvents {
		names = append(names, string(name))
	}
	return names
}

var (
	developmentEvents = []sdns.EventName{
		sdns.EventManifestUpdate, sdns.EventInteractionModelUpdate, sdns.EventSkillCertification, sdns.EventSkillPublish,
		sdns.EventSkillReviewPublish,
	}
	propertyEvents = []smartprops.EventType{
		smartprops.EventAutomationCompletion, smartprops.EventSkillFailure, smartprops.EventSubscriptionActivation,
		smartprops.EventRoleAssignment, smartprops.EventRoleRevocation, smartprops.EventSetupCompletion,
	}
)

// isNotification reports whether Amazon publishes the event to an SNS topic.
func isNotification(name string) bool {
	return strings.HasPrefix(name, "AlexaDevelopmentEvent.") || strings.HasPrefix(name, "AlexaCustomerFeedbackEvent.") ||
		slices.Contains(propertyEvents, smartprops.EventType(name))
}

// notification returns the message of an event with made-up IDs.
func notification(name, skillID string) []byte {
	if slices.Contains(propertyEvents, smartprops.EventType(name)) {
		return alexatest.PropertyEvent{Type: name, UnitID: "amzn1.alexa.unit.did.example", SkillID: skillID}.Message()
	}
	return alexatest.DevelopmentEvent{Name: name, VendorID: "M1EXAMPLE", SkillID: skillID}.Message()
}

// Build returns the body of the request as the customer causes it, and whether it is
// an event, a directive or a notification. Its error is one of the caller's input.
func (e Event) Build(customer *alexatest.Customer) (body []byte, kind string, err error) {
	late, err := parseAge(e.Late)
	if err != nil {
		return nil, "", err
	}
	customer.UserID() // the copy has the same
	copied := *customer
	copied.Now = func() time.Time { return time.Now().Add(-late) }
	if e.Token != "" {
		copied.Link(e.Token)
	}
	kind = kindEvent
	namespace, name := e.Name, ""
	if dot := strings.LastIndexByte(e.Name, '.'); dot > 0 {
		namespace, name = e.Name[:dot], e.Name[dot+1:]
	}
	long := e.Name
	if !strings.Contains(long, ".") {
		long = skillEvent + long
	}
	intent, isIntent := strings.CutPrefix(e.Name, "Intent:")
	switch {
	case isNotification(e.Name):
		if err := alexatest.Try(func() { body = notification(e.Name, customer.SkillID) }); err != nil {
			return nil, "", err
		}
		kind = kindNotification
	case long == skillEvent+"SkillAccountLinked" && e.Token != "":
		body = copied.Link(e.Token)
	case slices.Contains(alexatest.EventTypes(), long):
		body = copied.Event(long, nil)
	case strings.HasPrefix(e.Name, skillEvent): // newer than this program
		body = copied.Event(e.Name, nil)
	case e.Name == "LaunchRequest":
		body = copied.Launch()
	case isIntent && intent != "":
		body = copied.Intent(intent)
	case strings.HasPrefix(namespace, "Alexa") && name != "":
		kind, body = kindDirective, alexatest.Directive(namespace, name, e.Endpoint, e.Token, nil)
	default:
		return nil, "", fmt.Errorf("unknown event %q", e.Name)
	}
	for _, change := range e.Set {
		if body, err = set(body, change); err != nil {
			return nil, "", err
		}
	}
	return body, kind, nil
}

func parseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return 0, fmt.Errorf("not a duration such as 90s, 30m or 2h: %q", text)
	}
	return age, nil
}

// set changes a JSON document by "path=value". The elements of the path are names of
// members and numbers of array elements; members that do not exist are added. A value
// that is not JSON is a string.
func set(document []byte, change string) ([]byte, error) {
	path, text, ok := strings.Cut(change, "=")
	if !ok || path == "" {
		return nil, fmt.Errorf("not of the form path=value: %q", change)
	}
	var root, value any
	if err := unmarshal([]byte(text), &value); err != nil {
		value = text
	}
	if err := unmarshal(document, &root); err != nil {
		return nil, err
	}
	if err := setIn(root, strings.Split(path, "."), value); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return json.Marshal(root)
}

func unmarshal(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

func setIn(in any, path []string, value any) error {
	for {
		name, last := path[0], len(path) == 1
		switch parent := in.(type) {
		case map[string]any:
			if last {
				parent[name] = value
				return nil
			}
			if parent[name] == nil {
				parent[name] = map[string]any{}
			}
			in = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(parent) {
				return fmt.Errorf("%q is not the number of an element", name)
			}
			if last {
				parent[i] = value
				return nil
			}
			in = parent[i]
		default:
			return fmt.Errorf("%q is in neither an object nor an array", name)
		}
		path = path[1:]
	}
}
