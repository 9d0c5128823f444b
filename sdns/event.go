package sdns

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Event is something that Amazon told a developer. [Parse] returns a pointer to
// one of the concrete types of this package, for a type switch; an event that
// this package does not know is an *[Unknown].
type Event interface {
	// Common returns what every event carries.
	Common() *Envelope
}

// Envelope is what events carry. Every field but EventName may be empty: Amazon
// leaves some out of some events, and guarantees none.
type Envelope struct {
	EventName EventName // such as EventSkillPublish

	// RequestID is the header X-Amzn-RequestId of the answer to the request that
	// caused the event. Reviews have none.
	RequestID string
	Timestamp time.Time // when the event was made, in UTC

	Status         Status // how the request ended
	CustomerID     string // who made the request; personal data
	SkillID        string
	VendorID       string // whose skill it is
	SubscriptionID string // why the event was sent

	raw, payload json.RawMessage
}

// Status says how a request ended. Other values than the constants are possible.
type Status string

// The statuses that Amazon documents. An event does not say why something
// failed: the Skill Management API tells.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
)

// Common returns e itself, and so makes every type that embeds an Envelope an
// [Event].
func (e *Envelope) Common() *Envelope { return e }

// Raw returns the whole event as it arrived. It holds personal data: do not log
// it. The caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Payload returns the payload as it arrived, nil if there is none. It holds
// personal data: do not log it. The caller must not change the bytes.
func (e *Envelope) Payload() json.RawMessage { return e.payload }

// The methods below have value receivers, so that copies of events are as safe
// to print as the pointers that Parse returns.

func (e Envelope) summary() redact.Summary {
	return redact.Summary{
		{Name: "eventName", Text: string(e.EventName)},
		{Name: "status", Text: string(e.Status)},
		{Name: "requestId", Text: e.RequestID},
		{Name: "time", Text: redact.Time(e.Timestamp)},
		{Name: "skillId", Text: e.SkillID},
	}
}

// MarshalJSON returns an object with the event's eventName, status, requestId,
// time and skillId, and nothing else: an event inside a value that is marshalled
// for a log stays harmless. The whole event is in [Envelope.Raw].
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, whatever the verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue is the same summary for log/slog, as a group.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }
