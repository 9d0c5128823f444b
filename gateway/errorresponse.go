package gateway

import (
	"cmp"

	"github.com/alexaevents/alexaevents"
)

// ErrorType is why a directive was not carried out.
type ErrorType string

// Some of the types that Amazon defines for every interface. Interfaces define
// others; any text is sent as it is.
const (
	BridgeUnreachable   ErrorType = "BRIDGE_UNREACHABLE"   // the hub that the endpoint is connected to is offline
	EndpointBusy        ErrorType = "ENDPOINT_BUSY"        // the endpoint is carrying out something else
	EndpointUnreachable ErrorType = "ENDPOINT_UNREACHABLE" // the endpoint is offline
	InternalError       ErrorType = "INTERNAL_ERROR"       // none of the other types fits
	InvalidDirective    ErrorType = "INVALID_DIRECTIVE"    // the endpoint does not support the directive, or it is malformed
	InvalidValue        ErrorType = "INVALID_VALUE"        // the endpoint does not support the value
	NoSuchEndpoint      ErrorType = "NO_SUCH_ENDPOINT"     // the endpoint does not exist, or no longer
	ValueOutOfRange     ErrorType = "VALUE_OUT_OF_RANGE"   // the value lies outside the endpoint's range
)

// ErrorResponse says that a directive was not carried out.
// [Directive.ErrorResponse] makes one.
type ErrorResponse struct {
	// Namespace is the interface that defines Type, such as
	// "Alexa.ThermostatController". Empty means "Alexa".
	Namespace string

	// PayloadVersion is the version of the interface, which
	// [Directive.ErrorResponse] takes from the directive. Empty means "3".
	PayloadVersion string

	// EndpointID and CorrelationToken are the directive's. A directive that
	// concerns no endpoint has neither; its response can only be returned, see
	// [Answer].
	EndpointID       string
	CorrelationToken alexaevents.Secret

	Type    ErrorType // required
	Message string    // for the developer; customers do not see it

	// Details are what some types have beside the message, such as validRange.
	// Nil means none.
	Details map[string]any
}

func (e *ErrorResponse) message() (*message, error) {
	w := write("ErrorResponse", header{
		namespace:        cmp.Or(e.Namespace, "Alexa"),
		name:             "ErrorResponse",
		payloadVersion:   e.PayloadVersion,
		correlationToken: e.CorrelationToken,
	})
	w.answerTo(e.EndpointID)
	w.raw(`,"payload":`)
	w.require("Type", e.Type != "")
	payload := make(map[string]any, len(e.Details)+2)
	for name, detail := range e.Details {
		if name == "type" || name == "message" {
			w.fail("Details", "must not repeat type and message")
		}
		payload[name] = detail
	}
	payload["type"], payload["message"] = e.Type, e.Message
	w.object("Details", payload)
	return w.finish(nil, nil)
}
