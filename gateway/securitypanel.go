package gateway

import (
	"time"

	"github.com/alexaevents/alexaevents"
)

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
