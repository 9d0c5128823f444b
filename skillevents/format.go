package skillevents

import (
	"fmt"
	"log/slog"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// The methods in this file have value receivers, so that copies of events are
// as safe to print as the pointers that Parse returns.

func (e Envelope) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: e.Type},
		{Name: "requestId", Text: e.RequestID},
		{Name: "time", Text: redact.Time(e.Time())},
		{Name: "skillId", Text: e.SkillID},
	}
}

// MarshalJSON returns an object with the event's type, requestId, time and
// skillId, and nothing else: an event inside a value that is marshalled for a
// log stays harmless. The whole event is in [Envelope.Raw].
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, whatever the verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue is the same summary for log/slog, as a group.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }
