package gateway

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/uuid"
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
