package gateway

import (
	"encoding/json"
	"iter"
	"slices"
	"unicode/utf8"
)

// maxEndpoints is how many endpoints one discovery report may have, by Amazon's
// message schema.
const maxEndpoints = 300

// AddOrUpdateReport tells of endpoints that are new or have changed outside of
// any discovery.
type AddOrUpdateReport struct {
	// Endpoints are 1 to 300 complete descriptions, each a value that encodes
	// to an endpoint of a Discover.Response. A description replaces the one
	// that Alexa has.
	Endpoints []any
}

// Split returns the report in reports of at most n endpoints; zero or more than
// 300 means 300.
func (e *AddOrUpdateReport) Split(n int) iter.Seq[*AddOrUpdateReport] {
	return func(yield func(*AddOrUpdateReport) bool) {
		for part := range slices.Chunk(e.Endpoints, batch(n)) {
			if !yield(&AddOrUpdateReport{Endpoints: part}) {
				return
			}
		}
	}
}

func (e *AddOrUpdateReport) message() (*message, error) {
	return discoveryReport("AddOrUpdateReport", "Endpoints", len(e.Endpoints), func(w *writer, i int) string {
		// These are what the message schema requires, and its limits.
		endpoint := members(w.object("", e.Endpoints[i]))
		for _, name := range [...]string{"manufacturerName", "friendlyName", "description"} {
			if n := utf8.RuneCountInString(endpoint.text(name)); n < 1 || n > 128 {
				w.fail(name, "must have 1 to 128 characters")
			}
		}
		w.require("displayCategories", endpoint.hasList("displayCategories"))
		w.require("capabilities", endpoint.hasList("capabilities"))
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

func (m members) hasList(name string) bool {
	var list []json.RawMessage
	return json.Unmarshal(m[name], &list) == nil && len(list) > 0
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
