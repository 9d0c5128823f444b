package gateway

import (
	"encoding/json"
	"time"
)

// Degrees is a temperature; [Celsius], [Fahrenheit] and [Kelvin] make one.
type Degrees struct {
	Value float64 `json:"value"`
	Scale string  `json:"scale"`
}

// Celsius returns a temperature in degrees Celsius.
func Celsius(value float64) Degrees { return Degrees{value, "CELSIUS"} }

// Fahrenheit returns a temperature in degrees Fahrenheit.
func Fahrenheit(value float64) Degrees { return Degrees{value, "FAHRENHEIT"} }

// Kelvin returns a temperature in kelvins.
func Kelvin(value float64) Degrees { return Degrees{value, "KELVIN"} }

func (d Degrees) broken() string {
	if d.Scale == "" {
		return "must have a scale"
	}
	return ""
}

// HSB is a colour.
type HSB struct {
	Hue        float64 `json:"hue"`        // 0 to 360 degrees
	Saturation float64 `json:"saturation"` // 0 to 1
	Brightness float64 `json:"brightness"` // 0 to 1
}

func (c HSB) broken() string {
	switch {
	case c.Hue < 0 || c.Hue > 360:
		return "must have a hue of 0 to 360"
	case c.Saturation < 0 || c.Saturation > 1:
		return "must have a saturation of 0 to 1"
	case c.Brightness < 0 || c.Brightness > 1:
		return "must have a brightness of 0 to 1"
	}
	return ""
}

// TVChannel is a channel of a television, by at least one of its names.
type TVChannel struct {
	Number            string `json:"number,omitempty"`            // such as "5" or "5.1"
	CallSign          string `json:"callSign,omitempty"`          // of the station
	AffiliateCallSign string `json:"affiliateCallSign,omitempty"` // of the network
	URI               string `json:"uri,omitempty"`
}

func (c TVChannel) broken() string {
	if c == (TVChannel{}) {
		return "must name the channel"
	}
	return ""
}

// EqualizerBand is the level of one band of an equalizer.
type EqualizerBand struct {
	Name  Band `json:"name"`
	Value int  `json:"value"` // in the range of the discovery response
}

// AutomationStatus says whether a routine of the customer controls a capability of
// an endpoint.
type AutomationStatus struct {
	Capability string `json:"capability"`         // the interface, such as "Alexa.PowerController"
	Instance   string `json:"instance,omitempty"` // empty if the interface has no instances
	Status     string `json:"status"`             // "AUTOMATED" or "NOT_AUTOMATED"
}

// App is an app or a shortcut of a device with a screen.
type App struct {
	Identifier string `json:"identifier"` // of Amazon's list of launch targets
	Name       string `json:"name"`
}

func (a App) broken() string {
	if a.Identifier == "" || a.Name == "" {
		return "must have an identifier and a name"
	}
	return ""
}

// Amount is a quantity of a consumable or of food, by its kind: Count,
// Percentage, Volume, or Weight.
type Amount struct {
	Type  string  `json:"@type"`          // "Count", "Percentage", "Volume" or "Weight"
	Value float64 `json:"value"`          // not negative
	Unit  string  `json:"unit,omitempty"` // of a volume or weight, such as "LITER" or "GRAM"
}

func (a Amount) broken() string {
	switch {
	case a.Type == "":
		return "must have a type"
	case a.Value < 0:
		return "must not be negative"
	case a.Unit == "" && (a.Type == "Volume" || a.Type == "Weight"):
		return "must have a unit"
	}
	return ""
}

// Cooking is how an appliance cooks.
type Cooking struct {
	Mode       string `json:"value"`                // such as "DEFROST", "REHEAT" or "OFF"
	CustomName string `json:"customName,omitempty"` // the manufacturer's name for it; required for the mode "CUSTOM"
}

func (c Cooking) broken() string {
	if c.Mode == "" || c.Mode == "CUSTOM" && c.CustomName == "" {
		return "must have a mode, and a custom mode a name"
	}
	return ""
}

// Food is what an appliance cooks.
type Food struct {
	Name      string  `json:"foodName"`               // required
	Category  string  `json:"foodCategory,omitempty"` // such as "CHICKEN"
	State     string  `json:"foodState,omitempty"`    // such as "FROZEN"
	Quantity  *Amount `json:"foodQuantity,omitempty"`
	Thickness *Length `json:"foodThickness,omitempty"`
}

// Length is how thick food is.
type Length struct {
	Value float64 `json:"value"` // not negative
	Unit  string  `json:"unit"`  // such as "CENTIMETER" or "INCH"
}

func (f Food) broken() string {
	switch {
	case f.Name == "":
		return "must have a name"
	case f.Thickness != nil && (f.Thickness.Value < 0 || f.Thickness.Unit == ""):
		return "must have a thickness with a unit that is not negative"
	case f.Quantity != nil:
		return f.Quantity.broken()
	}
	return ""
}

// Interval is a span of time, in whole seconds. A zero field is left out.
type Interval struct {
	Start, End time.Time     // cut to the second
	Duration   time.Duration // rounded up to the second
}

// MarshalJSON returns the object that Amazon calls TimeInterval.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Start    instant  `json:"start,omitzero"`
		End      instant  `json:"end,omitzero"`
		Duration cookTime `json:"duration,omitzero"`
	}{instant(i.Start), instant(i.End), cookTime(i.Duration)})
}

func (i Interval) broken() string {
	start, end := instant(i.Start), instant(i.End)
	switch {
	case i.Duration < 0:
		return "must not have a negative duration"
	case start.IsZero() && end.IsZero() && i.Duration == 0:
		return intervalRule
	case !start.IsZero() && start.broken() != "", !end.IsZero() && end.broken() != "":
		return yearRule
	case !start.IsZero() && !end.IsZero() && i.End.Before(i.Start):
		return "must not end before it starts"
	}
	return ""
}

const intervalRule = "must have a start, an end or a duration"
