package play

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// Expect is what a response must be, or the request of an entry in the journal.
type Expect struct {
	Status *int           `yaml:"status"` // HTTP status; zero is no response; nil is 2xx
	Body   map[string]any `yaml:"body"`   // values in the JSON document by path; nil is a member that is missing or null
}

func (e *Expect) check(s *step) error {
	if e.Status != nil && *e.Status != 0 && (*e.Status < 100 || *e.Status > 599) {
		return s.at("status", "status: not an HTTP status, or 0 for no response: %d", *e.Status)
	}
	return nil
}

// entry checks the response of the backend to Alexa. An ErrorResponse to a directive is
// a failure unless it is expected.
func (e *Expect) entry(s *step, entry cloud.Entry, isDirective bool) error {
	if entry.Error != "" && (e.Status == nil || *e.Status != 0) {
		return s.at("status", "no response from %s: %s", entry.URL, entry.Error)
	}
	if err := e.response(s, entry.Status, entry.Response); err != nil {
		return err
	}
	const name = "event.header.name"
	if _, expected := e.Body[name]; !isDirective || expected || entry.Status/100 != 2 {
		return nil
	}
	if differs(entry.Response, map[string]any{name: "ErrorResponse"}) == "" {
		return s.at("", "the backend responded with an ErrorResponse: %s", short(entry.Response))
	}
	return nil
}

// response checks the status and the body of a response.
func (e *Expect) response(s *step, status int, body string) error {
	if !e.matches(status) {
		message := fmt.Sprintf("status %d, expected %s", status, e.status())
		if body != "" {
			message += ": " + short(body)
		}
		return s.at("status", "%s", message)
	}
	if difference := differs(body, e.Body); difference != "" {
		return s.at("body", "%s", difference)
	}
	return nil
}

func (e *Expect) matches(status int) bool {
	if e.Status == nil {
		return status/100 == 2
	}
	return status == *e.Status
}

// status is the expected status in words.
func (e *Expect) status() string {
	if e.Status == nil {
		return "2xx"
	}
	return strconv.Itoa(*e.Status)
}

// differs says how a JSON document differs from what it must have. It returns "" if it
// does not.
func differs(body string, want map[string]any) string {
	if len(want) == 0 {
		return ""
	}
	var document any
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return "not a JSON document: " + short(body)
	}
	var open any // without secrets
	_ = json.Unmarshal([]byte(cloud.Redact(body)), &open)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		var expected any
		encoded, _ := json.Marshal(want[path]) // decoded YAML
		_ = json.Unmarshal(encoded, &expected)
		if reflect.DeepEqual(find(document, path), expected) {
			continue
		}
		have := find(open, path)
		if have == cloud.Redacted {
			return path + " is not as expected; its value is secret, and not in the journal"
		}
		text, _ := json.Marshal(have)
		return fmt.Sprintf("%s is %s, expected %s", path, short(string(text)), short(string(encoded)))
	}
	return ""
}

// find returns the value at a path of names and numbers of elements, nil if there is
// none.
func find(in any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch parent := in.(type) {
		case map[string]any:
			in = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(parent) {
				return nil
			}
			in = parent[i]
		default:
			return nil
		}
	}
	return in
}

const maxShort = 300

// short returns a body in one line, without secrets.
func short(body string) string {
	text := strings.Join(strings.Fields(cloud.Redact(body)), " ")
	if len(text) > maxShort {
		return strings.ToValidUTF8(text[:maxShort], "") + "…"
	}
	return text
}
