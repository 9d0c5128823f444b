package redact

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Summary is the part of an event that may be shown, in order. Empty texts are
// omitted.
type Summary []Field

// Field is a name with its text.
type Field struct{ Name, Text string }

// JSON returns a JSON object of the texts.
func (s Summary) JSON() []byte {
	data := []byte{'{'}
	for _, text := range s {
		if text.Text == "" {
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(data, quote(text.Name)...)
		data = append(data, ':')
		data = append(data, quote(text.Text)...)
	}
	return append(data, '}')
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // a text always marshals
	return quoted
}

// Format prints the JSON object, with every verb.
func (s Summary) Format(f fmt.State, _ rune) { _, _ = f.Write(s.JSON()) }

// LogValue returns a group of the texts.
func (s Summary) LogValue() slog.Value {
	var attributes []slog.Attr
	for _, text := range s {
		if text.Text != "" {
			attributes = append(attributes, slog.String(text.Name, text.Text))
		}
	}
	return slog.GroupValue(attributes...)
}

// Time returns the text of a time, "" for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
