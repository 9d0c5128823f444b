package gateway

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
)

// Event is something that a skill tells Alexa: a pointer to one of the event
// types of this package. [RawEvent] is for what has no type of its own.
//
// An event that breaks a rule of Amazon's is refused before it is sent, with an
// [*InvalidError].
type Event interface {
	// message checks the event and encodes all of it but the message ID and the
	// token.
	message() (*message, error)
}

// messageOf returns the message of an event that may be nil.
func messageOf(event Event) (*message, error) {
	if event == nil {
		return nil, &InvalidError{Field: "Event", Rule: "must not be nil"}
	}
	if v := reflect.ValueOf(event); v.IsNil() {
		return nil, &InvalidError{Field: v.Type().Elem().Name(), Rule: "must not be nil"}
	}
	return event.message()
}

// Answer encodes the answer that a Lambda function returns to a directive: the
// event without a scope, with a new message ID. It refuses events that answer no
// directive, such as a [ChangeReport].
func Answer(event Event) (json.RawMessage, error) {
	m, err := messageOf(event)
	if err != nil {
		return nil, err
	}
	if m.sendOnly {
		return nil, &InvalidError{Field: m.event, Rule: "is no answer to a directive; it can only be sent"}
	}
	id, err := newMessageID()
	if err != nil {
		return nil, err
	}
	return m.encode(id, "")
}

// newMessageID returns a random UUID, the form that Amazon prefers.
func newMessageID() (string, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("gateway: message ID: %w", err)
	}
	return id.String(), nil
}

// RawEvent is an event of any interface, for those that have no type here. It is
// sent and resent as the others are, and checked except for its endpoint ID.
type RawEvent struct {
	Namespace        string
	Name             string
	Instance         string             // for interfaces with instances; empty is left out
	PayloadVersion   string             // the interface's version; empty means "3"
	CorrelationToken alexaevents.Secret // of the directive that the event answers; empty is left out

	// EndpointID is not checked. Empty is left out: an event that concerns no
	// endpoint.
	EndpointID string

	// Payload is a JSON object. It must not have a member named scope. Nil
	// means an empty object.
	Payload json.RawMessage

	// ScopeInPayload puts the token into the payload instead of the endpoint, as
	// the events of Alexa.Discovery have it. An event with neither endpoint nor
	// this can only be returned, see [Answer].
	ScopeInPayload bool

	Context []Property // what the endpoint's properties are now; empty is left out

	// Repeatable says that Alexa may get the event twice, as is true of states
	// but not of a doorbell. False means that it is not sent again when it is
	// unknown whether the gateway got it.
	Repeatable bool
}

func (e *RawEvent) message() (*message, error) {
	w := write("RawEvent", header{
		namespace:        e.Namespace,
		name:             e.Name,
		instance:         e.Instance,
		payloadVersion:   e.PayloadVersion,
		correlationToken: e.CorrelationToken,
	})
	w.repeatable = e.Repeatable
	if e.EndpointID != "" {
		w.anyEndpoint(e.EndpointID)
	}
	w.raw(`,"payload":`)
	if e.ScopeInPayload {
		w.scopeAt = len(w.body) + len(`{`)
	}
	var payload any
	if len(e.Payload) > 0 {
		payload = e.Payload
	}
	if w.object("Payload", payload)["scope"] != nil {
		w.fail("Payload", "must not have the member scope, which is written when the event is sent")
	}
	return w.finish(e.Context, nil)
}
