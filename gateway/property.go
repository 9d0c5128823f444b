//go:generate go run ./internal/gen

package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Property is the value of one property of an endpoint at one time. Functions such
// as [PowerState] make one; see the package documentation for the properties that
// have none. A literal serves for any property. The value of a literal is checked
// as that of the function is, if there is one.
type Property struct {
	Namespace string // the interface, such as "Alexa.PowerController"
	Instance  string // which instance of the interface; empty if the interface has no instances
	Name      string // such as "powerState"

	// Value is encoded by encoding/json. It must be neither null nor "", and its
	// text valid UTF-8.
	Value any

	// TimeOfSample is when the value was sampled, not when it is sent. It is
	// sent in UTC and cut to the millisecond. Zero is refused.
	TimeOfSample time.Time

	// Uncertainty is how much older the value may be, in whole milliseconds,
	// rounded up. Zero means that the value is exact.
	Uncertainty time.Duration

	// Unit stands beside a numeric Value in the older of the two forms of
	// Alexa.InventoryLevelSensor; [InventoryLevel] uses the newer one. Empty
	// for everything else.
	Unit string
}

func (p *Property) key() [3]string { return [3]string{p.Namespace, p.Instance, p.Name} }

// is reports whether two properties are samples of the same thing.
func (p *Property) is(other *Property) bool {
	return p.Name == other.Name && p.Namespace == other.Namespace && p.Instance == other.Instance
}

// propertyName names a property of an interface.
type propertyName struct{ namespace, name string }

// checked is a value that knows the rules that Amazon has for it.
type checked interface {
	// broken returns the rule that the value breaks, or "".
	broken() string
}

// few is how many properties are compared with each other, without a map.
const few = 16

// properties writes a list of properties. Each may occur only once, and not
// among others.
func (w *writer) properties(field string, list, others []Property) {
	w.list = field
	w.raw(`[`)
	var first map[[3]string]int // where in the list a property is, and in the others: -1
	if len(list)+len(others) > few {
		first = make(map[[3]string]int, len(list)+len(others))
		for i := range others {
			first[others[i].key()] = -1
		}
	}
	for i := range list {
		p := &list[i]
		if w.index = i; i > 0 {
			w.raw(`,`)
		}
		w.property(p)
		j, repeated := find(first, p, list[:i], others)
		switch {
		case repeated && j < 0:
			w.fail("", "repeats a property that changed")
		case repeated:
			w.fail("", "repeats "+element(field, j))
		case first != nil:
			first[p.key()] = i
		}
		if w.err != nil {
			return
		}
	}
	w.raw(`]`)
	w.list = ""
}

// find returns where in the list the property is already, or -1 if it is among
// the others. The map, if there is one, has the answer.
func find(first map[[3]string]int, p *Property, list, others []Property) (int, bool) {
	if first != nil {
		j, found := first[p.key()]
		return j, found
	}
	for j := range list {
		if p.is(&list[j]) {
			return j, true
		}
	}
	for j := range others {
		if p.is(&others[j]) {
			return -1, true
		}
	}
	return 0, false
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
	switch written := w.value("Value", p.Value); string(written) {
	case ``: // it could not be encoded
	case `null`, `""`:
		w.fail("Value", "is required")
	default:
		if rule := brokenBy(p, written); rule != "" {
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

// brokenBy returns the rule that the value of a property breaks, or "".
func brokenBy(p *Property, written []byte) string {
	if rule := rules[propertyName{p.Namespace, p.Name}]; rule != nil {
		return rule(p.Value, written)
	}
	if v, ok := p.Value.(checked); ok {
		return v.broken()
	}
	return ""
}

// roundUp returns how many units d is, rounded up.
func roundUp(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// The functions below are the rules that a literal of a known property must keep,
// as its function does. They get the value and its JSON, and return the rule that
// it breaks, or "". They leave open what Amazon may add: words and members.

const formRule = "must be of the form that the property's function makes"

// of is the rule of values that know their own, and of JSON that can be one.
func of[T checked](value any, written []byte) string {
	if v, ok := value.(T); ok {
		return v.broken()
	}
	return readAs[T](written)
}

func readAs[T checked](written []byte) string {
	var v T
	if json.Unmarshal(written, &v) != nil {
		return formRule
	}
	return v.broken()
}

func text(_ any, written []byte) string {
	if written[0] != '"' {
		return "must be text"
	}
	return ""
}

func flag(_ any, written []byte) string {
	if written[0] != 't' && written[0] != 'f' {
		return "must be true or false"
	}
	return ""
}

func number(_ any, written []byte) string {
	if written[0] != '-' && (written[0] < '0' || written[0] > '9') {
		return "must be a number"
	}
	return ""
}

// mode is a word, or an object that has it.
func mode(value any, written []byte) string {
	if written[0] == '"' {
		return ""
	}
	return of[Cooking](value, written)
}

// amount is an Amount, or a number in the older form.
func amount(value any, written []byte) string {
	if number(value, written) == "" {
		if written[0] == '-' {
			return "must not be negative"
		}
		return ""
	}
	return of[Amount](value, written)
}

// duration is one of ISO 8601.
func duration(value any, written []byte) string {
	if t, ok := value.(cookTime); ok {
		return t.broken()
	}
	if !bytes.HasPrefix(written, []byte(`"P`)) {
		return "must be a duration as in ISO 8601"
	}
	return ""
}

func interval(value any, written []byte) string {
	if i, ok := value.(Interval); ok {
		return i.broken()
	}
	var i struct {
		Start, End instant
		Duration   string
	}
	if json.Unmarshal(written, &i) != nil || i.Start.IsZero() && i.End.IsZero() && i.Duration == "" {
		return intervalRule
	}
	return ""
}
