package gateway

import (
	"cmp"
	"math"
	"strconv"
	"time"

	"github.com/alexaevents/alexaevents"
)

// Response says that a directive succeeded. [Directive.Response] makes one.
type Response struct {
	Namespace string // empty means "Alexa"
	Name      string // empty means "Response"

	// PayloadVersion is the version of the interface. [Directive.Response] copies
	// the directive's. Empty means "3".
	PayloadVersion string

	// EndpointID and CorrelationToken are the directive's. A directive that
	// concerns no endpoint, such as Alexa.Discovery.Discover, has neither; its
	// response can only be returned, see [EncodeResponse].
	EndpointID       string
	CorrelationToken alexaevents.Secret

	// Payload must encode to a JSON object. Nil means an empty object.
	Payload any

	// Context is the endpoint's current properties. Empty is left out.
	Context []Property
}

func (e *Response) message() (*message, error) {
	w := write("Response", header{
		namespace:        cmp.Or(e.Namespace, "Alexa"),
		name:             cmp.Or(e.Name, "Response"),
		payloadVersion:   e.PayloadVersion,
		correlationToken: e.CorrelationToken,
	})
	w.respondTo(e.EndpointID)
	w.raw(`,"payload":`)
	w.object("Payload", e.Payload)
	return w.finish(e.Context)
}

// StateReport is the response to the directive [ReportState].
// [Directive.StateReport] makes one.
type StateReport struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret

	// Context is the endpoint's current properties, all that the discovery
	// response declares as retrievable. Empty is left out.
	Context []Property
}

func (e *StateReport) message() (*message, error) {
	w := write("StateReport", header{namespace: "Alexa", name: "StateReport", correlationToken: e.CorrelationToken})
	w.require("EndpointID", e.EndpointID != "")
	w.respondTo(e.EndpointID)
	w.raw(`,"payload":{}`)
	return w.finish(e.Context)
}

// ErrorType is why a directive failed.
type ErrorType string

// Some of the error types that Amazon defines for all interfaces. Interfaces define
// more; any type is sent unchecked.
const (
	BridgeUnreachable   ErrorType = "BRIDGE_UNREACHABLE"   // the hub that the endpoint is connected to is offline
	EndpointBusy        ErrorType = "ENDPOINT_BUSY"        // the endpoint executes another directive
	EndpointUnreachable ErrorType = "ENDPOINT_UNREACHABLE" // the endpoint is offline
	InternalError       ErrorType = "INTERNAL_ERROR"       // none of the other types fits
	InvalidDirective    ErrorType = "INVALID_DIRECTIVE"    // the endpoint does not support the directive, or it is malformed
	InvalidValue        ErrorType = "INVALID_VALUE"        // the endpoint does not support the value
	NoSuchEndpoint      ErrorType = "NO_SUCH_ENDPOINT"     // the endpoint does not exist, or no longer
	ValueOutOfRange     ErrorType = "VALUE_OUT_OF_RANGE"   // the value lies outside the endpoint's range
)

// ErrorResponse says that a directive failed.
// [Directive.ErrorResponse] makes one.
type ErrorResponse struct {
	// Namespace is the interface that defines Type, such as
	// "Alexa.ThermostatController". Empty means "Alexa".
	Namespace string

	// PayloadVersion is the version of the interface. [Directive.ErrorResponse]
	// copies the directive's. Empty means "3".
	PayloadVersion string

	// EndpointID and CorrelationToken are the directive's. A directive that
	// concerns no endpoint has neither; its response can only be returned, see
	// [EncodeResponse].
	EndpointID       string
	CorrelationToken alexaevents.Secret

	Type    ErrorType // required
	Message string    // for the developer; customers do not see it

	// Details are further members of the payload, such as validRange. Nil adds
	// none.
	Details map[string]any
}

func (e *ErrorResponse) message() (*message, error) {
	w := write("ErrorResponse", header{
		namespace:        cmp.Or(e.Namespace, "Alexa"),
		name:             "ErrorResponse",
		payloadVersion:   e.PayloadVersion,
		correlationToken: e.CorrelationToken,
	})
	w.respondTo(e.EndpointID)
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
	return w.finish(nil)
}

// DeferredResponse says that the response to a directive takes longer than the
// eight seconds that Alexa waits. It can only be returned, see [EncodeResponse];
// the [Response] or [ErrorResponse] is sent later. [Directive.DeferredResponse]
// makes one.
type DeferredResponse struct {
	CorrelationToken alexaevents.Secret // the directive's, repeated in the later response

	// EstimatedDeferral is the time until the later response, rounded up to
	// seconds. Zero is left out.
	EstimatedDeferral time.Duration
}

func (e *DeferredResponse) message() (*message, error) {
	w := write("DeferredResponse", header{namespace: "Alexa", name: "DeferredResponse", correlationToken: e.CorrelationToken})
	w.require("CorrelationToken", w.correlated)
	w.raw(`,"payload":{`)
	seconds := roundUp(e.EstimatedDeferral, time.Second)
	if seconds < 0 || seconds > math.MaxInt32 {
		w.fail("EstimatedDeferral", "must be 0 to 2147483647 seconds")
	}
	if seconds != 0 {
		w.raw(`"estimatedDeferralInSeconds":`)
		w.body = strconv.AppendInt(w.body, seconds, 10)
	}
	w.raw(`}`)
	return w.finish(nil)
}

// ArmResponse says that a security panel is armed, or will be after ExitDelay. It is
// the event Arm.Response of Alexa.SecurityPanelController.
type ArmResponse struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's

	// ExitDelay is the time to leave the building, rounded up to seconds, at most
	// 255. Zero is left out.
	ExitDelay time.Duration

	BypassedEndpoints []BypassedEndpoint // the sensors that the panel ignores; empty is left out
	Context           []Property         // the endpoint's current properties; empty is left out
}

// BypassedEndpoint is a sensor that an armed security panel ignores.
type BypassedEndpoint struct {
	FriendlyName string `json:"friendlyName"`         // required
	EndpointID   string `json:"endpointId,omitempty"` // empty is left out
}

func (e *ArmResponse) message() (*message, error) {
	w := write("ArmResponse", header{namespace: "Alexa.SecurityPanelController", name: "Arm.Response", correlationToken: e.CorrelationToken})
	w.require("EndpointID", e.EndpointID != "")
	w.respondTo(e.EndpointID)
	payload := struct {
		ExitDelayInSeconds int64              `json:"exitDelayInSeconds,omitempty"`
		BypassedEndpoints  []BypassedEndpoint `json:"bypassedEndpoints,omitempty"`
	}{roundUp(e.ExitDelay, time.Second), e.BypassedEndpoints}
	if payload.ExitDelayInSeconds < 0 || payload.ExitDelayInSeconds > 255 {
		w.fail("ExitDelay", "must be 0 to 255 seconds")
	}
	for i, bypassed := range e.BypassedEndpoints {
		w.list, w.index = "BypassedEndpoints", i
		w.require("FriendlyName", bypassed.FriendlyName != "")
		if bypassed.EndpointID != "" && !isEndpointID(bypassed.EndpointID) {
			w.fail("EndpointID", endpointIDRule)
		}
	}
	w.list = ""
	w.raw(`,"payload":`)
	w.object("BypassedEndpoints", payload)
	return w.finish(e.Context)
}
