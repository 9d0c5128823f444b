package gateway

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// The constants below are the values that Amazon documents. Other values are sent
// unchecked.

// Switch is the value of [PowerState] and [ToggleState].
type Switch string

// The positions of a switch.
const (
	On  Switch = "ON"
	Off Switch = "OFF"
)

// Detection is the value of [ContactDetectionState] and [MotionDetectionState].
type Detection string

// The reports of a sensor. A contact sensor reports an open contact as Detected.
const (
	Detected    Detection = "DETECTED"
	NotDetected Detection = "NOT_DETECTED"
)

// Reachability is the value of [Connectivity].
type Reachability string

// The states of the connection to an endpoint.
const (
	Reachable   Reachability = "OK"
	Unreachable Reachability = "UNREACHABLE"
)

// Lock is the value of [LockState].
type Lock string

// The states of a lock.
const (
	Locked   Lock = "LOCKED"
	Unlocked Lock = "UNLOCKED"
	Jammed   Lock = "JAMMED" // the lock can neither lock nor unlock
)

// Arming is the value of [ArmState].
type Arming string

// The states of a security panel.
const (
	ArmedAway  Arming = "ARMED_AWAY"
	ArmedStay  Arming = "ARMED_STAY"
	ArmedNight Arming = "ARMED_NIGHT"
	Disarmed   Arming = "DISARMED"
)

// Alarm is the value of [BurglaryAlarm], [CarbonMonoxideAlarm], [FireAlarm] and
// [WaterAlarm].
type Alarm string

// The states of an alarm.
const (
	AlarmOff Alarm = "OK"
	AlarmOn  Alarm = "ALARM"
)

// Thermostat is the value of [ThermostatMode].
type Thermostat string

// The modes of a thermostat.
const (
	ThermostatAuto Thermostat = "AUTO"
	ThermostatCool Thermostat = "COOL"
	ThermostatHeat Thermostat = "HEAT"
	ThermostatEco  Thermostat = "ECO"
	ThermostatOff  Thermostat = "OFF"
)

// Playback is the value of [PlaybackState].
type Playback string

// The states of a player.
const (
	Playing Playback = "PLAYING"
	Paused  Playback = "PAUSED"
	Stopped Playback = "STOPPED"
)

// Recording is the value of [RecordingState].
type Recording string

// The states of a recorder.
const (
	RecordingOn  Recording = "RECORDING"
	RecordingOff Recording = "NOT_RECORDING"
)

// Sound is the value of [EqualizerMode].
type Sound string

// The modes of an equalizer.
const (
	SoundMovie Sound = "MOVIE"
	SoundMusic Sound = "MUSIC"
	SoundNight Sound = "NIGHT"
	SoundSport Sound = "SPORT"
	SoundTV    Sound = "TV"
)

// Band names a band of [EqualizerBands].
type Band string

// The bands of an equalizer.
const (
	Bass     Band = "BASS"
	Midrange Band = "MIDRANGE"
	Treble   Band = "TREBLE"
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

func (d Degrees) brokenRule() string {
	if d.Scale == "" {
		return "must have a scale"
	}
	return ""
}

// HSB is a color.
type HSB struct {
	Hue        float64 `json:"hue"`        // 0 to 360 degrees
	Saturation float64 `json:"saturation"` // 0 to 1
	Brightness float64 `json:"brightness"` // 0 to 1
}

func (c HSB) brokenRule() string {
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

// TVChannel is a television channel. At least one field is required.
type TVChannel struct {
	Number            string `json:"number,omitempty"`            // such as "5" or "5.1"
	CallSign          string `json:"callSign,omitempty"`          // call sign of the station
	AffiliateCallSign string `json:"affiliateCallSign,omitempty"` // call sign of the network
	URI               string `json:"uri,omitempty"`
}

func (c TVChannel) brokenRule() string {
	if c == (TVChannel{}) {
		return "must name the channel"
	}
	return ""
}

// EqualizerBand is the level of one band of an equalizer.
type EqualizerBand struct {
	Name  Band `json:"name"`
	Value int  `json:"value"` // within the range of the discovery response
}

// AutomationStatus says whether a routine of the customer controls a capability of
// an endpoint.
type AutomationStatus struct {
	Capability string `json:"capability"`         // the interface, such as "Alexa.PowerController"
	Instance   string `json:"instance,omitempty"` // the instance of the interface; empty is left out
	Status     string `json:"status"`             // "AUTOMATED" or "NOT_AUTOMATED"
}

// App is an app or a shortcut of a device with a screen. Both fields are required.
type App struct {
	Identifier string `json:"identifier"` // from Amazon's list of launch targets
	Name       string `json:"name"`
}

func (a App) brokenRule() string {
	if a.Identifier == "" || a.Name == "" {
		return "must have an identifier and a name"
	}
	return ""
}

// Amount is a quantity of a consumable or of food.
type Amount struct {
	Type  string  `json:"@type"`          // "Count", "Percentage", "Volume" or "Weight"
	Value float64 `json:"value"`          // not negative
	Unit  string  `json:"unit,omitempty"` // unit of a volume or weight, such as "LITER" or "GRAM"
}

func (a Amount) brokenRule() string {
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
	CustomName string `json:"customName,omitempty"` // the manufacturer's name of the mode; required for "CUSTOM"
}

func (c Cooking) brokenRule() string {
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

// Length is the thickness of food.
type Length struct {
	Value float64 `json:"value"` // not negative
	Unit  string  `json:"unit"`  // such as "CENTIMETER" or "INCH"
}

func (f Food) brokenRule() string {
	switch {
	case f.Name == "":
		return "must have a name"
	case f.Thickness != nil && (f.Thickness.Value < 0 || f.Thickness.Unit == ""):
		return "must have a thickness that is not negative, with a unit"
	case f.Quantity != nil:
		return f.Quantity.brokenRule()
	}
	return ""
}

// Interval is a span of time. A zero field is left out, and one is required.
type Interval struct {
	Start, End time.Time     // truncated to seconds
	Duration   time.Duration // rounded up to seconds
}

// MarshalJSON returns the object that Amazon calls TimeInterval.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Start    instant  `json:"start,omitzero"`
		End      instant  `json:"end,omitzero"`
		Duration cookTime `json:"duration,omitzero"`
	}{instant(i.Start), instant(i.End), cookTime(i.Duration)})
}

