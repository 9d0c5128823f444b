package smartprops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// ErrMalformed is the error of [Parse] for bytes that are not an event.
var ErrMalformed = errors.New("smartprops: malformed event")

var errNoType = errors.New("no header.eventType with namespace and name")

// Parse decodes one event, the text of a message of package sns. The result is a
// pointer to one of the event types of this package, [*Unknown] for all other
// types. It keeps a copy of data, not data itself.
//
// What Amazon leaves out, adds or sends in another JSON type than expected is no
// error: it leaves its field zero. Every error wraps [ErrMalformed] and means
// that data is not one JSON object in valid UTF-8, that it is not empty and has
// no header.eventType, or that a member that is read occurs twice.
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
