package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// writer writes the body of a message from left to right and checks it. It keeps the
// first error, so that the methods of events need not check each step.
type writer struct {
	message
	err    *InvalidError
	values *json.Encoder // writes into body; nil before the first value

	list  string // field of the list that is being written; empty outside of lists
	index int    // index of the list's current element
	seen  places // of the written properties
}

type header struct {
	namespace, name  string
	instance         string             // empty is left out
	payloadVersion   string             // empty means "3"
	correlationToken alexaevents.Secret // empty is left out
}

// write starts the message of an event, up to the end of its header.
func write(event string, h header) *writer {
	w := &writer{message: message{event: event, correlated: h.correlationToken != ""}}
	w.body = make([]byte, 0, 1536) // enough for six properties
	w.raw(`{"event":{"header":{"namespace":`)
	w.text("Namespace", h.namespace)
	w.raw(`,"name":`)
	w.text("Name", h.name)
	if h.instance != "" {
		w.raw(`,"instance":`)
		w.text("Instance", h.instance)
	}
	if h.payloadVersion == "" {
		h.payloadVersion = "3"
	}
	w.raw(`,"payloadVersion":`)
	w.text("PayloadVersion", h.payloadVersion)
	if h.correlationToken != "" {
		w.raw(`,"correlationToken":`)
		w.text("CorrelationToken", string(h.correlationToken))
	}
	w.raw(`,"messageId":"`)
	w.idAt = len(w.body)
	w.raw(`"}`)
	return w
}

// endpoint writes the endpoint, where the scope is inserted. In a response, the ID of
// the directive is not checked.
func (w *writer) endpoint(id string) {
	if !w.correlated && !isEndpointID(id) {
		w.fail("EndpointID", endpointIDRule)
	}
	w.anyEndpoint(id)
}

// anyEndpoint is endpoint without a check of the ID.
func (w *writer) anyEndpoint(id string) {
	w.message.endpoint = id
	w.raw(`,"endpoint":{`)
	w.scopeAt = len(w.body)
	w.raw(`"endpointId":`)
	w.text("EndpointID", id)
	w.raw(`}`)
}

// respondTo writes the endpoint of the response to a directive. A directive that
// concerns no endpoint may have no correlation token.
func (w *writer) respondTo(id string) {
	w.repeatable = true
	if id == "" {
		return
	}
	w.endpoint(id)
	w.require("CorrelationToken", w.correlated)
}

// finish writes the context and ends the message. An empty context is left out.
func (w *writer) finish(context []Property) (*message, error) {
	w.raw(`}`)
	if len(context) > 0 {
		w.raw(`,"context":{"properties":`)
		w.properties("Context", context)
		w.raw(`}`)
	}
	w.raw(`}`)
	if w.err != nil {
		return nil, w.err
	}
	return &w.message, nil
}

func (w *writer) raw(json string) { w.body = append(w.body, json...) }

// fail keeps the error that a field breaks a rule. Inside a list the field is a field
// of the element, or "" for the element itself.
func (w *writer) fail(field, rule string) {
	if w.err != nil {
		return
	}
	path := w.event
	if w.list != "" {
		path += "." + element(w.list, w.index)
	}
	if field != "" {
		path += "." + field
	}
	w.err = &InvalidError{Field: path, Rule: rule}
}

func (w *writer) require(field string, ok bool) {
	if !ok {
		w.fail(field, "is required")
	}
}

// text writes a text that must not be empty.
func (w *writer) text(field, s string) {
	w.require(field, s != "")
	if !utf8.ValidString(s) {
		w.fail(field, utf8Rule)
	}
	w.body = appendText(w.body, s)
}

func (w *writer) endpointID(field, id string) {
	if !isEndpointID(id) {
		w.fail(field, endpointIDRule)
	}
	w.body = appendText(w.body, id)
}

// time writes a time in UTC.
func (w *writer) time(field string, t time.Time, layout string) {
	w.require(field, !t.IsZero())
	t = t.UTC()
	if t.Year() < 1000 || t.Year() > 9999 {
		w.fail(field, yearRule)
	}
	w.body = append(w.body, '"')
	w.body = t.AppendFormat(w.body, layout)
	w.body = append(w.body, '"')
}

// value writes a value with encoding/json and returns its JSON, nil after an error.
func (w *writer) value(field string, v any) []byte {
	start := len(w.body)
	if w.values == nil {
		w.values = json.NewEncoder(w)
		w.values.SetEscapeHTML(false)
	}
	// The error or panic of a MarshalJSON method is not passed on: its text may show
	// the value.
	if err := rest.Catch(func() error { return w.values.Encode(v) }); err != nil {
		w.fail(field, "must be a value that encoding/json can encode")
		return nil
	}
	w.body = w.body[:len(w.body)-1] // the line break of Encode
	encoded := w.body[start:]
	_, raw := v.(json.RawMessage) // may contain the escape itself
	if !utf8.Valid(encoded) || !raw && hasReplacement(encoded) {
		w.fail(field, utf8Rule)
	}
	return encoded
}

// hasReplacement reports whether the JSON has the escape \ufffd, with which
// encoding/json replaces invalid UTF-8. It leaves the valid character U+FFFD
// unescaped.
func hasReplacement(encoded []byte) bool {
	for {
		i := bytes.Index(encoded, []byte(`\ufffd`))
		if i < 0 {
			return false
		}
		backslashes := i + 1 - len(bytes.TrimRight(encoded[:i+1], `\`))
		if backslashes%2 == 1 {
			return true
		}
		encoded = encoded[i+1:]
	}
}

// Write appends to the body, for the encoder of values.
func (w *writer) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

// object writes a value that must encode to a JSON object, and returns its members.
// Nil is written as {}.
func (w *writer) object(field string, v any) (members map[string]json.RawMessage) {
	if v == nil {
		w.raw(`{}`)
		return nil
	}
	if json.Unmarshal(w.value(field, v), &members) != nil || members == nil {
		w.fail(field, "must be a JSON object")
	}
	return members
}

// appendText appends a JSON string. Most strings are plain ASCII.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			escaped, _ := json.Marshal(s) // a string always marshals
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

const (
	endpointIDRule = "must be 1 to 256 letters, digits, spaces and characters of _-=#;:?@&"
	utf8Rule       = "must be valid UTF-8"
	yearRule       = "must be in the years 1000 to 9999"
)

// isEndpointID applies the rule of Amazon's page on discovery objects. The message
// schema of 2021 does not allow spaces.
func isEndpointID(id string) bool {
	for i := range len(id) {
		if isAlphanumeric(id[i]) {
			continue
		}
		switch id[i] {
		case ' ', '_', '-', '=', '#', ';', ':', '?', '@', '&':
		default:
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 256
}

// element returns the path of a list's element.
func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
