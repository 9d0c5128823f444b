package skillevents

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// The methods in this file have value receivers, so that copies of events are
// as safe to print as the pointers that Parse returns.

// summary is what may be shown of an event: no token, no personal data.
type summary struct {
	Type      string `json:"type"`
	RequestID string `json:"requestId,omitempty"`
	Time      string `json:"time,omitempty"`
	SkillID   string `json:"skillId,omitempty"`
}

func (e Envelope) summary() summary {
	s := summary{Type: e.Type, RequestID: e.RequestID, SkillID: e.SkillID}
	if t := e.Time(); !t.IsZero() {
		s.Time = t.Format(time.RFC3339Nano)
	}
	return s
}

// MarshalJSON returns an object with the event's type, requestId, time and
// skillId, and nothing else: an event inside a value that is marshalled for a
// log stays harmless. The whole event is in [Envelope.Raw].
func (e Envelope) MarshalJSON() ([]byte, error) {
	return json.Marshal(e.summary())
}

// Format prints what [Envelope.MarshalJSON] returns, whatever the verb.
func (e Envelope) Format(f fmt.State, _ rune) {
	text, _ := e.MarshalJSON() // four strings always marshal
	_, _ = f.Write(text)
}

// LogValue is the same summary for log/slog, as a group.
func (e Envelope) LogValue() slog.Value {
	s := e.summary()
	return slog.GroupValue(
		slog.String("type", s.Type),
		slog.String("requestId", s.RequestID),
		slog.String("time", s.Time),
		slog.String("skillId", s.SkillID),
	)
}
