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

// App is an app or a shortcut of a device with a screen.
type App struct {
	Identifier string `json:"identifier"` // of Amazon's list of launch targets
	Name       string `json:"name"`
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
	Name     string  `json:"foodName"`               // required
	Category string  `json:"foodCategory,omitempty"` // such as "CHICKEN"
	State    string  `json:"foodState,omitempty"`    // such as "FROZEN"
	Quantity *Amount `json:"foodQuantity,omitempty"`
}

func (f Food) broken() string {
	if f.Name == "" {
		return "must have a name"
	}
	if f.Quantity != nil {
		return f.Quantity.broken()
	}
	return ""
}

// Interval is a span of time, cut to whole seconds. Either end may be zero,
// which leaves it out.
type Interval struct{ Start, End time.Time }

// MarshalJSON returns the object that Amazon calls TimeInterval.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Start instant `json:"start,omitzero"`
		End   instant `json:"end,omitzero"`
	}{instant(i.Start), instant(i.End)})
}

func (i Interval) broken() string {
	start, end := instant(i.Start), instant(i.End)
	switch {
	case start.IsZero() && end.IsZero():
		return "must have a start or an end"
	case !start.IsZero() && start.broken() != "", !end.IsZero() && end.broken() != "":
		return yearRule
	case !start.IsZero() && !end.IsZero() && i.End.Before(i.Start):
		return "must not end before it starts"
	}
	return ""
}
