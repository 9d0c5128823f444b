package gateway

import (
	"encoding/json"
	"iter"
	"slices"
	"unicode/utf8"
)

// Cause is why a state changed or a thing happened.
type Cause string

// The causes of Amazon's message schema. Others are sent as they are.
const (
	AppInteraction      Cause = "APP_INTERACTION"      // the customer used the skill's own app
	PhysicalInteraction Cause = "PHYSICAL_INTERACTION" // the customer used the device itself
	PeriodicPoll        Cause = "PERIODIC_POLL"        // a regular sample found it
	RuleTrigger         Cause = "RULE_TRIGGER"         // a rule of the device or its cloud did it
	VoiceInteraction    Cause = "VOICE_INTERACTION"    // the customer spoke to Alexa
	InvalidCredentials  Cause = "INVALID_CREDENTIALS"  //nolint:gosec // the name of a cause
	SubscriptionExpired Cause = "SUBSCRIPTION_EXPIRED"
)

// ChangeReport says that properties of an endpoint changed, whatever the reason,
// a directive of Alexa's included. Only properties that the discovery response
// declared with proactivelyReported may change in it.
//
// A sensor starts a routine when its state changes, so a report that repeats the
// state starts none.
type ChangeReport struct {
	EndpointID string
	Cause      Cause // any text but the empty one

	// Properties are those that changed, at least one.
	Properties []Property

	// Context is a snapshot of the endpoint's other properties; it must repeat
	// none of Properties. Empty is left out.
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
	w.properties("Properties", e.Properties, nil)
	w.raw(`}}`)
	return w.finish(e.Context, e.Properties)
}

const (
	maxEndpoints    = 300 // of one discovery report; also of one customer
	maxCapabilities = 100 // of one endpoint
)

// AddOrUpdateReport tells of endpoints that are new or have changed outside of
// any discovery.
type AddOrUpdateReport struct {
	// Endpoints are 1 to 300 complete descriptions, each a value that encodes
	// to an endpoint of a Discover.Response, together of at most 256 KB. A
	// description replaces the one that Alexa has. Its endpointId is unique among
	// all customers of the skill. A customer has at most 300 endpoints.
	Endpoints []any
}

// Split returns the report in reports of at most n endpoints and 256 KB; zero or
// more than 300 means 300. An endpoint that is larger is in a report of its own,
// which [Sender.Send] refuses with [ErrTooLarge].
func (e *AddOrUpdateReport) Split(n int) iter.Seq[*AddOrUpdateReport] {
	return func(yield func(*AddOrUpdateReport) bool) {
		first, size := 0, reportSize
		for i, endpoint := range e.Endpoints {
			w := new(writer)
			w.value("", endpoint) // what cannot be encoded is refused later
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

// reportSize is what a report has beside its endpoints, in bytes, or less.
const reportSize = 256

func (e *AddOrUpdateReport) message() (*message, error) {
	return discoveryReport("AddOrUpdateReport", "Endpoints", len(e.Endpoints), func(w *writer, i int) string {
		// These are the rules of the message schema, and the newer limits of
		// Amazon's page on discovery objects.
		endpoint := members(w.object("", e.Endpoints[i]))
		for _, name := range [...]string{"manufacturerName", "description"} {
			if n := utf8.RuneCountInString(endpoint.text(name)); n < 1 || n > 128 {
				w.fail(name, "must have 1 to 128 characters")
			}
		}
		// Some interfaces do without a name.
		if n := utf8.RuneCountInString(endpoint.text("friendlyName")); endpoint["friendlyName"] != nil && (n < 1 || n > 256) {
			w.fail("friendlyName", "must have 1 to 256 characters")
		}
		w.require("displayCategories", endpoint.list("displayCategories") > 0)
		capabilities := endpoint.list("capabilities")
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

// members are those of a JSON object. Unlike a struct it finds them by their
// exact names.
type members map[string]json.RawMessage

func (m members) text(name string) (s string) {
	_ = json.Unmarshal(m[name], &s) // what is not a string is missing
	return s
}

// list returns how many elements a list has, 0 if there is none.
func (m members) list(name string) int {
	var list []json.RawMessage
	_ = json.Unmarshal(m[name], &list)
	return len(list)
}

// DeleteReport tells of endpoints that are gone.
type DeleteReport struct {
	EndpointIDs []string // 1 to 300, each once
}

// Split returns the report in reports of at most n endpoints; zero or more than
// 300 means 300. Large reports were seen to fail with an internal error of
// Alexa's where reports of 30 passed.
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

// discoveryReport writes the n endpoints of a report. The function writes one
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
	return w.finish(nil, nil)
}

func batch(n int) int {
	if n < 1 || n > maxEndpoints {
		return maxEndpoints
	}
	return n
}
