package skillevents

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// Event is an event of Alexa for a skill. [Parse] returns a pointer to one of the
// concrete types of this package, for a type switch. A request of another
// type is an [*Unknown].
type Event interface {
	// Common returns the fields that all events have.
	Common() *Envelope
}

// Envelope has the fields that all events have. Each may be empty: Amazon's models
// make nearly all of them optional, and captured events lack many.
type Envelope struct {
	Version   string // version of the message format, "1.0"
	Type      string // request.type, such as "AlexaSkillEvent.SkillDisabled"
	RequestID string // request.requestId, opaque; as far as is known, the same in each redelivery
	Locale    string // request.locale; rare in events

	// Timestamp, EventCreationTime and EventPublishingTime are the three times
	// of request, in UTC; absent ones are zero. A redelivered event keeps its
	// original times. See [Envelope.Time].
	Timestamp           time.Time
	EventCreationTime   time.Time
	EventPublishingTime time.Time

	SkillID string // context.System.application.applicationId

	// UserID is context.System.user.userId, which names the Alexa customer to
	// this skill, in at most 255 characters. A customer who disables the skill
	// and enables it again usually gets a new one.
	UserID   string
	PersonID string // context.System.person.personId, which names the recognized speaker, never an account

	// DeviceID is context.System.device.deviceId, which names the device to this
	// skill. Requests of a session have it; captured events do not.
	DeviceID string

	// UnitID is context.System.unit.unitId: the unit of Alexa Smart Properties
	// that the device is in, such as a hotel room. The path is from Amazon's SDK;
	// no captured event has it.
	UnitID string

	// AccessToken is context.System.user.accessToken, the skill's own account
	// linking token. Amazon says to rely on it only in [SkillAccountLinked].
	AccessToken  alexaevents.Secret
	ConsentToken alexaevents.Secret // context.System.user.permissions.consentToken

	APIEndpoint    string             // context.System.apiEndpoint: the base URL of the customer's region
	APIAccessToken alexaevents.Secret // context.System.apiAccessToken, valid for about an hour

	raw, body json.RawMessage
}

// Common returns e. It makes each type that embeds an Envelope an [Event].
func (e *Envelope) Common() *Envelope { return e }

// Time is when the event happened: EventCreationTime, else Timestamp, else
// EventPublishingTime. It is zero if the event has none of them.
func (e *Envelope) Time() time.Time {
	switch {
	case !e.EventCreationTime.IsZero():
		return e.EventCreationTime
	case !e.Timestamp.IsZero():
		return e.Timestamp
	}
	return e.EventPublishingTime
}

// Raw returns the whole event as it arrived. It has access tokens: do not log
// it. The caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Body returns request.body as it arrived, nil without one. It may have an access
// token: do not log it. The caller must not change the bytes.
func (e *Envelope) Body() json.RawMessage { return e.body }

// Unknown is a request of another type: one newer than this package, one whose
// body Amazon does not document (AlexaAudioPlayQueueEvent.*, in-skill product
// subscriptions), or a request of a conversation, such as a LaunchRequest.
// [Envelope.Raw] has all of it.
type Unknown struct {
	Envelope `json:"-"`
}

// The methods below have value receivers, so that copies of events are as safe to
// print as the pointers that Parse returns.

func (e Envelope) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: e.Type},
		{Name: "requestId", Text: e.RequestID},
		{Name: "time", Text: redact.Time(e.Time())},
		{Name: "skillId", Text: e.SkillID},
	}
}

// MarshalJSON returns an object with only the event's type, requestId, time and
// skillId, so that a value that contains an event can be logged. [Envelope.Raw] has
// the whole event.
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, for every verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue returns the same four members as a group, for log/slog.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }
