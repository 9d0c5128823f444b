package alexatest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

const gatewayURL = "https://api.eu.amazonalexa.com/v3/events"

// exception is an error response of the event gateway.
type exception struct {
	Status  int `json:"-"`
	Header  struct{ Namespace, Name, MessageID string }
	Payload struct{ Code, Description string }
}

func send(t *testing.T, cloud *alexatest.Cloud, url, token, body string) (got exception) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := cloud.Client().Do(r)
	require.NoError(t, err)
	if response.StatusCode != http.StatusAccepted {
		require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
		require.Equal(t, "System", got.Header.Namespace)
		require.Equal(t, "Exception", got.Header.Name)
		require.NotEmpty(t, got.Header.MessageID)
	}
	got.Status = response.StatusCode
	return got
}

// The parts of events; TOKEN stands for the access token.
const (
	scope     = `"scope": {"type": "BearerToken", "token": "TOKEN"}`
	endpoint  = `"endpoint": {` + scope + `, "endpointId": "lamp-1"}`
	powerOn   = `{"namespace": "Alexa.PowerController", "name": "powerState", "value": "ON", "timeOfSample": "2026-03-01T12:00:00.5Z", "uncertaintyInMilliseconds": 0}`
	reachable = `{"namespace": "Alexa.EndpointHealth", "name": "connectivity", "value": {"value": "OK"}, "timeOfSample": "2026-03-01T12:00:00Z", "uncertaintyInMilliseconds": 500}`
	change    = `"payload": {"change": {"cause": {"type": "PHYSICAL_INTERACTION"}, "properties": [` + powerOn + `]}}`
	happened  = `{"cause": {"type": "PHYSICAL_INTERACTION"}, "timestamp": "2026-03-01T12:00:00Z"}`
)

func eventJSON(namespace, name, rest string) string {
	return `{"event": {"header": {"namespace": "` + namespace + `", "name": "` + name + `", "payloadVersion": "3", "messageId": "m-1"}, ` + rest + `}`
}

// report is a change report with a context.
const report = `{"event": {"header": {"namespace": "Alexa", "name": "ChangeReport", "payloadVersion": "3", "messageId": "m-1"}, ` +
	endpoint + `, ` + change + `}, "context": {"properties": [` + reachable + `]}}`

func TestGateways(t *testing.T) {
	cloud := alexatest.NewCloud()
	var want []alexatest.Sent
	for i, region := range []alexaevents.Region{alexaevents.FarEast, alexaevents.NorthAmerica, alexaevents.Europe} {
		customer := fmt.Sprint("customer-", i)
		token := granted(t, cloud, region, customer).AccessToken
		body := strings.ReplaceAll(report, "TOKEN", token)
		require.Equal(t, http.StatusAccepted, send(t, cloud, region.APIEndpoint()+"/v3/events", token, body).Status)
		want = append(want, alexatest.Sent{Region: region, Customer: customer, Body: json.RawMessage(body)})
	}
	require.Empty(t, cmp.Diff(want, cloud.Sent()))
	require.Equal(t, 3, cloud.Calls(loginURL))
	require.Equal(t, 1, cloud.Calls(gatewayURL))
	require.Equal(t, 6, cloud.Calls(""))
	require.Zero(t, cloud.Calls("https://api.eu.amazonalexa.com/v3/event/"))

	response, err := cloud.Client().Get(gatewayURL)
	require.NoError(t, err)
	require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	response, err = cloud.Client().Post("https://api.eu.amazonalexa.com/v3/event", "application/json", nil) // a typo that was seen
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestGatewayRefusesTokens(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := granted(t, cloud, alexaevents.Europe, "customer").AccessToken
	developer := cloud.AccessToken("alexa::ask:subscriptions")
	disabled := granted(t, cloud, alexaevents.Europe, "disabled").AccessToken
	cloud.DisableSkill("disabled")
	for _, test := range []struct {
		name, url, token, scopeToken string
		status                       int
		code                         string
	}{
		{"none", gatewayURL, "", token, 400, "INVALID_REQUEST_EXCEPTION"},
		{"another in the scope", gatewayURL, token, developer, 400, "INVALID_REQUEST_EXCEPTION"},
		{"unknown", gatewayURL, "another", "another", 401, "INVALID_ACCESS_TOKEN_EXCEPTION"},
		{"of a developer", gatewayURL, developer, developer, 403, "INSUFFICIENT_PERMISSION_EXCEPTION"},
		{"of a customer who disabled the skill", gatewayURL, disabled, disabled, 403, "SKILL_DISABLED_EXCEPTION"},
		{"of another region", "https://api.amazonalexa.com/v3/events", token, token, 403, "SKILL_DISABLED_EXCEPTION"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, cloud, test.url, test.token, strings.ReplaceAll(report, "TOKEN", test.scopeToken))
			require.Equal(t, test.status, got.Status)
			require.Equal(t, test.code, got.Payload.Code)
		})
	}
	require.Equal(t, http.StatusAccepted, send(t, cloud, gatewayURL, token, strings.ReplaceAll(report, "TOKEN", token)).Status)
	cloud.ExpireTokens()
	require.Equal(t, http.StatusUnauthorized, send(t, cloud, gatewayURL, token, strings.ReplaceAll(report, "TOKEN", token)).Status)
	require.Len(t, cloud.Sent(), 1)
}

