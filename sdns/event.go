package sdns

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/sns"
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

// Unknown is an event that this package has no struct for: the wildcard also
// covers events that are newer than this version. [Envelope.Raw] has all of it.
type Unknown struct{ Envelope }

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

// Parse decodes one notification, the text of a message of package sns. The
// result is a pointer to one of the event types of this package, [*Unknown] for
// all other names, [*Verification] for an empty object. It keeps a copy of data,
// not data itself.
//
// What Amazon leaves out, adds or sends in another JSON type than expected is no
// error: it leaves its field zero. Every error wraps [ErrMalformed] and means
// that data is not one JSON object in valid UTF-8, that it has no eventName, or
// that a member that is read occurs twice.
//
// Times are RFC 3339 texts, or numbers of seconds or milliseconds since 1970.
func Parse(data []byte) (Event, error) {
	event, err := parse(bytes.Clone(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return event, nil
}

func parse(data []byte) (Event, error) {
	common := Envelope{raw: data}
	var beside envelope.Raw // a subscription outside of the payload
	empty := true
	err := envelope.Members(data, func(name []byte, value envelope.Raw) bool {
		empty = false
		switch string(name) {
		case "eventName":
			common.EventName = EventName(value.TextIfAny())
		case "requestId":
			common.RequestID = value.TextIfAny()
		case "timestamp":
			common.Timestamp, _ = value.Time()
		case "payload":
			common.payload = json.RawMessage(value)
		case "subscription":
			beside = value
		default:
			return false
		}
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case empty:
		return &Verification{common}, nil
	case common.EventName == "":
		return nil, errNoName
	}
	event := Event(new(Unknown))
	if create, ok := types[common.EventName]; ok {
		event = create()
	}
	*event.Common() = common
	if err := fill(event, beside); err != nil {
		return nil, err
	}
	return event, nil
}

// fill sets the fields that are members of the payload. Amazon's examples have
// the subscription in there, its tables beside it.
func fill(event Event, beside envelope.Raw) error {
	e, objects := event.Common(), new(envelope.Objects)
	objects.Text(beside, "subscriptionId", &e.SubscriptionID)
	objects.Members(envelope.Raw(e.payload), func(name []byte, value envelope.Raw) bool {
		switch string(name) {
		case "status":
			e.Status = Status(value.TextIfAny())
		case "actor":
			objects.Text(value, "customerId", &e.CustomerID)
		case "subscription":
			objects.Text(value, "subscriptionId", &e.SubscriptionID)
		case "skill", "interactionModel":
			objects.Members(value, e.fill)
			if update, ok := event.(*InteractionModelUpdate); ok {
				objects.Text(value, "locale", &update.Locale)
			}
		case "review":
			if review, ok := event.(*SkillReviewPublish); ok {
				objects.Members(value, review.fill)
			}
		default:
			return false
		}
		return true
	})
	return objects.Err
}

// fill reads a member of the skill or interaction model.
func (e *Envelope) fill(name []byte, value envelope.Raw) bool {
	switch string(name) {
	case "skillId":
		e.SkillID = value.TextIfAny()
	case "vendorId":
		e.VendorID = value.TextIfAny()
	default:
		return false
	}
	return true
}

// fill reads a member of the review.
func (r *SkillReviewPublish) fill(name []byte, value envelope.Raw) bool {
	switch string(name) {
	case "reviewId":
		r.ReviewID = value.TextIfAny()
	case "url":
		r.URL = value.TextIfAny()
	case "starRating":
		r.StarRating = value.TextIfAny()
	default:
		return false
	}
	return true
}

// Receive returns the Receive function for an sns.Handler, sns.Lambda or sns.SQS
// that passes events to the given function. That is called for events of every type, [*Unknown]
// and [*Verification] too; a nil function fails for every event.
//
// A message that is not an event, see [Parse], fails as well, and SNS delivers it
// until it gives up: use the topic only for these notifications.
func Receive(receive func(ctx context.Context, event Event) error) func(context.Context, *sns.Message) error {
	return func(ctx context.Context, message *sns.Message) error {
		event, err := Parse([]byte(message.Message))
		if err != nil {
			return err
		}
		if receive == nil {
			return errNoReceive
		}
		return receive(ctx, event)
	}
}
