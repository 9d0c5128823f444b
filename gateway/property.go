//go:generate go run ./internal/gen

package gateway

import (
	"strconv"
	"time"
)

// Property is the value of one property of an endpoint at one time. There is a
// function for each property that Amazon's interfaces define, such as
// [PowerState]; a literal serves for any other.
type Property struct {
	Namespace string // the interface, such as "Alexa.PowerController"
	Instance  string // which instance of the interface; empty if the interface has no instances
	Name      string // such as "powerState"

	// Value is encoded by encoding/json. It must be neither null nor "".
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

// is reports whether two properties are samples of the same thing.
func (p *Property) is(other *Property) bool {
	return p.Name == other.Name && p.Namespace == other.Namespace && p.Instance == other.Instance
}

// checked is a value that knows the rules that Amazon has for it.
type checked interface {
	// broken returns the rule that the value breaks, or "".
	broken() string
}

// properties writes a list of properties. Each may occur only once, and not
// among others.
func (w *writer) properties(field string, list, others []Property) {
	w.list = field
	w.raw(`[`)
	for i := range list {
		p := &list[i]
		if w.index = i; i > 0 {
			w.raw(`,`)
		}
		w.property(p)
		for j := range list[:i] {
			if p.is(&list[j]) {
				w.fail("", "repeats "+element(field, j))
			}
		}
		for j := range others {
			if p.is(&others[j]) {
				w.fail("", "repeats a property that changed")
			}
		}
		if w.err != nil {
			return
		}
	}
	w.raw(`]`)
	w.list = ""
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
	switch string(w.value("Value", p.Value)) {
	case `null`, `""`:
		w.fail("Value", "is required")
	}
	if v, ok := p.Value.(checked); ok {
		if rule := v.broken(); rule != "" {
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

// roundUp returns how many units d is, rounded up.
func roundUp(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}
