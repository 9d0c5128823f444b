package gateway

import (
	"time"

	"github.com/alexaevents/alexaevents"
)

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
