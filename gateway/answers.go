package gateway

import (
	"cmp"

	"github.com/alexaevents/alexaevents"
)

// Response says that a directive was carried out. [Directive.Response] makes
// one.
type Response struct {
	Namespace string // empty means "Alexa"
	Name      string // empty means "Response"

	// PayloadVersion is the version of the interface, which [Directive.Response]
	// takes from the directive. Empty means "3".
	PayloadVersion string

	// EndpointID and CorrelationToken are the directive's. A directive that
	// concerns no endpoint, such as Alexa.Discovery.Discover, has neither; its
	// response can only be returned, see [Answer].
	EndpointID       string
	CorrelationToken alexaevents.Secret

	// Payload must encode to a JSON object. Nil means an empty one.
	Payload any

	// Context is what the endpoint's properties are now. Empty is left out.
	Context []Property
}

func (e *Response) message() (*message, error) {
	w := write("Response", header{
		namespace:        cmp.Or(e.Namespace, "Alexa"),
		name:             cmp.Or(e.Name, "Response"),
		payloadVersion:   e.PayloadVersion,
		correlationToken: e.CorrelationToken,
	})
	w.answerTo(e.EndpointID)
	w.raw(`,"payload":`)
	w.object("Payload", e.Payload)
	return w.finish(e.Context, nil)
}

// StateReport answers the directive [ReportState] and no other.
// [Directive.StateReport] makes one.
type StateReport struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret

	// Context is what the endpoint's properties are now: all that the discovery
	// response declared as retrievable. Empty is left out.
	Context []Property
}

func (e *StateReport) message() (*message, error) {
	w := write("StateReport", header{namespace: "Alexa", name: "StateReport", correlationToken: e.CorrelationToken})
	w.require("EndpointID", e.EndpointID != "")
	w.answerTo(e.EndpointID)
	w.raw(`,"payload":{}`)
	return w.finish(e.Context, nil)
}
