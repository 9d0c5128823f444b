package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

const (
	messageID = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"
	token     = "Atza|token-canary"
	scopeJSON = `"scope": {"type": "BearerToken", "token": "Atza|token-canary"}`
)

// turnOn is a directive of typical size.
const turnOn = `{"directive": {
	"header": {
		"namespace": "Alexa.PowerController", "name": "TurnOn", "payloadVersion": "3",
		"messageId": "6a7b8c9d-0e1f-4a2b-8c3d-4e5f60718293", "correlationToken": "correlation-canary=="},
	"endpoint": {
		"endpointId": "lamp-1", "cookie": {"room": "kitchen"},
		"scope": {"type": "BearerToken", "token": "scope-canary"}},
	"payload": {}}}`

// at is a time with a zone and more digits than Amazon accepts.
var at = time.Date(2026, 11, 22, 9, 30, 15, 123_987_654, time.FixedZone("CET", 3600))

// atJSON is the JSON of at as timeOfSample.
const (
	atJSON        = `"timeOfSample": "2026-11-22T08:30:15.123Z", "uncertaintyInMilliseconds": 0`
	lampOnJSON    = `{"namespace": "Alexa.PowerController", "name": "powerState", "value": "ON", ` + atJSON + `}`
	reachableJSON = `{"namespace": "Alexa.EndpointHealth", "name": "connectivity", "value": {"value": "OK"}, ` + atJSON + `}`
)

func lampOn() gateway.Property    { return gateway.PowerState(gateway.On, at) }
func reachable() gateway.Property { return gateway.Connectivity(gateway.Reachable, at) }

// sent returns the JSON that a Sender sends for an event.
func sent(t require.TestingT, event gateway.Event) string {
	m, err := gateway.MessageOf(event)
	require.NoError(t, err)
	body, err := m.Encode(messageID, token)
	require.NoError(t, err)
	require.True(t, json.Valid(body), "not JSON: %s", body)
	return string(body)
}

// withKnownID returns a response with messageID in place of its own message ID.
func withKnownID(t *testing.T, response json.RawMessage) string {
	t.Helper()
	var m struct {
		Event struct{ Header struct{ MessageID string } }
	}
	require.NoError(t, json.Unmarshal(response, &m))
	id, err := uuid.Parse(m.Event.Header.MessageID)
	require.NoError(t, err)
	require.Equal(t, uuid.Version(4), id.Version())
	return strings.Replace(string(response), id.String(), messageID, 1)
}

// requireInvalid requires that an error names a field and a rule.
func requireInvalid(t *testing.T, err error, field, rule string) {
	t.Helper()
	var invalid *gateway.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.ErrorIs(t, err, gateway.ErrInvalidEvent)
	require.Equal(t, field, invalid.Field)
	require.Contains(t, invalid.Rule, rule)
	require.Equal(t, "gateway: invalid event: "+field+": "+invalid.Rule, err.Error())
}

func headerJSON(namespace, name, more string) string {
	return `"header": {"namespace": "` + namespace + `", "name": "` + name + `", "payloadVersion": "3", "messageId": "` + messageID + `"` + more + `}`
}

const (
	lampJSON       = `"endpoint": {"endpointId": "lamp-1", ` + scopeJSON + `}`
	correlatedJSON = `, "correlationToken": "correlation=="`
)

func parse(t require.TestingT, data string) *gateway.Directive {
	directive, err := gateway.ParseDirective([]byte(data))
	require.NoError(t, err)
	return directive
}

// endpoint returns an endpoint of a discovery response.
func endpoint(id string) map[string]any {
	return map[string]any{
		"endpointId": id, "manufacturerName": "Example", "friendlyName": "Lamp", "description": "A lamp",
		"displayCategories": []string{"LIGHT"}, "capabilities": []any{struct{}{}},
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
