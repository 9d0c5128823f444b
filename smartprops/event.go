package smartprops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/sns"
)

// Event is an event of a property. [Parse] returns a pointer to one of the concrete
// types of this package, for a type switch. An event of an unknown type is an
// *[Unknown].
type Event interface {
	// Common returns the fields that every type has.
	Common() *Envelope
}

// Envelope has the fields that every type of event has. Every field may be empty:
// Amazon documents the header of only one type.
type Envelope struct {
	Type      EventType // header.eventType, such as EventSkillFailure
	ID        string    // header.eventId, the same in every delivery
	Timestamp time.Time // header.eventTime, in UTC
	Version   string    // header.version, "2.0"
	UnitID    string    // ID of the unit in header.entities; empty without one
	SkillID   string    // ID of the skill in header.entities; empty without one

	raw, entities, payload json.RawMessage
}

// Common returns e. It makes every type that embeds an Envelope an [Event].
func (e *Envelope) Common() *Envelope { return e }

// Raw returns the event as received. It reveals what people do in a unit: do not
// log it. The caller must not change the bytes.
func (e *Envelope) Raw() json.RawMessage { return e.raw }

// Entities returns header.entities as received, nil without it: the units, skills
// and others that the event is about. The caller must not change the bytes.
func (e *Envelope) Entities() json.RawMessage { return e.entities }

// Payload returns the payload as received, nil without one. The caller must not
// change the bytes.
func (e *Envelope) Payload() json.RawMessage { return e.payload }

// Unknown is an event without a type in this package, or the empty object with
// which other services of Amazon verify a topic. [Envelope.Raw] returns the event.
type Unknown struct{ Envelope }

// The methods below have value receivers, so that copies of events are as safe
// to print as the pointers that Parse returns.

func (e Envelope) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: string(e.Type)},
		{Name: "id", Text: e.ID},
		{Name: "time", Text: redact.Time(e.Timestamp)},
	}
}

// MarshalJSON returns an object with the event's type, id and time only, so that a
// log of a value that contains the event reveals nothing else. [Envelope.Raw]
// returns the whole event.
func (e Envelope) MarshalJSON() ([]byte, error) { return e.summary().JSON(), nil }

// Format prints what [Envelope.MarshalJSON] returns, with every verb.
func (e Envelope) Format(f fmt.State, verb rune) { e.summary().Format(f, verb) }

// LogValue returns the same summary as a group, for log/slog.
func (e Envelope) LogValue() slog.Value { return e.summary().LogValue() }

// Parse decodes an event, the text of a message of package sns. It returns a pointer
// to one of the event types of this package, or an [*Unknown] for any other type
// and for an empty object. It keeps a copy of data.
//
// A member that is missing or has an unexpected JSON type leaves its field zero.
// An unknown member is ignored. Every error wraps [ErrMalformed]: data is not one
// JSON object in valid UTF-8, it has no header.eventType, or a member that Parse
// reads occurs twice.
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
	objects := new(envelope.Objects)
	empty := true
	err := envelope.Members(data, func(name []byte, value envelope.Raw) bool {
		empty = false
		switch string(name) {
		case "header":
			common.fill(objects, value)
		case "payload":
			common.payload = json.RawMessage(value)
		default:
			return false
		}
		return true
	})
	if err = errors.Join(err, objects.Err); err != nil {
		return nil, err
	}
	if common.Type == "" && !empty {
		return nil, errNoType
	}
	event := Event(new(Unknown))
	if create, ok := types[common.Type]; ok {
		event = create()
	}
	*event.Common() = common
	if completion, ok := event.(*AutomationCompletion); ok {
		completion.fill(objects)
	}
	if objects.Err != nil {
		return nil, objects.Err
	}
	return event, nil
}

// fill reads the header.
func (e *Envelope) fill(objects *envelope.Objects, header envelope.Raw) {
	objects.Members(header, func(name []byte, value envelope.Raw) bool {
		switch string(name) {
		case "version":
			e.Version = value.TextIfAny()
		case "eventId":
			objects.Text(value, "id", &e.ID)
		case "eventTime":
			objects.Members(value, func(name []byte, value envelope.Raw) bool {
				if string(name) != "timestamp" {
					return false
				}
				e.Timestamp, _ = value.Time()
				return true
			})
		case "eventType":
			var event wireEventType
			objects.Members(value, func(name []byte, value envelope.Raw) bool {
				switch string(name) {
				case "namespace":
					event.Namespace = value.TextIfAny()
				case "name":
					event.Name = value.TextIfAny()
				default:
					return false
				}
				return true
			})
			if event.Namespace != "" && event.Name != "" {
				e.Type = event.join()
			}
		case "entities":
			e.entities = json.RawMessage(value)
			objects.Members(value, func(name []byte, value envelope.Raw) bool {
				switch string(name) {
				case "unit":
					objects.Text(value, "id", &e.UnitID)
				case "skill":
					objects.Text(value, "id", &e.SkillID)
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
}

// fill reads the payload.
func (e *AutomationCompletion) fill(objects *envelope.Objects) {
	objects.Members(envelope.Raw(e.payload), func(name []byte, value envelope.Raw) bool {
		switch string(name) {
		case "automation":
			objects.Text(value, "id", &e.AutomationID)
		case "result":
			objects.Members(value, func(name []byte, value envelope.Raw) bool {
				switch string(name) {
				case "status":
					e.Status = AutomationStatus(value.TextIfAny())
				case "errors":
					e.fillErrors(objects, value)
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
}

// fillErrors reads the list of errors.
func (e *AutomationCompletion) fillErrors(objects *envelope.Objects, list envelope.Raw) {
	objects.Elements(list, func(value envelope.Raw) {
		var cause AutomationError
		objects.Members(value, func(name []byte, value envelope.Raw) bool {
			switch string(name) {
			case "type":
				cause.Type = value.TextIfAny()
			case "message":
				cause.Message = value.TextIfAny()
			case "id":
				cause.ID = value.TextIfAny()
			default:
				return false
			}
			return true
		})
		e.Errors = append(e.Errors, cause)
	})
}

// Receive returns a function for the field Receive of sns.Handler, sns.Lambda or
// sns.SQS. It passes each event to receive, an [*Unknown] too. If receive is nil, it
// fails for every event.
//
// It fails for a message that is not an event, see [Parse], which SNS then
// redelivers until it gives up. Use the topic only for these events.
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
