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

// Event is a notification to a developer. [Parse] returns a pointer to one of the
// concrete types of this package, for a type switch. An event of an unknown type
// is an *[Unknown].
type Event interface {
	// Common returns the fields that every type has.
	Common() *Envelope
}

// Envelope has the fields that every type of event has. Every field but EventName
// may be empty: Amazon guarantees none, and leaves some out of some events.
type Envelope struct {
	EventName EventName // such as EventSkillPublish

	// RequestID is the header X-Amzn-RequestId of the response to the request
	// that caused the event. Reviews have none.
	RequestID string
	Timestamp time.Time // time of the event, in UTC

	Status         Status // result of the request
	CustomerID     string // user who made the request; personal data
	SkillID        string
	VendorID       string // vendor of the skill
	SubscriptionID string // subscription that the event matched

	raw, payload json.RawMessage
}

// Status is the result of a request. Values other than the constants are possible.
type Status string

// The statuses that Amazon documents. An event does not say why a request failed;
// the Skill Management API does.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
)

// Common returns e. It makes every type that embeds an Envelope an [Event].
func (e *Envelope) Common() *Envelope { return e }

// Raw returns the event as received. It holds personal data: do not log it. The
// caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Payload returns the payload as received, nil without one. It holds personal
// data: do not log it. The caller must not change the bytes.
func (e *Envelope) Payload() json.RawMessage { return e.payload }

// Unknown is an event without a type in this package. The wildcard also covers
// events that are newer than this version. [Envelope.Raw] returns the event.
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
// time and skillId only, so that a log of a value that contains the event has no
// personal data. [Envelope.Raw] returns the whole event.
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, with every verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue returns the same summary as a group, for log/slog.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }

// Parse decodes a notification, the text of a message of package sns. It returns a
// pointer to one of the event types of this package, an [*Unknown] for any other
// name, or a [*Verification] for an empty object. It keeps a copy of data.
//
// A member that is missing or has an unexpected JSON type leaves its field zero.
// An unknown member is ignored. Every error wraps [ErrMalformed]: data is not one
// JSON object in valid UTF-8, it has no eventName, or a member that Parse reads
// occurs twice.
//
// Times are RFC 3339 texts, or seconds or milliseconds since 1970 as numbers.
func Parse(data []byte) (Event, error) {
	event, err := parse(bytes.Clone(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return event, nil
}

func parse(data []byte) (Event, error) {
	common := Envelope{raw: data}
	var beside envelope.Raw // the subscription outside of the payload
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

// fill sets the fields that are members of the payload. The subscription is inside
// the payload in Amazon's examples, and beside it in Amazon's tables.
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

// Receive returns a function for the field Receive of sns.Handler, sns.Lambda or
// sns.SQS. It passes each event to receive, an [*Unknown] and a [*Verification] too.
// If receive is nil, it fails for every event.
//
// It fails for a message that is not an event, see [Parse], which SNS then
// redelivers until it gives up. Use the topic only for these notifications.
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
