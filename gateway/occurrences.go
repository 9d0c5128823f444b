package gateway

import (
	"time"

	"github.com/alexaevents/alexaevents"
)

// DoorbellPress says that a doorbell was pressed.
type DoorbellPress struct {
	EndpointID string
	Cause      Cause      // required
	Timestamp  time.Time  // time of the press, truncated to seconds; required
	Context    []Property // the endpoint's current properties; empty is left out
}

func (e *DoorbellPress) message() (*message, error) {
	w := write("DoorbellPress", header{namespace: "Alexa.DoorbellEventSource", name: "DoorbellPress"})
	w.sendOnly = true
	w.endpoint(e.EndpointID)
	w.occurrence(e.Cause, e.Timestamp)
	return w.finish(e.Context)
}

// occurrence writes the payload of an event with cause and timestamp.
func (w *writer) occurrence(cause Cause, timestamp time.Time) {
	w.raw(`,"payload":{"cause":{"type":`)
	w.text("Cause", string(cause))
	w.raw(`},"timestamp":`)
	w.time("Timestamp", timestamp, time.RFC3339)
	w.raw(`}`)
}

// SimpleEvent says that something without a state happened, such as the press of a
// button. It is the event Event of Alexa.SimpleEventSource 1.0.
type SimpleEvent struct {
	EndpointID string
	Instance   string     // the instance of the interface, as in the discovery response; required
	ID         string     // one of the instance's supported events; required
	Timestamp  time.Time  // time of the event, truncated to seconds; required
	Context    []Property // the endpoint's current properties; empty is left out
}

func (e *SimpleEvent) message() (*message, error) {
	w := write("SimpleEvent", header{namespace: "Alexa.SimpleEventSource", name: "Event", instance: e.Instance, payloadVersion: "1.0"})
	w.sendOnly = true
	w.require("Instance", e.Instance != "")
	w.endpoint(e.EndpointID)
	w.raw(`,"payload":{"id":`)
	w.text("ID", e.ID)
	w.raw(`,"timestamp":`)
	w.time("Timestamp", e.Timestamp, time.RFC3339)
	w.raw(`}`)
	return w.finish(e.Context)
}

// WakeUp asks an Echo in the home to wake a sleeping endpoint over the network.
// It is sent between the [DeferredResponse] and the [Response] to the directive
// Alexa.PowerController.TurnOn.
type WakeUp struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	Context          []Property         // the endpoint's current properties; empty is left out
}

func (e *WakeUp) message() (*message, error) {
	w := write("WakeUp", header{namespace: "Alexa.WakeOnLANController", name: "WakeUp", correlationToken: e.CorrelationToken})
	w.sendOnly = true
	w.endpoint(e.EndpointID)
	w.raw(`,"payload":{}`)
	return w.finish(e.Context)
}

// ActivationStarted says that a scene is being activated. It is the response to
// Alexa.SceneController.Activate, or is sent without a directive.
type ActivationStarted struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's; empty without a directive
	Cause            Cause              // required
	Timestamp        time.Time          // time of the start, truncated to seconds; required
	Context          []Property         // the endpoint's current properties; empty is left out
}

func (e *ActivationStarted) message() (*message, error) {
	return e.scene("ActivationStarted")
}

func (e *ActivationStarted) scene(name string) (*message, error) {
	w := write(name, header{namespace: "Alexa.SceneController", name: name, correlationToken: e.CorrelationToken})
	w.repeatable = w.correlated
	w.endpoint(e.EndpointID)
	w.occurrence(e.Cause, e.Timestamp)
	return w.finish(e.Context)
}

// DeactivationStarted says that a scene is being deactivated. It is the response to
// Alexa.SceneController.Deactivate, or is sent without a directive.
type DeactivationStarted struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's; empty without a directive
	Cause            Cause              // required
	Timestamp        time.Time          // time of the start, truncated to seconds; required
	Context          []Property         // the endpoint's current properties; empty is left out
}

func (e *DeactivationStarted) message() (*message, error) {
	return (*ActivationStarted)(e).scene("DeactivationStarted")
}
