package gateway_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/stretchr/testify/require"
)

// The patterns of Amazon's message schema, and the space, which the newer page on
// discovery objects allows in endpoint IDs.
var (
	messageIDs    = regexp.MustCompile(`^[a-zA-Z0-9\-]{1,127}$`)
	endpointIDs   = regexp.MustCompile(`^[a-zA-Z0-9_\-=#;:?@& ]{1,256}$`)
	sampleTimes   = regexp.MustCompile(`^[1-9]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?Z$`)
	wholeSeconds  = regexp.MustCompile(`^[1-9]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ$`)
	withInstances = []string{"Alexa.ModeController", "Alexa.RangeController", "Alexa.ToggleController"}
)

type object = map[string]any

// requireSchema requires that the JSON of an event fits the rules of Amazon's message
// schema for all events.
func requireSchema(t require.TestingT, body string) {
	var root object
	require.NoError(t, json.Unmarshal([]byte(body), &root))
	requireMembers(t, root, []string{"event"}, []string{"context"})
	event := root["event"].(object)
	requireMembers(t, event, []string{"header", "payload"}, []string{"endpoint"})

	header := event["header"].(object)
	requireMembers(t, header, []string{"namespace", "name", "payloadVersion", "messageId"}, []string{"correlationToken", "instance"})
	for name, text := range header {
		require.NotEmpty(t, text, name)
	}
	require.Regexp(t, messageIDs, header["messageId"])

	payload := event["payload"].(object)
	scopes := 0
	requireScope := func(parent object) {
		if scope, ok := parent["scope"]; ok {
			scopes++
			require.Equal(t, object{"type": "BearerToken", "token": token}, scope)
		}
	}
	requireScope(payload)
	if endpoint, ok := event["endpoint"].(object); ok {
		requireMembers(t, endpoint, []string{"endpointId"}, []string{"scope"})
		require.Regexp(t, endpointIDs, endpoint["endpointId"])
		requireScope(endpoint)
	}
	require.Equal(t, 1, scopes, "one token")
	if timestamp, ok := payload["timestamp"]; ok {
		require.Regexp(t, wholeSeconds, timestamp)
	}

	seen := make(map[[3]any]bool)
	if change, ok := payload["change"].(object); ok {
		requireMembers(t, change, []string{"cause", "properties"}, nil)
		require.NotEmpty(t, change["cause"].(object)["type"])
		require.NotEmpty(t, change["properties"])
		requireProperties(t, change["properties"].([]any), seen)
	}
	if context, ok := root["context"].(object); ok {
		requireMembers(t, context, []string{"properties"}, nil)
		requireProperties(t, context["properties"].([]any), seen)
	}
}

func requireProperties(t require.TestingT, properties []any, seen map[[3]any]bool) {
	for _, element := range properties {
		p := element.(object)
		requireMembers(t, p, []string{"namespace", "name", "value", "timeOfSample", "uncertaintyInMilliseconds"}, []string{"instance", "unit"})
		require.NotEmpty(t, p["namespace"])
		require.NotEmpty(t, p["name"])
		require.NotNil(t, p["value"])
		require.Regexp(t, sampleTimes, p["timeOfSample"])
		require.GreaterOrEqual(t, p["uncertaintyInMilliseconds"], 0.0)
		if slices.Contains(withInstances, p["namespace"].(string)) {
			require.NotEmpty(t, p["instance"])
		}
		key := [3]any{p["namespace"], p["instance"], p["name"]}
		require.False(t, seen[key], "reported twice: %v", key)
		seen[key] = true
	}
}

// requireMembers requires that an object has the required members, and no members but
// these and the optional ones.
func requireMembers(t require.TestingT, o object, required, optional []string) {
	for _, name := range required {
		require.Contains(t, o, name)
	}
	for name := range maps.Keys(o) {
		require.True(t, slices.Contains(required, name) || slices.Contains(optional, name), "member %s", name)
	}
}
