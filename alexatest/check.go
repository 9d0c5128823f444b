package alexatest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The limits of Amazon's message schema of 2021.
var (
	messageID    = regexp.MustCompile(`^[a-zA-Z0-9-]{1,127}$`)
	endpointID   = regexp.MustCompile(`^[a-zA-Z0-9_\-=#;:?@&]{1,256}$`)
	timeOfSample = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$`)
	wholeSeconds = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
)

type eventMessage struct {
	Event struct {
		Header struct {
			Namespace, Name, Instance, PayloadVersion, MessageID string
			CorrelationToken                                     *string
		}
		Endpoint *struct {
			Scope      *scope
			EndpointID string
			Cookie     map[string]string
		}
		Payload json.RawMessage
	}
	Context *struct{ Properties []json.RawMessage }
}

type scope struct{ Type, Token string }

type property struct {
	Namespace, Instance, Name, TimeOfSample string
	Value                                   json.RawMessage
	UncertaintyInMilliseconds               *float64
	Unit                                    string
}

func (p property) key() [3]string { return [3]string{p.Namespace, p.Instance, p.Name} }

// checkEvent tells what is wrong with an event for the gateway, by rules of its
// own. It returns the token of the event's scope.
func checkEvent(body []byte) (token string, err error) {
	var m eventMessage
	if err := strict(body, &m); err != nil {
		return "", err
	}
	header := m.Event.Header
	switch {
	case header.Namespace == "" || header.Name == "" || header.PayloadVersion == "":
		return "", errors.New("header: namespace, name and payloadVersion are required")
	case !messageID.MatchString(header.MessageID):
		return "", errors.New("header.messageId: up to 127 letters, digits and hyphens")
	case header.CorrelationToken != nil && *header.CorrelationToken == "":
		return "", errors.New("header.correlationToken: empty")
	case header.Name == "DeferredResponse":
		return "", errors.New("a DeferredResponse answers the directive and is not sent to the gateway")
	}
	var payload struct {
		Scope  *scope
		Change *struct {
			Cause      struct{ Type string }
			Properties []json.RawMessage
		}
		Endpoints []struct{ EndpointID string }
		Timestamp *string
		Cause     *struct{ Type string }
	}
	if !bytes.HasPrefix(m.Event.Payload, []byte("{")) {
		return "", errors.New("payload: an object is required")
	}
	if err := json.Unmarshal(m.Event.Payload, &payload); err != nil {
		return "", fmt.Errorf("payload: %w", err)
	}
	found := payload.Scope
	if m.Event.Endpoint != nil {
		if !endpointID.MatchString(m.Event.Endpoint.EndpointID) {
			return "", errors.New("endpoint.endpointId: up to 256 of the allowed characters")
		}
		found = m.Event.Endpoint.Scope
	} else if header.Namespace != "Alexa.Discovery" && payload.Scope == nil {
		return "", errors.New("endpoint: required")
	}
	if found == nil || found.Type != "BearerToken" || found.Token == "" {
		return "", errors.New("scope: a BearerToken is required")
	}

	seen := make(map[[3]string]bool)
	switch header.Namespace + "." + header.Name {
	case "Alexa.ChangeReport":
		if payload.Change == nil || payload.Change.Cause.Type == "" || len(payload.Change.Properties) == 0 {
			return "", errors.New("payload.change: cause and properties are required")
		}
		if err := checkProperties(payload.Change.Properties, seen); err != nil {
			return "", fmt.Errorf("payload.change.properties: %w", err)
		}
	case "Alexa.Discovery.AddOrUpdateReport", "Alexa.Discovery.DeleteReport":
		if m.Event.Endpoint != nil || m.Context != nil {
			return "", errors.New("a discovery report has no endpoint and no context")
		}
		if n := len(payload.Endpoints); n == 0 || n > 300 {
			return "", fmt.Errorf("payload.endpoints: %d endpoints; 1 to 300 are allowed", n)
		}
		for _, endpoint := range payload.Endpoints {
			if !endpointID.MatchString(endpoint.EndpointID) {
				return "", errors.New("payload.endpoints: endpointId: up to 256 of the allowed characters")
			}
		}
	case "Alexa.DoorbellEventSource.DoorbellPress", "Alexa.SceneController.ActivationStarted", "Alexa.SceneController.DeactivationStarted":
		if payload.Cause == nil || payload.Cause.Type == "" || payload.Timestamp == nil || !wholeSeconds.MatchString(*payload.Timestamp) {
			return "", errors.New("payload: a cause and a timestamp of whole seconds are required")
		}
	case "Alexa.SimpleEventSource.Event":
		if header.Instance == "" || header.PayloadVersion == "3" {
			return "", errors.New("header: a SimpleEventSource event has an instance and version 1.0")
		}
	}
	if m.Context != nil {
		if err := checkProperties(m.Context.Properties, seen); err != nil {
			return "", fmt.Errorf("context.properties: %w", err)
		}
	}
	return found.Token, nil
}

// checkProperties checks properties that may not repeat what was seen.
func checkProperties(properties []json.RawMessage, seen map[[3]string]bool) error {
	for _, raw := range properties {
		var p property
		if err := strict(raw, &p); err != nil {
			return err
		}
		multiple := p.Namespace == "Alexa.ModeController" || p.Namespace == "Alexa.RangeController" || p.Namespace == "Alexa.ToggleController"
		switch {
		case p.Namespace == "" || p.Name == "" || p.Value == nil:
			return errors.New("namespace, name and value are required")
		case !timeOfSample.MatchString(p.TimeOfSample):
			return errors.New("timeOfSample: a UTC time with at most three digits of fraction")
		case p.UncertaintyInMilliseconds == nil || *p.UncertaintyInMilliseconds < 0:
			return errors.New("uncertaintyInMilliseconds: a number from 0 on")
		case multiple && p.Instance == "":
			return errors.New("instance: required for " + p.Namespace)
		case seen[p.key()]:
			return errors.New("reported twice: " + strings.Join([]string{p.Namespace, p.Instance, p.Name}, " "))
		}
		seen[p.key()] = true
	}
	return nil
}

// strict decodes JSON that has no other members than the schema.
func strict(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON document")
	}
	return nil
}
