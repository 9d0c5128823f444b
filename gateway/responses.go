package gateway

import (
	"cmp"
	"math"
	"strconv"
	"time"

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

// DeferredResponse says that the answer to a directive takes longer than the
// eight seconds that Alexa waits. It can only be returned, see [Answer]; the
// [Response] or [ErrorResponse] is sent later. [Directive.DeferredResponse]
// makes one.
type DeferredResponse struct {
	CorrelationToken alexaevents.Secret // the directive's; the later answer has it too

	// EstimatedDeferral is how long the answer will take, in whole seconds,
	// rounded up. Zero means not to say.
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
	return w.finish(nil, nil)
}

// ArmResponse says that a security panel is armed, or will be after the exit
// delay: the event Arm.Response of Alexa.SecurityPanelController.
type ArmResponse struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's

	// ExitDelay is how long there is to leave, 0 to 255 whole seconds, rounded
	// up. Zero means not to say.
	ExitDelay time.Duration

	BypassedEndpoints []BypassedEndpoint // those that the panel does not watch; empty is left out
	Context           []Property         // what the endpoint's properties are now; empty is left out
}

// BypassedEndpoint is a sensor that an armed security panel does not watch.
type BypassedEndpoint struct {
	FriendlyName string `json:"friendlyName"`         // required
	EndpointID   string `json:"endpointId,omitempty"` // empty is left out
}

func (e *ArmResponse) message() (*message, error) {
	w := write("ArmResponse", header{namespace: "Alexa.SecurityPanelController", name: "Arm.Response", correlationToken: e.CorrelationToken})
	w.require("EndpointID", e.EndpointID != "")
	w.answerTo(e.EndpointID)
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
	return w.finish(e.Context, nil)
}
