//go:generate go run ./internal/gen

package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// Property is the value of a property of an endpoint at one time. Functions such as
// [PowerState] make one. For a property without a function, write a literal; see the
// package documentation.
type Property struct {
	Namespace string // the interface, such as "Alexa.PowerController"
	Instance  string // the instance of the interface; empty for interfaces without instances
	Name      string // such as "powerState"

	// Value is encoded by encoding/json, to valid UTF-8 that is neither null nor
	// "".
	Value any

	// TimeOfSample is the time when the value was sampled, not when it is sent. It
	// is sent in UTC, truncated to milliseconds. Required.
	TimeOfSample time.Time

	// Uncertainty is how much older the value may be, rounded up to milliseconds.
	// Zero means that TimeOfSample is exact.
	Uncertainty time.Duration

	// Unit is the unit of a numeric Value in the older form of
	// Alexa.InventoryLevelSensor; [InventoryLevel] uses the newer form. Empty is
	// left out.
	Unit string
}

// propertyName names a property of an interface.
type propertyName struct{ namespace, name string }

// checked is a value that checks itself by Amazon's rules.
type checked interface {
	// brokenRule returns the rule that the value breaks, or "".
	brokenRule() string
}

// properties writes a list of properties. A message must not have a property twice.
func (w *writer) properties(field string, list []Property) {
	w.list = field
	w.raw(`[`)
	for i := range list {
		p := &list[i]
		if w.index = i; i > 0 {
			w.raw(`,`)
		}
		w.property(p)
		switch first, repeated := w.seen.add(place{p, field, i}); {
		case repeated && first.list != field:
			w.fail("", "repeats a property that changed")
		case repeated:
			w.fail("", "repeats "+element(field, first.index))
		}
		if w.err != nil {
			return
		}
	}
	w.raw(`]`)
	w.list = ""
}

// place is the place of a property in one of the lists of a message.
type place struct {
	*Property
	list  string // the field
	index int
}

// places finds repeated properties. Most messages have a few properties, and comparing
// these is faster than a map.
type places struct {
	few  [8]place
	n    int // length of few
	more map[[3]string]place
}

// add returns the place of an earlier property with the same namespace, instance and
// name. If there is none, it adds the property.
func (s *places) add(p place) (first place, repeated bool) {
	for i := range s.few[:s.n] {
		if f := &s.few[i]; f.Name == p.Name && f.Namespace == p.Namespace && f.Instance == p.Instance {
			return *f, true
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = p
		s.n++
		return place{}, false
	}
	key := [3]string{p.Namespace, p.Instance, p.Name}
	if first, repeated = s.more[key]; !repeated {
		if s.more == nil {
			s.more = make(map[[3]string]place)
		}
		s.more[key] = p
	}
	return first, repeated
}

func (w *writer) property(p *Property) {
	w.raw(`{"namespace":`)
	w.text("Namespace", p.Namespace)
	if p.Instance != "" {
		w.raw(`,"instance":`)
		w.text("Instance", p.Instance)
	}
	switch p.Namespace {
	case "Alexa.ModeController", "Alexa.RangeController", "Alexa.ToggleController":
		w.require("Instance", p.Instance != "")
	}
	w.raw(`,"name":`)
	w.text("Name", p.Name)
	w.raw(`,"value":`)
	switch encoded := w.value("Value", p.Value); string(encoded) {
	case ``: // encoding failed
	case `null`, `""`:
		w.fail("Value", "is required")
	default:
		if rule := brokenRule(p, encoded); rule != "" {
			w.fail("Value", rule)
		}
	}
	w.raw(`,"timeOfSample":`)
	w.time("TimeOfSample", p.TimeOfSample, "2006-01-02T15:04:05.000Z")
	w.raw(`,"uncertaintyInMilliseconds":`)
	if p.Uncertainty < 0 {
		w.fail("Uncertainty", "must not be negative")
	}
	w.body = strconv.AppendInt(w.body, roundUp(p.Uncertainty, time.Millisecond), 10)
	if p.Unit != "" {
		w.raw(`,"unit":`)
		w.text("Unit", p.Unit)
	}
	w.raw(`}`)
}

// brokenRule returns the rule that the value of a property breaks, or "".
func brokenRule(p *Property, encoded []byte) string {
	if rule := rules[propertyName{p.Namespace, p.Name}]; rule != nil {
		return rule(p.Value, encoded)
	}
	rule := ""
	if v, ok := p.Value.(checked); ok {
		// A program's type that embeds a nil pointer to a type of this package panics.
		if rest.Catch(func() error { rule = v.brokenRule(); return nil }) != nil {
			return "must not embed a nil pointer"
		}
	}
	return rule
}

// roundUp returns d in units, rounded up.
func roundUp(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// The functions below check the value of a property that has a function, also in a
// literal. They get the value and its JSON, and return the rule that it breaks, or
// "". They allow what Amazon may add: other texts and other members.

const formRule = "must be of the form that the property's function makes"

// of checks a value of type T, or JSON that decodes to T.
func of[T checked](value any, encoded []byte) string {
	if v, ok := value.(T); ok {
		return v.brokenRule()
	}
	return readAs[T](encoded)
}

func readAs[T checked](encoded []byte) string {
	var v T
	if json.Unmarshal(encoded, &v) != nil {
		return formRule
	}
	return v.brokenRule()
}

func text(_ any, encoded []byte) string {
	if encoded[0] != '"' {
		return "must be text"
	}
	return ""
}

func flag(_ any, encoded []byte) string {
	if encoded[0] != 't' && encoded[0] != 'f' {
		return "must be true or false"
	}
	return ""
}

func number(_ any, encoded []byte) string {
	if encoded[0] != '-' && (encoded[0] < '0' || encoded[0] > '9') {
		return "must be a number"
	}
	return ""
}

// mode checks a text, or an object with a mode.
func mode(value any, encoded []byte) string {
	if encoded[0] == '"' {
		return ""
	}
	return of[Cooking](value, encoded)
}

// amount checks an Amount, or a number in the older form.
func amount(value any, encoded []byte) string {
	if number(value, encoded) == "" {
		if encoded[0] == '-' {
			return "must not be negative"
		}
		return ""
	}
	return of[Amount](value, encoded)
}

// duration checks a duration in the form of ISO 8601.
func duration(value any, encoded []byte) string {
	if t, ok := value.(cookTime); ok {
		return t.brokenRule()
	}
	if !bytes.HasPrefix(encoded, []byte(`"P`)) {
		return "must be a duration as in ISO 8601"
	}
	return ""
}

func interval(value any, encoded []byte) string {
	if i, ok := value.(Interval); ok {
		return i.brokenRule()
	}
	var i struct {
		Start, End instant
		Duration   string
	}
	if json.Unmarshal(encoded, &i) != nil || i.Start.IsZero() && i.End.IsZero() && i.Duration == "" {
		return intervalRule
	}
	return ""
}
