package gateway

import (
	"encoding/json"
	"iter"
	"slices"
	"unicode/utf8"
)

// Cause is why a state changed or something happened.
type Cause string

// The causes of Amazon's message schema. Other causes are sent unchecked.
const (
	AppInteraction      Cause = "APP_INTERACTION"      // the customer used the skill's own app
	PhysicalInteraction Cause = "PHYSICAL_INTERACTION" // the customer used the device itself
	PeriodicPoll        Cause = "PERIODIC_POLL"        // regular polling found the change
	RuleTrigger         Cause = "RULE_TRIGGER"         // a rule of the device or its cloud caused the change
	VoiceInteraction    Cause = "VOICE_INTERACTION"    // the customer spoke to Alexa
	InvalidCredentials  Cause = "INVALID_CREDENTIALS"  //nolint:gosec // the name of a cause
	SubscriptionExpired Cause = "SUBSCRIPTION_EXPIRED"
)

// ChangeReport says that properties of an endpoint changed, for any reason, also a
// directive. It reports only changes of properties that the discovery response
// declares as proactivelyReported.
//
// A routine starts when the state of a sensor changes. A report that repeats the
// state starts none.
type ChangeReport struct {
	EndpointID string
	Cause      Cause // required

	// Properties are the properties that changed, at least one.
	Properties []Property

	// Context is the current state of the endpoint's other properties. It must
	// not repeat any of Properties. Empty is left out.
	Context []Property
}

func (e *ChangeReport) message() (*message, error) {
	w := write("ChangeReport", header{namespace: "Alexa", name: "ChangeReport"})
	w.sendOnly, w.repeatable = true, true
	w.endpoint(e.EndpointID)
	w.raw(`,"payload":{"change":{"cause":{"type":`)
	w.text("Cause", string(e.Cause))
	w.raw(`},"properties":`)
	w.require("Properties", len(e.Properties) > 0)
	w.properties("Properties", e.Properties)
	w.raw(`}}`)
	return w.finish(e.Context)
}

const (
	maxEndpoints    = 300 // per discovery report, and per customer
	maxCapabilities = 100 // per endpoint
)

// AddOrUpdateReport adds endpoints, or updates them, outside of a discovery.
type AddOrUpdateReport struct {
	// Endpoints are 1 to 300 complete descriptions, together at most 256 KB. Each
	// is a value that encodes to an endpoint of a Discover.Response, and replaces
	// the description that Alexa has. An endpointId is unique among all customers
	// of the skill. A customer has at most 300 endpoints.
	Endpoints []any
}

// Split splits the report into reports of at most n endpoints and 256 KB. Less than
// 1 or more than 300 means 300. A larger endpoint gets a report of its own, for
// which [Sender.Send] returns [ErrTooLarge].
func (e *AddOrUpdateReport) Split(n int) iter.Seq[*AddOrUpdateReport] {
	return func(yield func(*AddOrUpdateReport) bool) {
		first, size := 0, reportSize
		for i, endpoint := range e.Endpoints {
			w := new(writer)
			w.value("", endpoint) // its errors come when the report is sent
			added := len(w.body) + len(`,`)
			if i > first && (i-first == batch(n) || size+added > maxBody) {
				if !yield(&AddOrUpdateReport{Endpoints: e.Endpoints[first:i:i]}) {
					return
				}
				first, size = i, reportSize
			}
			size += added
		}
		if first < len(e.Endpoints) {
			yield(&AddOrUpdateReport{Endpoints: e.Endpoints[first:]})
		}
	}
}

// reportSize is the maximum size of a report without its endpoints, in bytes.
const reportSize = 256

func (e *AddOrUpdateReport) message() (*message, error) {
	return discoveryReport("AddOrUpdateReport", "Endpoints", len(e.Endpoints), func(w *writer, i int) string {
		// The rules of the message schema, with the newer limits of Amazon's page on
		// discovery objects.
		endpoint := members(w.object("", e.Endpoints[i]))
		for _, name := range [...]string{"manufacturerName", "description"} {
			if n := utf8.RuneCountInString(endpoint.text(name)); n < 1 || n > 128 {
				w.fail(name, "must have 1 to 128 characters")
			}
		}
		// Some interfaces need no name.
		if n := utf8.RuneCountInString(endpoint.text("friendlyName")); endpoint["friendlyName"] != nil && (n < 1 || n > 256) {
			w.fail("friendlyName", "must have 1 to 256 characters")
		}
		w.require("displayCategories", endpoint.count("displayCategories") > 0)
		capabilities := endpoint.count("capabilities")
		w.require("capabilities", capabilities > 0)
		if capabilities > maxCapabilities {
			w.fail("capabilities", "must have at most 100 elements")
		}
		id := endpoint.text("endpointId")
		if !isEndpointID(id) {
			w.fail("endpointId", endpointIDRule)
		}
		return id
	})
}

// members are the members of a JSON object. Unlike in a struct, their names match
// exactly.
type members map[string]json.RawMessage

func (m members) text(name string) (s string) {
	_ = json.Unmarshal(m[name], &s) // empty if it is not a string
	return s
}

// count returns how many elements a list has, 0 without a list.
func (m members) count(name string) int {
	var list []json.RawMessage
	_ = json.Unmarshal(m[name], &list)
	return len(list)
}

// DeleteReport removes endpoints.
type DeleteReport struct {
	EndpointIDs []string // 1 to 300, each once
}

// Split splits the report into reports of at most n endpoints. Less than 1 or more
// than 300 means 300. Large reports have failed with an INTERNAL_SERVICE_EXCEPTION
// where reports of 30 were accepted.
func (e *DeleteReport) Split(n int) iter.Seq[*DeleteReport] {
	return func(yield func(*DeleteReport) bool) {
		for part := range slices.Chunk(e.EndpointIDs, batch(n)) {
			if !yield(&DeleteReport{EndpointIDs: part}) {
				return
			}
		}
	}
}

func (e *DeleteReport) message() (*message, error) {
	return discoveryReport("DeleteReport", "EndpointIDs", len(e.EndpointIDs), func(w *writer, i int) string {
		w.raw(`{"endpointId":`)
		w.endpointID("", e.EndpointIDs[i])
		w.raw(`}`)
		return e.EndpointIDs[i]
	})
}

// discoveryReport encodes a report of n endpoints. The function endpoint writes one
// of them and returns its ID.
func discoveryReport(name, list string, n int, endpoint func(w *writer, i int) string) (*message, error) {
	w := write(name, header{namespace: "Alexa.Discovery", name: name})
	w.sendOnly, w.repeatable = true, true
	w.raw(`,"payload":{`)
	w.scopeAt = len(w.body)
	w.raw(`"endpoints":[`)
	if n < 1 || n > maxEndpoints {
		w.fail(list, "must have 1 to 300 endpoints")
		w.err.tooLarge = n > maxEndpoints
	}
	w.list = list
	seen := make(map[string]bool, n)
	for w.index = 0; w.index < n && w.err == nil; w.index++ {
		if w.index > 0 {
			w.raw(`,`)
		}
		id := endpoint(w, w.index)
		if seen[id] {
			w.fail("", "repeats an endpoint")
		}
		seen[id] = true
	}
	w.list = ""
	w.raw(`]}`)
	return w.finish(nil)
}

func batch(n int) int {
	if n < 1 || n > maxEndpoints {
		return maxEndpoints
	}
	return n
}
