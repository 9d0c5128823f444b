package gateway

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
)

// Event is a pointer to one of the event types of this package. [RawEvent] is for
// events without a type of their own.
//
// An event that breaks one of Amazon's rules is not sent: the error is an
// [*InvalidError].
type Event interface {
	// message checks the event and encodes it, without message ID and token.
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

// EncodeResponse encodes the response to a directive that a Lambda function
// returns: without a scope and with a new message ID. The error is an
// [*InvalidError] for an invalid event, and for one that can only be sent, such as a
// [ChangeReport].
func EncodeResponse(event Event) (json.RawMessage, error) {
	m, err := messageOf(event)
	if err != nil {
		return nil, err
	}
	if m.sendOnly {
		return nil, &InvalidError{Field: m.event, Rule: "does not respond to a directive: it can only be sent"}
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

// RawEvent is an event of any interface, for events without a type in this package.
// It is checked, except for its endpoint ID, and sent as the others are.
type RawEvent struct {
	Namespace        string
	Name             string
	Instance         string             // the instance of the interface; empty is left out
	PayloadVersion   string             // the interface's version; empty means "3"
	CorrelationToken alexaevents.Secret // the directive's, for a response; empty is left out

	// EndpointID is not checked. Empty is left out, for an event that concerns no
	// endpoint.
	EndpointID string

	// Payload is a JSON object. It must not have a member named scope. Nil
	// means an empty object.
	Payload json.RawMessage

	// ScopeInPayload puts the token into the payload, as in the events of
	// Alexa.Discovery. False puts it into the endpoint. Without an endpoint the event
	// can then only be returned, see [EncodeResponse].
	ScopeInPayload bool

	Context []Property // the endpoint's current properties; empty is left out

	// Repeatable says that a duplicate does no harm, as for a state, but not for
	// the press of a doorbell. False disables retries after a failure that leaves
	// open whether the gateway received the event.
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
	return w.finish(e.Context)
}
