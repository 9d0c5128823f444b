package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// The types in this file give the values of properties their form on the wire,
// with the limits that Amazon's message schema sets.

// percent is a whole number from 0 to 100.
type percent int

func (p percent) broken() string {
	if p < 0 || p > 100 {
		return "must be 0 to 100"
	}
	return ""
}

// kelvins is the colour temperature of a light.
type kelvins int

func (k kelvins) broken() string {
	if k < 1000 || k > 10000 {
		return "must be 1000 to 10000"
	}
	return ""
}

// boxed is a word inside an object.
type boxed[T ~string] struct {
	Value T `json:"value"`
}

func (b boxed[T]) broken() string { return required(b.Value) }

// connectivity is whether an endpoint is reached, and why not.
type connectivity struct {
	Value  Reachability `json:"value"`
	Reason string       `json:"reason,omitempty"`
}

func (c connectivity) broken() string { return required(c.Value) }

// playbackState is a word inside an object of another form.
type playbackState struct {
	State Playback `json:"state"`
}

func (s playbackState) broken() string { return required(s.State) }

func required[T ~string](word T) string {
	if word == "" {
		return "is required"
	}
	return ""
}

// bands are levels of an equalizer, each band at most once.
type bands []EqualizerBand

func (b bands) broken() string {
	seen := make(map[Band]bool)
	for _, band := range b {
		if band.Name == "" || seen[band.Name] {
			return "must name every band, and each once"
		}
		seen[band.Name] = true
	}
	return ""
}

// automations are the capabilities of an endpoint.
type automations []AutomationStatus

func (a automations) broken() string {
	for _, status := range a {
		if status.Capability == "" || status.Status == "" {
			return "must have a capability and a status everywhere"
		}
	}
	return ""
}

// powerLevel is how strongly an appliance cooks.
type powerLevel struct {
	Type  string `json:"@type"`
	Value any    `json:"value"`
}

func (l powerLevel) broken() string {
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

// UnmarshalJSON refuses what is not such a time.
func (i *instant) UnmarshalJSON(data []byte) error {
	const layout = `"2006-01-02T15:04:05Z"`
	t, err := time.Parse(layout, string(data))
	if err == nil && len(data) != len(layout) { // time.Parse accepts fractions too
		err = errors.New("not in whole seconds")
	}
	*i = instant(t)
	return err
}

func (i instant) broken() string {
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

func (t cookTime) broken() string {
	if t < 0 {
		return "must not be negative"
	}
	return ""
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