func endpoints(n int) string {
	return strings.TrimSuffix(strings.Repeat(`{"endpointId": "lamp"},`, n), ",")
}

func TestGatewayReadsEvents(t *testing.T) {
	const doorbell, scene, discovery, simple = "Alexa.DoorbellEventSource", "Alexa.SceneController", "Alexa.Discovery", "Alexa.SimpleEventSource"
	replaced := func(old, replacement string) string {
		body := strings.Replace(report, old, replacement, 1)
		require.NotEqual(t, report, body)
		return body
	}
	press := eventJSON(simple, "Event", endpoint+`, "payload": {"id": "press", "timestamp": "2026-03-01T12:00:00Z"}}`)
	press = strings.Replace(press, `"payloadVersion": "3"`, `"payloadVersion": "1.0", "instance": "Button"`, 1)
	for _, test := range []struct {
		name, body string
		wrong      string // in the response; empty is accepted
	}{
		{"change report", report, ""},
		{"no context", eventJSON("Alexa", "ChangeReport", endpoint+`, `+change+`}`), ""},
		{"empty context", replaced(`{"properties": [`+reachable+`]}`, `{}`), ""},
		{"cookie", replaced(`"lamp-1"`, `"lamp-1", "cookie": {"a": "b"}`), ""},
		{"correlated", replaced(`"m-1"`, `"m-1", "correlationToken": "c"`), ""},
		{"space in the endpoint ID", replaced(`"lamp-1"`, `"lamp 1"`), ""},
		{"endpoint ID of a directive", strings.Replace(replaced(`"m-1"`, `"m-1", "correlationToken": "c"`), `"lamp-1"`, `"lamp/ü"`, 1), ""},
		{"endpoint ID of another event", strings.Replace(eventJSON("Alexa.New", "Thing", endpoint+`, "payload": {}}`), `"lamp-1"`, `"lamp/ü"`, 1), ""},
		{"long names", eventJSON(discovery, "AddOrUpdateReport", `"payload": {`+scope+`, "endpoints": [{"endpointId": "lamp", "friendlyName": "`+strings.Repeat("ü", 256)+`", "capabilities": [`+endpoints(100)+`]}]}}`), ""},
		{"unit", replaced(`"value": "ON"`, `"value": 1, "unit": "LITER"`), ""},
		{"doorbell", eventJSON(doorbell, "DoorbellPress", endpoint+`, "payload": `+happened+`}`), ""},
		{"scene", eventJSON(scene, "ActivationStarted", endpoint+`, "payload": `+happened+`}`), ""},
		{"button", press, ""},
		{"deletion", eventJSON(discovery, "DeleteReport", `"payload": {`+scope+`, "endpoints": [`+endpoints(300)+`]}}`), ""},
		{"any other", eventJSON("Alexa.New", "Thing", `"payload": {`+scope+`, "new": [1]}}`), ""},

		{"no JSON", `<html>`, "message: not a JSON object"},
		{"two documents", report + report, "message: not a JSON object"},
		{"unknown member", replaced(`{"event"`, `{"version": "1.0", "event"`), "message: the member version is unknown"},
		{"member of another case", replaced(`"endpointId"`, `"endpointID"`), "endpoint: the member endpointId is missing"},
		{"no name", eventJSON("Alexa", "", endpoint+`, `+change+`}`), "header.name: not a string"},
		{"no payload", eventJSON("Alexa", "New", endpoint+`}`), "event: the member payload is missing"},
		{"null payload", eventJSON("Alexa", "New", endpoint+`, "payload": null}`), "payload: not a JSON object"},
		{"message ID", replaced(`"m-1"`, `"m_1"`), "header.messageId: not a string of the form"},
		{"no message ID", replaced(`"m-1"`, `""`), "header.messageId"},
		{"correlation token", replaced(`"m-1"`, `"m-1", "correlationToken": ""`), "header.correlationToken"},
		{"no endpoint", eventJSON("Alexa", "ChangeReport", change+`}`), "payload.scope: not a JSON object"},
		{"endpoint ID", replaced(`"lamp-1"`, `"lamp/1"`), "endpoint.endpointId: not a string of the form"},
		{"long endpoint ID", replaced(`"lamp-1"`, `"`+strings.Repeat("x", 257)+`"`), "endpoint.endpointId"},
		{"scope type", replaced(`BearerToken`, `Bearer`), "endpoint.scope.type: not BearerToken"},
		{"empty token", replaced(`"TOKEN"`, `""`), "endpoint.scope.token"},
		{"no cause", replaced(`"cause": {"type": "PHYSICAL_INTERACTION"}, `, ``), "payload.change: the member cause is missing"},
		{"empty cause", replaced(`"PHYSICAL_INTERACTION"`, `""`), "payload.change.cause.type"},
		{"nothing changed", replaced(powerOn, ``), "payload.change.properties: empty"},
		{"properties of another type", replaced(`[`+powerOn+`]`, `{}`), "payload.change.properties: not a JSON array"},
		{"changed and unchanged", replaced(reachable, powerOn), "context.properties[0]: reported twice"},
		{"twice unchanged", replaced(reachable, reachable+`,`+reachable), "context.properties[1]: reported twice"},
		{"property without namespace", replaced(`"namespace": "Alexa.PowerController", `, ``), "payload.change.properties[0]: the member namespace is missing"},
		{"null value", replaced(`"value": "ON"`, `"value": null`), "payload.change.properties[0].value: null"},
		{"nanoseconds", replaced(`00.5Z`, `00.5000Z`), "payload.change.properties[0].timeOfSample"},
		{"local time", replaced(`00.5Z`, `00+01:00`), "payload.change.properties[0].timeOfSample"},
		{"negative uncertainty", replaced(`"uncertaintyInMilliseconds": 0`, `"uncertaintyInMilliseconds": -1`), "payload.change.properties[0].uncertaintyInMilliseconds"},
		{"no instance", replaced(`Alexa.PowerController`, `Alexa.ModeController`), "payload.change.properties[0].instance: missing"},
		{"property with more", replaced(`"value": "ON"`, `"value": "ON", "extra": 1`), "payload.change.properties[0]: the member extra is unknown"},
		{"deferred", eventJSON("Alexa", "DeferredResponse", endpoint+`, "payload": {}}`), "not sent to the gateway"},
		{"doorbell with fraction", eventJSON(doorbell, "DoorbellPress", endpoint+`, "payload": `+strings.Replace(happened, "00Z", "00.5Z", 1)+`}`), "payload.timestamp"},
		{"doorbell without cause", eventJSON(doorbell, "DoorbellPress", endpoint+`, "payload": {"timestamp": "2026-03-01T12:00:00Z"}}`), "payload.cause: not a JSON object"},
		{"button of version 3", strings.Replace(press, "1.0", "3", 1), "has an instance and version 1.0"},
		{"button without instance", strings.Replace(press, `, "instance": "Button"`, ``, 1), "has an instance and version 1.0"},
		{"discovery with endpoint", eventJSON(discovery, "DeleteReport", endpoint+`, "payload": {"endpoints": [`+endpoints(1)+`]}}`), "no endpoint and no context"},
		{"empty discovery", eventJSON(discovery, "AddOrUpdateReport", `"payload": {`+scope+`, "endpoints": []}}`), "payload.endpoints: empty"},
		{"too long a name", eventJSON(discovery, "AddOrUpdateReport", `"payload": {`+scope+`, "endpoints": [{"endpointId": "lamp", "friendlyName": "`+strings.Repeat("ü", 257)+`"}]}}`), "payload.endpoints[0].friendlyName"},
		{"too many capabilities", eventJSON(discovery, "AddOrUpdateReport", `"payload": {`+scope+`, "endpoints": [{"endpointId": "lamp", "capabilities": [`+endpoints(101)+`]}]}}`), "payload.endpoints[0].capabilities: more than 100"},
		{"discovery without ID", eventJSON(discovery, "AddOrUpdateReport", `"payload": {`+scope+`, "endpoints": [{}]}}`), "payload.endpoints[0].endpointId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			token := granted(t, cloud, alexaevents.Europe, "customer").AccessToken
			got := send(t, cloud, gatewayURL, token, strings.ReplaceAll(test.body, "TOKEN", token))
			if test.wrong == "" {
				require.Equal(t, http.StatusAccepted, got.Status, got.Payload.Description)
				require.Len(t, cloud.Sent(), 1)
				return
			}
			require.Equal(t, http.StatusBadRequest, got.Status)
			require.Equal(t, "INVALID_REQUEST_EXCEPTION", got.Payload.Code)
			require.Contains(t, got.Payload.Description, test.wrong)
			require.NotContains(t, got.Payload.Description, token)
			require.Empty(t, cloud.Sent())
		})
	}
}

