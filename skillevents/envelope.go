package skillevents

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/summary"
)

// Event is something that Alexa told a skill. [Parse] returns a pointer to one
// of the concrete types of this package, for a type switch; a request type that
// this package does not know is an *[Unknown].
type Event interface {
	// Common returns what every event carries.
	Common() *Envelope
}

// Envelope is what every event carries. Every field may be empty: Amazon's
// models make nearly all of them optional, and captured events leave out many.
type Envelope struct {
	Version   string // version of the message format, "1.0"
	Type      string // request.type, such as "AlexaSkillEvent.SkillDisabled"
	RequestID string // request.requestId, opaque; the same on a redelivery as far as is known
	Locale    string // request.locale; events seldom have one

	// Timestamp, EventCreationTime and EventPublishingTime are the three times
	// of request, in UTC; absent ones are zero. A redelivered event keeps its
	// original times. See [Envelope.Time].
	Timestamp           time.Time
	EventCreationTime   time.Time
	EventPublishingTime time.Time

	SkillID string // context.System.application.applicationId

	// UserID is context.System.user.userId: the Alexa customer as this skill
	// sees them, at most 255 characters. Disabling and enabling the skill again
	// usually makes a new one.
	UserID   string
	PersonID string // context.System.person.personId: the recognised speaker, never an account

	// DeviceID is context.System.device.deviceId: the device as this skill sees
	// it. Requests of a session have it, captured events do not.
	DeviceID string

	// UnitID is context.System.unit.unitId: the unit of Alexa Smart Properties
	// that the device is in, such as a room of a hotel. Its path is that of
	// Amazon's SDK; no captured event has it.
	UnitID string

	// AccessToken is context.System.user.accessToken, the skill's own account
	// linking token. Amazon says to rely on it only in [SkillAccountLinked].
	AccessToken  alexaevents.Secret
	ConsentToken alexaevents.Secret // context.System.user.permissions.consentToken

	APIEndpoint    string             // context.System.apiEndpoint: the base URL of the customer's region
	APIAccessToken alexaevents.Secret // context.System.apiAccessToken, valid for about an hour

	raw, body json.RawMessage
}

// Common returns e itself, and so makes every type that embeds an Envelope an
// [Event].
func (e *Envelope) Common() *Envelope { return e }

// Time is when the event happened: EventCreationTime, or Timestamp where Amazon
// leaves that out, or EventPublishingTime. It is zero if the event has none.
func (e *Envelope) Time() time.Time {
	switch {
	case !e.EventCreationTime.IsZero():
		return e.EventCreationTime
	case !e.Timestamp.IsZero():
		return e.Timestamp
	}
	return e.EventPublishingTime
}

// Raw returns the whole event as it arrived. It holds access tokens: do not log
// it. The caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Body returns request.body as it arrived, nil if there is none. It may hold an
// access token: do not log it. The caller must not change the bytes.
func (e *Envelope) Body() json.RawMessage { return e.body }

// Unknown is a request whose type this package has no struct for: a type newer
// than this version, one whose body Amazon documents nowhere
// (AlexaAudioPlayQueueEvent.*, in-skill product subscriptions), or an ordinary
// request of a conversation such as a LaunchRequest. [Envelope.Raw] has all of
// it.
type Unknown struct {
	Envelope `json:"-"`
}

// The methods in this file have value receivers, so that copies of events are
// as safe to print as the pointers that Parse returns.

func (e Envelope) summary() summary.Summary {
	return summary.Summary{
		{Name: "type", Text: e.Type},
		{Name: "requestId", Text: e.RequestID},
		{Name: "time", Text: summary.Time(e.Time())},
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
