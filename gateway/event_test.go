package gateway_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

func TestEvents(t *testing.T) {
	lampOn, reachable := lampOn(), reachable()
	const whole = `"timestamp": "2026-11-22T08:30:15Z"`

	type kind struct{ Correlated, Repeatable, SendOnly bool }
	report := kind{Repeatable: true, SendOnly: true}
	response := kind{Correlated: true, Repeatable: true}
	momentary := kind{SendOnly: true}

	for _, test := range []struct {
		name  string
		event gateway.Event
		json  string
		kind  kind
	}{
		{
			"change report",
			&gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Properties: []gateway.Property{lampOn}, Context: []gateway.Property{reachable}},
			`{"event": {` + headerJSON("Alexa", "ChangeReport", "") + `, ` + lampJSON + `,
				"payload": {"change": {"cause": {"type": "PHYSICAL_INTERACTION"}, "properties": [` + lampOnJSON + `]}}},
				"context": {"properties": [` + reachableJSON + `]}}`,
			report,
		},
		{
			"change report without context",
			&gateway.ChangeReport{EndpointID: "a_-=#;:?@&", Cause: "NEW_CAUSE", Properties: []gateway.Property{lampOn, reachable}},
			`{"event": {` + headerJSON("Alexa", "ChangeReport", "") + `, "endpoint": {"endpointId": "a_-=#;:?@&", ` + scopeJSON + `},
				"payload": {"change": {"cause": {"type": "NEW_CAUSE"}, "properties": [` + lampOnJSON + `, ` + reachableJSON + `]}}}}`,
			report,
		},
		{
			"response",
			&gateway.Response{EndpointID: "lamp-1", CorrelationToken: "correlation==", Context: []gateway.Property{lampOn}},
			`{"event": {` + headerJSON("Alexa", "Response", correlatedJSON) + `, ` + lampJSON + `, "payload": {}}, "context": {"properties": [` + lampOnJSON + `]}}`,
			response,
		},
		{
			"response of an interface",
			&gateway.Response{
				Namespace: "Alexa.CameraStreamController", Name: "Response", EndpointID: "lamp-1", CorrelationToken: "correlation==",
				Payload: map[string]any{"imageUri": "https://camera.example/<1>?a&b"},
			},
			`{"event": {` + headerJSON("Alexa.CameraStreamController", "Response", correlatedJSON) + `, ` + lampJSON + `,
				"payload": {"imageUri": "https://camera.example/<1>?a&b"}}}`,
			response,
		},
		{
			"state report",
			&gateway.StateReport{EndpointID: "lamp-1", CorrelationToken: "correlation==", Context: []gateway.Property{lampOn, reachable}},
			`{"event": {` + headerJSON("Alexa", "StateReport", correlatedJSON) + `, ` + lampJSON + `, "payload": {}},
				"context": {"properties": [` + lampOnJSON + `, ` + reachableJSON + `]}}`,
			response,
		},
		{
			"error response",
			&gateway.ErrorResponse{EndpointID: "lamp-1", CorrelationToken: "correlation==", Type: gateway.EndpointUnreachable, Message: `"offline"`},
			`{"event": {` + headerJSON("Alexa", "ErrorResponse", correlatedJSON) + `, ` + lampJSON + `, "payload": {"type": "ENDPOINT_UNREACHABLE", "message": "\"offline\""}}}`,
			response,
		},
		{
			"error response of an interface",
			&gateway.ErrorResponse{
				Namespace: "Alexa.ThermostatController", EndpointID: "lamp-1", CorrelationToken: "correlation==",
				Type: "REQUESTED_SETPOINTS_TOO_CLOSE", Details: map[string]any{"minimumTemperatureDelta": gateway.Celsius(2)},
			},
			`{"event": {` + headerJSON("Alexa.ThermostatController", "ErrorResponse", correlatedJSON) + `, ` + lampJSON + `, "payload": {
				"type": "REQUESTED_SETPOINTS_TOO_CLOSE", "message": "", "minimumTemperatureDelta": {"value": 2, "scale": "CELSIUS"}}}}`,
			response,
		},
		{
			"added endpoints",
			&gateway.AddOrUpdateReport{Endpoints: []any{endpoint("lamp-1"), endpoint("lamp-2")}},
			`{"event": {` + headerJSON("Alexa.Discovery", "AddOrUpdateReport", "") + `, "payload": {` + scopeJSON + `, "endpoints": [
				{"endpointId": "lamp-1", "manufacturerName": "Example", "friendlyName": "Lamp", "description": "A lamp", "displayCategories": ["LIGHT"], "capabilities": [{}]},
				{"endpointId": "lamp-2", "manufacturerName": "Example", "friendlyName": "Lamp", "description": "A lamp", "displayCategories": ["LIGHT"], "capabilities": [{}]}]}}}`,
			report,
		},
		{
			"deleted endpoints",
			&gateway.DeleteReport{EndpointIDs: []string{"lamp-1", "lamp-2"}},
			`{"event": {` + headerJSON("Alexa.Discovery", "DeleteReport", "") + `, "payload": {` + scopeJSON + `, "endpoints": [{"endpointId": "lamp-1"}, {"endpointId": "lamp-2"}]}}}`,
			report,
		},
		{
			"doorbell",
			&gateway.DoorbellPress{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Timestamp: at},
			`{"event": {` + headerJSON("Alexa.DoorbellEventSource", "DoorbellPress", "") + `, ` + lampJSON + `, "payload": {"cause": {"type": "PHYSICAL_INTERACTION"}, ` + whole + `}}}`,
			momentary,
		},
		{
			"simple event",
			&gateway.SimpleEvent{EndpointID: "lamp-1", Instance: "Remote.Button", ID: "Remote.Button.Press", Timestamp: at, Context: []gateway.Property{reachable}},
			`{"event": {"header": {"namespace": "Alexa.SimpleEventSource", "name": "Event", "instance": "Remote.Button", "payloadVersion": "1.0", "messageId": "` + messageID + `"},
				` + lampJSON + `, "payload": {"id": "Remote.Button.Press", ` + whole + `}}, "context": {"properties": [` + reachableJSON + `]}}`,
			momentary,
		},
		{
			"wake up",
			&gateway.WakeUp{EndpointID: "lamp-1", CorrelationToken: "correlation==", Context: []gateway.Property{lampOn}},
			`{"event": {` + headerJSON("Alexa.WakeOnLANController", "WakeUp", correlatedJSON) + `, ` + lampJSON + `, "payload": {}}, "context": {"properties": [` + lampOnJSON + `]}}`,
			kind{Correlated: true, SendOnly: true},
		},
		{
			"scene activated",
			&gateway.ActivationStarted{EndpointID: "lamp-1", CorrelationToken: "correlation==", Cause: gateway.VoiceInteraction, Timestamp: at},
			`{"event": {` + headerJSON("Alexa.SceneController", "ActivationStarted", correlatedJSON) + `, ` + lampJSON + `, "payload": {"cause": {"type": "VOICE_INTERACTION"}, ` + whole + `}}}`,
			response,
		},
		{
			"scene deactivated by itself",
			&gateway.DeactivationStarted{EndpointID: "lamp-1", Cause: gateway.RuleTrigger, Timestamp: at},
			`{"event": {` + headerJSON("Alexa.SceneController", "DeactivationStarted", "") + `, ` + lampJSON + `, "payload": {"cause": {"type": "RULE_TRIGGER"}, ` + whole + `}}}`,
			kind{},
		},
		{
			"armed",
			&gateway.ArmResponse{
				EndpointID: "lamp-1", CorrelationToken: "correlation==", ExitDelay: 29*time.Second + 1,
				BypassedEndpoints: []gateway.BypassedEndpoint{{FriendlyName: "Window", EndpointID: "window-1"}, {FriendlyName: "Door"}},
			},
			`{"event": {` + headerJSON("Alexa.SecurityPanelController", "Arm.Response", correlatedJSON) + `, ` + lampJSON + `, "payload": {
				"exitDelayInSeconds": 30, "bypassedEndpoints": [{"friendlyName": "Window", "endpointId": "window-1"}, {"friendlyName": "Door"}]}}}`,
			response,
		},
		{
			"camera answers",
			&gateway.AnswerGeneratedForSession{EndpointID: "lamp-1", CorrelationToken: "correlation==", SDP: "v=0\r\n"},
			`{"event": {` + headerJSON("Alexa.RTCSessionController", "AnswerGeneratedForSession", correlatedJSON) + `, ` + lampJSON + `, "payload": {"answer": {"format": "SDP", "value": "v=0\r\n"}}}}`,
			response,
		},
		{
			"camera connected",
			&gateway.SessionConnected{EndpointID: "lamp-1", CorrelationToken: "correlation==", SessionID: "session-1"},
			`{"event": {` + headerJSON("Alexa.RTCSessionController", "SessionConnected", correlatedJSON) + `, ` + lampJSON + `, "payload": {"sessionId": "session-1"}}}`,
			response,
		},
		{
			"camera disconnected",
			&gateway.SessionDisconnected{EndpointID: "lamp-1", SessionID: "session-1"},
			`{"event": {` + headerJSON("Alexa.RTCSessionController", "SessionDisconnected", "") + `, ` + lampJSON + `, "payload": {"sessionId": "session-1"}}}`,
			kind{Repeatable: true},
		},
		{
			"raw event of an endpoint",
			&gateway.RawEvent{
				Namespace: "Alexa.Example", Name: "Consumed", Instance: "Pods", PayloadVersion: "3.1", EndpointID: "lamp-1",
				Payload: json.RawMessage(` { "usage" : {"@type": "Count", "value": 1} } `), Context: []gateway.Property{reachable},
			},
			`{"event": {"header": {"namespace": "Alexa.Example", "name": "Consumed", "instance": "Pods", "payloadVersion": "3.1", "messageId": "` + messageID + `"},
				` + lampJSON + `, "payload": {"usage": {"@type": "Count", "value": 1}}}, "context": {"properties": [` + reachableJSON + `]}}`,
			kind{},
		},
		{
			"raw event with the scope in the payload",
			&gateway.RawEvent{Namespace: "Alexa.Example", Name: "Deleted", ScopeInPayload: true, Repeatable: true, Payload: json.RawMessage(`{"ids": [1]}`)},
			`{"event": {` + headerJSON("Alexa.Example", "Deleted", "") + `, "payload": {` + scopeJSON + `, "ids": [1]}}}`,
			kind{Repeatable: true},
		},
		{
			"raw event with the scope alone in the payload",
			&gateway.RawEvent{Namespace: "Alexa.Example", Name: "Deleted", ScopeInPayload: true, EndpointID: "lamp-1", CorrelationToken: "correlation=="},
			`{"event": {` + headerJSON("Alexa.Example", "Deleted", correlatedJSON) + `, "endpoint": {"endpointId": "lamp-1"}, "payload": {` + scopeJSON + `}}}`,
			kind{Correlated: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := sent(t, test.event)
			require.JSONEq(t, test.json, body)
			requireSchema(t, body)

			m, err := gateway.MessageOf(test.event)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(test.kind, kind{m.Correlated(), m.Repeatable(), m.SendOnly()}))
		})
	}
}

func TestCauses(t *testing.T) {
	for _, cause := range []gateway.Cause{
		gateway.AppInteraction, gateway.PhysicalInteraction, gateway.PeriodicPoll, gateway.RuleTrigger,
		gateway.VoiceInteraction, gateway.InvalidCredentials, gateway.SubscriptionExpired,
	} {
		require.Regexp(t, `^[A-Z]+_[A-Z]+$`, string(cause))
		require.Contains(t, sent(t, &gateway.DoorbellPress{EndpointID: "door-1", Cause: cause, Timestamp: at}), `"type":"`+string(cause)+`"`)
	}
}

func TestEncodeResponse(t *testing.T) {
	for _, test := range []struct {
		name  string
		event gateway.Event
		json  string
	}{
		{
			"endpoint", &gateway.Response{EndpointID: "lamp-1", CorrelationToken: "correlation==", Context: []gateway.Property{lampOn()}},
			`{"event": {` + headerJSON("Alexa", "Response", correlatedJSON) + `, "endpoint": {"endpointId": "lamp-1"}, "payload": {}}, "context": {"properties": [` + lampOnJSON + `]}}`,
		},
		{
			"no endpoint", &gateway.Response{Namespace: "Alexa.Discovery", Name: "Discover.Response", Payload: struct {
				Endpoints []string `json:"endpoints"`
			}{[]string{}}},
			`{"event": {` + headerJSON("Alexa.Discovery", "Discover.Response", "") + `, "payload": {"endpoints": []}}}`,
		},
		{
			"deferred", &gateway.DeferredResponse{CorrelationToken: "correlation==", EstimatedDeferral: 19*time.Second + 1},
			`{"event": {` + headerJSON("Alexa", "DeferredResponse", correlatedJSON) + `, "payload": {"estimatedDeferralInSeconds": 20}}}`,
		},
		{
			"deferred without estimate", &gateway.DeferredResponse{CorrelationToken: "correlation=="},
			`{"event": {` + headerJSON("Alexa", "DeferredResponse", correlatedJSON) + `, "payload": {}}}`,
		},
		{
			"raw", &gateway.RawEvent{Namespace: "Alexa.Example", Name: "Answer", CorrelationToken: "correlation=="},
			`{"event": {` + headerJSON("Alexa.Example", "Answer", correlatedJSON) + `, "payload": {}}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, err := gateway.EncodeResponse(test.event)
			require.NoError(t, err)
			second, err := gateway.EncodeResponse(test.event)
			require.NoError(t, err)
			require.NotEqual(t, string(first), string(second), "the message ID is new")
			require.JSONEq(t, test.json, withKnownID(t, first))
			require.JSONEq(t, test.json, withKnownID(t, second))
		})
	}
}

func TestEncodeResponseRefuses(t *testing.T) {
	for name, event := range map[string]gateway.Event{
		"ChangeReport":      &gateway.ChangeReport{EndpointID: "lamp-1", Cause: gateway.PeriodicPoll, Properties: []gateway.Property{lampOn()}},
		"AddOrUpdateReport": &gateway.AddOrUpdateReport{Endpoints: []any{endpoint("lamp-1")}},
		"DeleteReport":      &gateway.DeleteReport{EndpointIDs: []string{"lamp-1"}},
		"DoorbellPress":     &gateway.DoorbellPress{EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction, Timestamp: at},
		"SimpleEvent":       &gateway.SimpleEvent{EndpointID: "lamp-1", Instance: "Button", ID: "Press", Timestamp: at},
		"WakeUp":            &gateway.WakeUp{EndpointID: "lamp-1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway.EncodeResponse(event)
			requireInvalid(t, err, name, "can only be sent")
		})
	}
	_, err := gateway.EncodeResponse(&gateway.ErrorResponse{})
	requireInvalid(t, err, "ErrorResponse.Type", "is required")
}

// A response repeats the endpoint and version of its directive. A program may change
// them.
func TestResponsesRepeatTheDirective(t *testing.T) {
	const id = "lamp/1 \"ü\""
	directive := parse(t, `{"directive": {
		"header": {"namespace": "Alexa.Example", "name": "Do", "payloadVersion": "1.0", "messageId": "m", "correlationToken": "c"},
		"endpoint": {"endpointId": "lamp/1 \"ü\"", "scope": {"type": "BearerToken", "token": "t"}}, "payload": {}}}`)
	version := func(body string) (string, string) {
		var m struct {
			Event struct {
				Header   struct{ PayloadVersion string }
				Endpoint struct{ EndpointID string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(body), &m))
		return m.Event.Header.PayloadVersion, m.Event.Endpoint.EndpointID
	}
	response, refusal := directive.Response(), directive.ErrorResponse(gateway.EndpointBusy, "")
	for event, want := range map[gateway.Event]string{
		response: "1.0", refusal: "1.0", directive.StateReport(): "3",
		&gateway.Response{EndpointID: id, CorrelationToken: "c", PayloadVersion: "2"}: "2",
		&gateway.Response{EndpointID: id, CorrelationToken: "c"}:                      "3",
		&gateway.WakeUp{EndpointID: id, CorrelationToken: "c"}:                        "3",
		&gateway.RawEvent{Namespace: "N", Name: "M", EndpointID: id}:                  "3",
	} {
		gotVersion, gotID := version(sent(t, event))
		require.Equal(t, want, gotVersion, "%T", event)
		require.Equal(t, id, gotID, "%T", event)
	}
	response.PayloadVersion, refusal.PayloadVersion = "3.1", ""
	got, _ := version(sent(t, response))
	require.Equal(t, "3.1", got)
	got, _ = version(sent(t, refusal))
	require.Equal(t, "3", got)

	_, spaced := version(sent(t, &gateway.WakeUp{EndpointID: "a lamp_-=#;:?@&"}))
	require.Equal(t, "a lamp_-=#;:?@&", spaced)
	_, err := gateway.MessageOf(&gateway.WakeUp{EndpointID: id})
	requireInvalid(t, err, "WakeUp.EndpointID", "spaces")
}