func TestGatewayRefusesWhatIsTooLarge(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := granted(t, cloud, alexaevents.Europe, "customer").AccessToken
	large := func(n int) string {
		format := strings.ReplaceAll(eventJSON("Alexa.New", "Thing", `"payload": {`+scope+`, "new": "%s"}}`), "TOKEN", token)
		return fmt.Sprintf(format, strings.Repeat("x", n-len(format)+len("%s")))
	}
	for name, body := range map[string]string{
		"endpoints": strings.ReplaceAll(eventJSON("Alexa.Discovery", "DeleteReport", `"payload": {`+scope+`, "endpoints": [`+endpoints(301)+`]}}`), "TOKEN", token),
		"bytes":     large(256_001),
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, cloud, gatewayURL, token, body)
			require.Equal(t, http.StatusRequestEntityTooLarge, got.Status)
			require.Equal(t, "REQUEST_ENTITY_TOO_LARGE_EXCEPTION", got.Payload.Code)
		})
	}
	require.Equal(t, http.StatusAccepted, send(t, cloud, gatewayURL, token, large(256_000)).Status)
}

func TestDirectives(t *testing.T) {
	type object = map[string]any
	header := func(namespace, name string) object {
		return object{"namespace": namespace, "name": name, "payloadVersion": "3"}
	}
	bearer := object{"type": "BearerToken", "token": "token-1"}
	for _, test := range []struct {
		name       string
		directive  func() []byte
		want       object
		correlated bool
	}{
		{
			"AcceptGrant", func() []byte { return alexatest.AcceptGrantDirective("code-1", "token-1") },
			object{
				"header":  header("Alexa.Authorization", "AcceptGrant"),
				"payload": object{"grant": object{"type": "OAuth2.AuthorizationCode", "code": "code-1"}, "grantee": bearer},
			},
			false,
		},
		{
			"of an endpoint", func() []byte {
				return alexatest.Directive("Alexa.BrightnessController", "SetBrightness", "lamp-1", "token-1", map[string]int{"brightness": 42})
			},
			object{
				"header":   header("Alexa.BrightnessController", "SetBrightness"),
				"endpoint": object{"endpointId": "lamp-1", "scope": bearer, "cookie": object{}},
				"payload":  object{"brightness": 42.0},
			},
			true,
		},
		{
			"of an endpoint, without payload", func() []byte { return alexatest.Directive("Alexa", "ReportState", "lamp-1", "token-1", nil) },
			object{
				"header":   header("Alexa", "ReportState"),
				"endpoint": object{"endpointId": "lamp-1", "scope": bearer, "cookie": object{}},
				"payload":  object{},
			},
			true,
		},
		{
			"of no endpoint", func() []byte { return alexatest.Directive("Alexa.Discovery", "Discover", "", "token-1", nil) },
			object{"header": header("Alexa.Discovery", "Discover"), "payload": object{"scope": bearer}},
			true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids := make(map[any]bool)
			for range 2 {
				var got map[string]object
				require.NoError(t, json.Unmarshal(test.directive(), &got))
				header := got["directive"]["header"].(object)
				require.NotEmpty(t, header["messageId"])
				ids[header["messageId"]] = true
				if test.correlated {
					require.NotEmpty(t, header["correlationToken"])
					ids[header["correlationToken"]] = true
				}
				delete(header, "messageId")
				if test.correlated {
					delete(header, "correlationToken")
				}
				require.Empty(t, cmp.Diff(map[string]object{"directive": test.want}, got))
			}
			require.Len(t, ids, map[bool]int{false: 2, true: 4}[test.correlated], "new ones each time")
		})
	}
	for _, payload := range []any{[]int{1}, "text", func() {}} {
		require.Panics(t, func() { alexatest.Directive("Alexa", "ReportState", "lamp-1", "token-1", payload) })
	}
}
