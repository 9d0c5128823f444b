package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// event is the part of a response or an event that is checked.
type event struct {
	Event struct {
		Header   struct{ Name, CorrelationToken string }
		Endpoint struct{ EndpointID string }
		Payload  struct {
			Type                       string // of an error
			EstimatedDeferralInSeconds int
			Endpoints                  []endpoint
			Change                     struct {
				Cause      struct{ Type string }
				Properties []property
			}
		}
	}
	Context struct{ Properties []property }
}

type property struct {
	Namespace, Name string
	Value           json.RawMessage
}

// text returns a summary of the event, such as "ChangeReport lamp powerState=ON
// PHYSICAL_INTERACTION".
func (e event) text() string {
	payload := e.Event.Payload
	words := []string{e.Event.Header.Name}
	add := func(properties []property) {
		for _, p := range properties {
			words = append(words, p.Name+"="+p.value())
		}
	}
	switch e.Event.Header.Name {
	case "Discover.Response":
		for _, endpoint := range payload.Endpoints {
			words = append(words, endpoint.EndpointID)
		}
	case "ChangeReport":
		words = append(words, e.Event.Endpoint.EndpointID)
		add(payload.Change.Properties)
		words = append(words, payload.Change.Cause.Type)
	case "DeferredResponse":
		words = append(words, fmt.Sprintf("%ds", payload.EstimatedDeferralInSeconds))
	case "ErrorResponse":
		words = append(words, payload.Type)
	default:
		add(e.Context.Properties)
	}
	return strings.Join(words, " ")
}

// value returns the value in short: 20C is 20 degrees Celsius.
func (p property) value() string {
	var boxed struct {
		Value json.RawMessage
		Scale string
	}
	value := p.Value
	if json.Unmarshal(value, &boxed) == nil {
		value = boxed.Value
	}
	return strings.Trim(string(value), `"`) + boxed.Scale[:min(1, len(boxed.Scale))]
}

// properties returns the names of the properties that the endpoint reports, in
// alphabetical order.
func (e endpoint) properties() []string {
	var names []string
	for _, capability := range e.Capabilities {
		if capability.Properties != nil && capability.Properties.ProactivelyReported && capability.Properties.Retrievable {
			for _, p := range capability.Properties.Supported {
				names = append(names, capability.Interface+"."+p.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}
