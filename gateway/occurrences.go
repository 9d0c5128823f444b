package gateway

import (
	"time"

	"github.com/alexaevents/alexaevents"
)

// DoorbellPress says that somebody rang.
type DoorbellPress struct {
	EndpointID string
	Cause      Cause      // any text but the empty one
	Timestamp  time.Time  // when it happened, cut to the second; zero is refused
	Context    []Property // what the endpoint's properties are now; empty is left out
}

func (e *DoorbellPress) message() (*message, error) {
	w := write("DoorbellPress", header{namespace: "Alexa.DoorbellEventSource", name: "DoorbellPress"})
	w.sendOnly = true
	w.endpoint(e.EndpointID)
	w.occurrence(e.Cause, e.Timestamp)
	return w.finish(e.Context, nil)
}

// occurrence writes the payload of events that say why and when.
func (w *writer) occurrence(cause Cause, timestamp time.Time) {
	w.raw(`,"payload":{"cause":{"type":`)
	w.text("Cause", string(cause))
	w.raw(`},"timestamp":`)
	w.time("Timestamp", timestamp, time.RFC3339)
	w.raw(`}`)
}

// SimpleEvent is a thing without a state that happened, such as the press of a
// button: the event Event of Alexa.SimpleEventSource 1.0.
type SimpleEvent struct {
	EndpointID string
	Instance   string     // the instance of the interface that the discovery response named
	ID         string     // which of the instance's supported events
	Timestamp  time.Time  // when it happened, cut to the second; zero is refused
	Context    []Property // what the endpoint's properties are now; empty is left out
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
	return w.finish(e.Context, nil)
}

// WakeUp asks an Echo in the home to wake a sleeping endpoint over the network.
// It is sent between the [DeferredResponse] and the [Response] to the directive
// Alexa.PowerController.TurnOn.
type WakeUp struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	Context          []Property         // what the endpoint's properties are now; empty is left out
}

func (e *WakeUp) message() (*message, error) {
	w := write("WakeUp", header{namespace: "Alexa.WakeOnLANController", name: "WakeUp", correlationToken: e.CorrelationToken})
	w.sendOnly = true
	w.endpoint(e.EndpointID)
	w.raw(`,"payload":{}`)
	return w.finish(e.Context, nil)
}

// ActivationStarted says that a scene is being activated, in answer to
// Alexa.SceneController.Activate or by itself.
type ActivationStarted struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's; empty if no directive asked for it
	Cause            Cause              // any text but the empty one
	Timestamp        time.Time          // when it started, cut to the second; zero is refused
	Context          []Property         // what the endpoint's properties are now; empty is left out
}

func (e *ActivationStarted) message() (*message, error) {
	return e.scene("ActivationStarted")
}

func (e *ActivationStarted) scene(name string) (*message, error) {
	w := write(name, header{namespace: "Alexa.SceneController", name: name, correlationToken: e.CorrelationToken})
	w.repeatable = w.correlated
	w.endpoint(e.EndpointID)
	w.occurrence(e.Cause, e.Timestamp)
	return w.finish(e.Context, nil)
}

// DeactivationStarted says that a scene is being deactivated, in answer to
// Alexa.SceneController.Deactivate or by itself.
type DeactivationStarted struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's; empty if no directive asked for it
	Cause            Cause              // any text but the empty one
	Timestamp        time.Time          // when it started, cut to the second; zero is refused
	Context          []Property         // what the endpoint's properties are now; empty is left out
}

func (e *DeactivationStarted) message() (*message, error) {
	return (*ActivationStarted)(e).scene("DeactivationStarted")
}
