package gateway

import (
	"encoding/json"

	"github.com/alexaevents/alexaevents"
)

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
