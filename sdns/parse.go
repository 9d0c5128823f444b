package sdns

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// ErrMalformed is the error of [Parse] for bytes that are not a notification.
var ErrMalformed = errors.New("sdns: malformed event")

var errNoName = errors.New("no eventName")

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