func (i Interval) brokenRule() string {
	start, end := instant(i.Start), instant(i.End)
	switch {
	case i.Duration < 0:
		return "must not have a negative duration"
	case start.IsZero() && end.IsZero() && i.Duration == 0:
		return intervalRule
	case !start.IsZero() && start.brokenRule() != "", !end.IsZero() && end.brokenRule() != "":
		return yearRule
	case !start.IsZero() && !end.IsZero() && i.End.Before(i.Start):
		return "must not end before it starts"
	}
	return ""
}

const intervalRule = "must have a start, an end or a duration"

// The types below are the JSON forms of other values, with the limits of Amazon's
// message schema.

// percent is a whole number from 0 to 100.
type percent int

func (p percent) brokenRule() string {
	if p < 0 || p > 100 {
		return "must be 0 to 100"
	}
	return ""
}

// kelvins is the color temperature of a light.
type kelvins int

func (k kelvins) brokenRule() string {
	if k < 1000 || k > 10000 {
		return "must be 1000 to 10000"
	}
	return ""
}

// boxed is a text in an object.
type boxed[T ~string] struct {
	Value T `json:"value"`
}

func (b boxed[T]) brokenRule() string { return required(b.Value) }

// connectivity is the state of the connection to an endpoint.
type connectivity struct {
	Value  Reachability `json:"value"`
	Reason string       `json:"reason,omitempty"`
}

func (c connectivity) brokenRule() string { return required(c.Value) }

// playbackState is the state of a player, in an object.
type playbackState struct {
	State Playback `json:"state"`
}

func (s playbackState) brokenRule() string { return required(s.State) }

func required[T ~string](value T) string {
	if value == "" {
		return "is required"
	}
	return ""
}

// bands is the levels of an equalizer, each band at most once.
type bands []EqualizerBand

func (b bands) brokenRule() string {
	seen := make(map[Band]bool)
	for _, band := range b {
		if band.Name == "" || seen[band.Name] {
			return "must name every band, and none twice"
		}
		seen[band.Name] = true
	}
	return ""
}

// automations is the automation statuses of an endpoint.
type automations []AutomationStatus

func (a automations) brokenRule() string {
	for _, status := range a {
		if status.Capability == "" || status.Status == "" {
			return "must have a capability and a status in every element"
		}
	}
	return ""
}

// powerLevel is the power level of a cooking appliance.
type powerLevel struct {
	Type  string `json:"@type"`
	Value any    `json:"value"`
}

func (l powerLevel) brokenRule() string {
	if l.Type == "" || l.Value == "" || l.Value == nil {
		return "must have a type and a value"
	}
	return ""
}

// instant is a time in whole seconds.
type instant time.Time

func (i instant) IsZero() bool { return time.Time(i).IsZero() }

func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(i).UTC().Format(time.RFC3339))
}

// UnmarshalJSON returns an error for a time with fractions of a second.
func (i *instant) UnmarshalJSON(data []byte) error {
	const layout = `"2006-01-02T15:04:05Z"`
	t, err := time.Parse(layout, string(data))
	if err == nil && len(data) != len(layout) { // time.Parse accepts fractions too
		err = errors.New("not in whole seconds")
	}
	*i = instant(t)
	return err
}

func (i instant) brokenRule() string {
	if year := time.Time(i).UTC().Year(); year < 1000 || year > 9999 {
		return yearRule
	}
	return ""
}

// cookTime is a duration in the form of ISO 8601, such as PT1H30M.
type cookTime time.Duration

func (t cookTime) MarshalJSON() ([]byte, error) {
	seconds := roundUp(time.Duration(t), time.Second)
	text := []byte(`"PT`)
	for _, unit := range [...]struct {
		letter byte
		n      int64
	}{{'H', seconds / 3600}, {'M', seconds / 60 % 60}, {'S', seconds % 60}} {
		if unit.n != 0 || unit.letter == 'S' && seconds == 0 {
			text = append(strconv.AppendInt(text, unit.n, 10), unit.letter)
		}
	}
	return append(text, '"'), nil
}

func (t cookTime) brokenRule() string {
	if t < 0 {
		return "must not be negative"
	}
	return ""
}
