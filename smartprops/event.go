package smartprops

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Event is something that Alexa told a property. [Parse] returns a pointer to one
// of the concrete types of this package, for a type switch; an event that this
// package does not know is an *[Unknown].
type Event interface {
	// Common returns what every event carries.
	Common() *Envelope
}

// Envelope is what events carry. Every field may be empty: Amazon documents the
// header of one type, and others may leave something out.
type Envelope struct {
	Type      EventType // header.eventType, such as EventSkillFailure
	ID        string    // header.eventId, the same in every delivery
	Timestamp time.Time // header.eventTime, in UTC
	Version   string    // header.version, "2.0"

	// UnitID and SkillID are of header.entities, where it has a unit and a skill.
	UnitID  string
	SkillID string

	raw, entities, payload json.RawMessage
}

// Common returns e itself, and so makes every type that embeds an Envelope an
// [Event].
func (e *Envelope) Common() *Envelope { return e }

// Raw returns the whole event as it arrived. It tells about the people in a
// unit: do not log it. The caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Entities returns header.entities, what the event is about, as it arrived; nil
// if there is none. The caller must not change the bytes.
func (e *Envelope) Entities() json.RawMessage { return e.entities }

// Payload returns the payload as it arrived, nil if there is none. The caller
// must not change the bytes.
func (e *Envelope) Payload() json.RawMessage { return e.payload }

// The methods below have value receivers, so that copies of events are as safe
// to print as the pointers that Parse returns.

func (e Envelope) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: string(e.Type)},
		{Name: "id", Text: e.ID},
		{Name: "time", Text: redact.Time(e.Timestamp)},
	}
}

// MarshalJSON returns an object with the event's type, id and time, and nothing
// else: an event inside a value that is marshalled for a log stays harmless. The
// whole event is in [Envelope.Raw].
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, whatever the verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue is the same summary for log/slog, as a group.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }
