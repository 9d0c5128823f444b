package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

const (
	acceptGrant = `{"directive": {
		"header": {"namespace": "Alexa.Authorization", "name": "AcceptGrant", "messageId": "m-1", "payloadVersion": "3"},
		"payload": {
			"grant": {"type": "OAuth2.AuthorizationCode", "code": "code-canary"},
			"grantee": {"type": "BearerToken", "token": "grantee-canary"}}}}`

	discover = `{"directive": {
		"header": {"namespace": "Alexa.Discovery", "name": "Discover", "messageId": "m-2", "payloadVersion": "3"},
		"payload": {"scope": {"type": "BearerToken", "token": "scope-canary"}}}}`

	reportState = `{"directive": {
		"header": {"namespace": "Alexa", "name": "ReportState", "messageId": "m-3", "payloadVersion": "3", "correlationToken": "correlation-canary=="},
		"endpoint": {"endpointId": "lamp-1", "scope": {"type": "BearerToken", "token": "scope-canary"}},
		"payload": {}}}`
)

// A cookie of up to 16 KiB is decoded. A larger one is in Raw.
func TestParseDirectiveLongCookie(t *testing.T) {
	for size, decoded := range map[int]bool{16 << 10: true, 16<<10 + 1: false} {
		cookie := `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
		directive := parse(t, strings.Replace(turnOn, `{"room": "kitchen"}`, cookie, 1))
		require.Equal(t, decoded, len(directive.Cookie) == 1, size)
		require.Equal(t, "lamp-1", directive.EndpointID)
	}
}

func TestParseDirective(t *testing.T) {
	for _, test := range []struct {
		name, data, directiveType, payload string
		want                               gateway.Directive
	}{
		{"of an endpoint", turnOn, "Alexa.PowerController.TurnOn", `{}`, gateway.Directive{
			Namespace: "Alexa.PowerController", Name: "TurnOn", PayloadVersion: "3", MessageID: "6a7b8c9d-0e1f-4a2b-8c3d-4e5f60718293",
			CorrelationToken: "correlation-canary==", EndpointID: "lamp-1", Cookie: map[string]string{"room": "kitchen"}, AccessToken: "scope-canary", ScopeType: "BearerToken",
		}},
		{"state", reportState, gateway.ReportState, `{}`, gateway.Directive{
			Namespace: "Alexa", Name: "ReportState", PayloadVersion: "3", MessageID: "m-3",
			CorrelationToken: "correlation-canary==", EndpointID: "lamp-1", AccessToken: "scope-canary", ScopeType: "BearerToken",
		}},
		{"discovery", discover, gateway.Discover, `{"scope": {"type": "BearerToken", "token": "scope-canary"}}`, gateway.Directive{
			Namespace: "Alexa.Discovery", Name: "Discover", PayloadVersion: "3", MessageID: "m-2", AccessToken: "scope-canary", ScopeType: "BearerToken",
		}},
		{
			"grant", acceptGrant, gateway.AcceptGrant, `{"grant": {"type": "OAuth2.AuthorizationCode", "code": "code-canary"}, "grantee": {"type": "BearerToken", "token": "grantee-canary"}}`,
			gateway.Directive{Namespace: "Alexa.Authorization", Name: "AcceptGrant", PayloadVersion: "3", MessageID: "m-1"},
		},
		{
			"new members",
			`{"new": 1, "directive": {"new": 1, "header": {"namespace": "N", "name": "M", "instance": "Fan.Speed", "new": 1},
				"endpoint": {"endpointId": "fan", "cookie": {"new": 1}, "scope": {"type": "BearerTokenWithPartition", "token": "scope-canary", "partition": "room"}},
				"payload": {"scope": [1]}}}`,
			"N.M", `{"scope": [1]}`,
			gateway.Directive{Namespace: "N", Name: "M", Instance: "Fan.Speed", EndpointID: "fan", AccessToken: "scope-canary", ScopeType: "BearerTokenWithPartition", Partition: "room"},
		},
		{
			"members of another type",
			`{"directive": {"header": {"namespace": "N", "name": "M", "messageId": 7, "payloadVersion": 3, "x": 1, "x": 2},
				"endpoint": {"endpointId": "fan", "cookie": [1]}, "x": 1, "x": 2}, "x": 1, "x": 2}`,
			"N.M", ``,
			gateway.Directive{Namespace: "N", Name: "M", EndpointID: "fan"},
		},
		{
			"nulls", `{"directive": {"header": {"namespace": "N", "name": "M", "correlationToken": null}, "endpoint": null, "payload": [1]}}`,
			"N.M", `[1]`,
			gateway.Directive{Namespace: "N", Name: "M"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := []byte(test.data)
			got, err := gateway.ParseDirective(data)
			require.NoError(t, err)
			clear(data)
			require.Empty(t, cmp.Diff(&test.want, got, cmpopts.IgnoreUnexported(gateway.Directive{})))
			require.Equal(t, test.directiveType, got.Type())
			if test.payload == "" {
				require.Nil(t, got.Payload())
			} else {
				require.JSONEq(t, test.payload, string(got.Payload()))
			}
			require.Equal(t, test.data, string(got.Raw()))
		})
	}
}

func TestParseDirectiveRefuses(t *testing.T) {
	for _, test := range []struct{ data, message string }{
		{``, "not a JSON object"},
		{`null`, "not a JSON object"},
		{`"canary"`, "not a JSON object"},
		{"{\"canary\": \"\xff\"}", "invalid UTF-8"},
		{`{"directive": {"header": {"namespace": "canary"`, "no comma or brace"},
		{turnOn + turnOn, "something follows"},
		{`{}`, "namespace or name is missing"},
		{`{"Directive": {"header": {"namespace": "Canary", "name": "Canary"}}}`, "namespace or name is missing"},
		{`{"request": {"type": "AlexaSkillEvent.SkillEnabled"}}`, "namespace or name is missing"},
		{`{"directive": {"header": {"namespace": "Alexa.Canary"}}}`, "namespace or name is missing"},
		{`{"directive": {"header": {"name": "Canary"}}}`, "namespace or name is missing"},
		{`{"directive": "canary"}`, "directive: not a JSON object"},
		{`{"directive": {"header": {"namespace": "N", "namespace": "Canary", "name": "M"}}}`, "member occurs twice at byte 44"},
		{`{"directive": {"header": {"namespace": "N", "name": "M", "correlationToken": 4711}}}`, "directive: header: correlationToken: not a JSON string"},
		{`{"directive": {"header": {"namespace": "N", "name": "M"}, "payload": ` + strings.Repeat(`[`, 63) + strings.Repeat(`]`, 63) + `}}`, "more than 64 levels"},
		{`{"directive": {"header": {"namespace": "N", "name": "M"}, "endpoint": {"scope": ["canary"]}}}`, "directive: endpoint: scope: not a JSON object"},
		{`{"directive": {"header": {"namespace": "N", "name": "M"}, "endpoint": {"scope": {"token": 4711}}}}`, "directive: endpoint: scope: token: not a JSON string"},
		{`{"directive": {"header": {"namespace": "Alexa.Discovery", "name": "Discover"}, "payload": {"scope": ["canary"]}}}`, "payload: scope: not a JSON object"},
	} {
		t.Run(test.data, func(t *testing.T) {
			directive, err := gateway.ParseDirective([]byte(test.data))
			require.Nil(t, directive)
			require.ErrorIs(t, err, gateway.ErrMalformedDirective)
			require.ErrorContains(t, err, test.message)
			require.NotContains(t, err.Error(), "canary")
			require.NotContains(t, err.Error(), "4711")
		})
	}
}

func TestDirectiveResponses(t *testing.T) {
	directive := parse(t, turnOn)
	const correlation = `, "correlationToken": "correlation-canary=="`
	for name, test := range map[string]struct {
		event gateway.Event
		json  string
	}{
		"Response": {directive.Response(lampOn()), headerJSON("Alexa", "Response", correlation) + `, ` + lampJSON + `, "payload": {}}, "context": {"properties": [` + lampOnJSON + `]}`},
		"StateReport": {
			parse(t, reportState).StateReport(lampOn(), reachable()),
			headerJSON("Alexa", "StateReport", correlation) + `, ` + lampJSON + `, "payload": {}}, "context": {"properties": [` + lampOnJSON + `, ` + reachableJSON + `]}`,
		},
		"ErrorResponse": {
			directive.ErrorResponse(gateway.BridgeUnreachable, "the hub is offline"),
			headerJSON("Alexa", "ErrorResponse", correlation) + `, ` + lampJSON + `, "payload": {"type": "BRIDGE_UNREACHABLE", "message": "the hub is offline"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.JSONEq(t, `{"event": {`+test.json+`}`, sent(t, test.event))
		})
	}

	response, err := gateway.EncodeResponse(directive.DeferredResponse(20 * time.Second))
	require.NoError(t, err)
	require.JSONEq(t, `{"event": {`+headerJSON("Alexa", "DeferredResponse", correlation)+`, "payload": {"estimatedDeferralInSeconds": 20}}}`, withKnownID(t, response))
}

func TestErrorTypes(t *testing.T) {
	for _, errorType := range []gateway.ErrorType{
		gateway.BridgeUnreachable, gateway.EndpointBusy, gateway.EndpointUnreachable, gateway.InternalError,
		gateway.InvalidDirective, gateway.InvalidValue, gateway.NoSuchEndpoint, gateway.ValueOutOfRange,
	} {
		require.Regexp(t, `^[A-Z]+(_[A-Z]+)+$`, string(errorType))
		require.Contains(t, sent(t, parse(t, turnOn).ErrorResponse(errorType, "")), `"type":"`+string(errorType)+`"`)
	}
}

func TestDirectivePrintsNoTokens(t *testing.T) {
	directive := parse(t, `{"directive": {
		"header": {"namespace": "Alexa", "name": "ReportState", "messageId": "m-1", "correlationToken": "canary-1"},
		"endpoint": {"endpointId": "lamp-1", "cookie": {"a": "canary-2"}, "scope": {"token": "canary-3"}},
		"payload": {"a": "canary-4"}}}`)
	const summary = `{"type":"Alexa.ReportState","messageId":"m-1","endpointId":"lamp-1"}`
	for _, value := range []any{directive, *directive} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.Equal(t, summary, fmt.Sprintf(verb, value), verb)
		}
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, summary, string(encoded))

		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		logger.Info("directive", "d", value)
		require.Contains(t, log.String(), "d.type=Alexa.ReportState d.messageId=m-1 d.endpointId=lamp-1")
		require.NotContains(t, log.String(), "canary")
	}
}
