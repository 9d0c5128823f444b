package gateway

import (
	"encoding/json"
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

// powerLevel is how strongly an appliance cooks.
type powerLevel struct {
	Type  string `json:"@type"`
	Value any    `json:"value"`
}

func (l powerLevel) broken() string {
	if l.Value == "" {
		return "is required"
	}
	return ""
}

// instant is a time in whole seconds.
type instant time.Time

func (i instant) IsZero() bool { return time.Time(i).IsZero() }

func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(i).UTC().Format(time.RFC3339))
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
