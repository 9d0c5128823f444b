package smartprops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

// fixture is an event with every member that is documented. No two members of one
// event have the same value, so that a test finds a mix-up.
type fixture struct {
	payload string
	want    smartprops.Event
}

var fixtures = map[smartprops.EventType]fixture{
	smartprops.EventAutomationCompletion: {
		payload: `{"automation": {"id": "amzn1.alexa.automation.a"}, "result": {"status": "FAILURE", "errors": [
			{"type": "ENDPOINT_NOT_FOUND", "message": "no such device", "id": "amzn1.alexa.endpoint.e"}, {"type": "NEW"}]}}`,
		want: &smartprops.AutomationCompletion{
			AutomationID: "amzn1.alexa.automation.a", Status: smartprops.AutomationFailure,
			Errors: []smartprops.AutomationError{{Type: "ENDPOINT_NOT_FOUND", Message: "no such device", ID: "amzn1.alexa.endpoint.e"}, {Type: "NEW"}},
		},
	},
	smartprops.EventSkillFailure:           {payload: `{"what": "it is"}`, want: &smartprops.SkillFailure{}},
	smartprops.EventSubscriptionActivation: {payload: `{}`, want: &smartprops.SubscriptionActivation{}},
	smartprops.EventRoleAssignment:         {payload: `[1]`, want: &smartprops.RoleAssignment{}},
	smartprops.EventRoleRevocation:         {payload: `"x"`, want: &smartprops.RoleRevocation{}},
	smartprops.EventSetupCompletion:        {payload: `{"a": {"b": ["amzn1.alexa.endpoint.e"]}}`, want: &smartprops.SetupCompletion{}},
	"Alexa.Of.Tomorrow":                    {payload: `{"a": 1}`, want: &smartprops.Unknown{}},
}

var at = time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)

// document returns an event with Amazon's header.
func document(event smartprops.EventType, payload string) []byte {
	i := strings.LastIndex(string(event), ".")
	return fmt.Appendf(nil, `{"header": {"version": "2.0", "eventId": {"id": "e-1"}, "eventType": {"namespace": %q, "name": %q},
		"eventTime": {"timestamp": "2026-11-21T22:00:00Z"},
		"entities": {"unit": {"type": "Unit", "id": "amzn1.alexa.unit.u"}, "skill": {"type": "Skill", "id": "amzn1.ask.skill.s"}, "new": {"id": "n"}}},
		"payload": %s}`, event[:i], event[i+1:], payload)
}

func TestNamesTypesAndFixturesAgree(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	require.NoError(t, err)
	named := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && isEventType(spec.Type) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.Contains(t, smartprops.Types, smartprops.EventType(value))
			named++
		}
		return true
	})
	require.Len(t, smartprops.Types, named)
	for event, create := range smartprops.Types {
		require.Contains(t, fixtures, event)
		require.IsType(t, fixtures[event].want, create())
	}
}

func isEventType(expression ast.Expr) bool {
	name, ok := expression.(*ast.Ident)
	return ok && name.Name == "EventType"
}

func TestParse(t *testing.T) {
	for event, fixture := range fixtures {
		t.Run(string(event), func(t *testing.T) {
			data := document(event, fixture.payload)
			before := string(data)
			got, err := smartprops.Parse(data)
			require.NoError(t, err)
			clear(data)
			want := fixture.want
			*want.Common() = smartprops.Envelope{
				Type: event, ID: "e-1", Timestamp: at, Version: "2.0", UnitID: "amzn1.alexa.unit.u", SkillID: "amzn1.ask.skill.s",
			}
			require.Empty(t, cmp.Diff(want, got, cmpopts.IgnoreUnexported(smartprops.Envelope{})))
			require.Equal(t, before, string(got.Common().Raw()), "its own copy")
			require.Equal(t, fixture.payload, string(got.Common().Payload()))
			require.Equal(t, `{"unit": {"type": "Unit", "id": "amzn1.alexa.unit.u"}, "skill": {"type": "Skill", "id": "amzn1.ask.skill.s"}, "new": {"id": "n"}}`, string(got.Common().Entities()))
		})
	}
}

// Only the type is required. A member of another JSON type is ignored.
func TestMembersAreOptional(t *testing.T) {
	const eventType = `"eventType": {"namespace": "Alexa.Automation.Execution", "name": "Completion"}`
	for members, want := range map[string]smartprops.AutomationCompletion{
		``:                {},
		`"header2": 5`:    {},
		`"payload": null`: {},
		`"payload": "x"`:  {},
		`"payload": []`:   {},
		`"payload": {"automation": "x", "result": []}`:                                       {},
		`"payload": {"automation": {"id": 5}, "result": {"status": "OK"}}`:                   {Status: "OK"},
		`"payload": {"automation": {"id": "a"}, "result": {"status": 5, "errors": null}}`:    {AutomationID: "a"},
		`"payload": {"result": {"errors": []}}`:                                              {},
		`"payload": {"result": {"errors": "x", "status": "FAILURE"}}`:                        {Status: "FAILURE"},
		`"payload": {"result": {"errors": [{"type": 5, "message": "m"}, "x", {"id": "i"}]}}`: {Errors: []smartprops.AutomationError{{Message: "m"}, {}, {ID: "i"}}},
	} {
		if members != "" {
			members = ", " + members
		}
		got, err := smartprops.Parse([]byte(`{"header": {` + eventType + `}` + members + `}`))
		require.NoError(t, err, members)
		want.Type = smartprops.EventAutomationCompletion
		require.Empty(t, cmp.Diff(&want, got, cmpopts.IgnoreUnexported(smartprops.Envelope{})), members)
	}
	for members, want := range map[string]smartprops.Envelope{
		`"version": 2`:                                  {},
		`"eventId": "bare"`:                             {},
		`"eventId": {"id": 5}`:                          {},
		`"eventTime": "2026-11-21T22:00:00Z"`:           {},
		`"eventTime": {"timestamp": "yesterday"}`:       {},
		`"eventTime": {"timestamp": 1795298400}`:        {Timestamp: at},
		`"eventTime": {"timestamp": 1795298400000}`:     {Timestamp: at},
		`"entities": []`:                                {},
		`"entities": {"unit": "u", "skill": {"id": 5}}`: {},
		`"entities": {"unit": {"id": "u"}}`:             {UnitID: "u"},
	} {
		got, err := smartprops.Parse([]byte(`{"header": {` + eventType + `, ` + members + `}}`))
		require.NoError(t, err, members)
		want.Type = smartprops.EventAutomationCompletion
		require.Empty(t, cmp.Diff(&want, got.Common(), cmpopts.IgnoreUnexported(smartprops.Envelope{})), members)
	}
}

// Other services of Amazon verify a topic with an empty object. Whether this one does
// is not known.
func TestEmptyObject(t *testing.T) {
	got, err := smartprops.Parse([]byte(" {\n}"))
	require.NoError(t, err)
	require.IsType(t, &smartprops.Unknown{}, got)
	require.Empty(t, got.Common().Type)
}

func TestEndpointIDs(t *testing.T) {
	for payload, want := range map[string][]string{
		`{"endpointId": "amzn1.alexa.endpoint.1"}`:                                            {"amzn1.alexa.endpoint.1"},
		`{"endpoints": [{"id": "amzn1.alexa.endpoint.2"}, {"id": "amzn1.alexa.endpoint.1"}]}`: {"amzn1.alexa.endpoint.2", "amzn1.alexa.endpoint.1"},
		`{"a": "amzn1.alexa.endpoint.1", "b": {"c": "amzn1.alexa.endpoint.1"}}`:               {"amzn1.alexa.endpoint.1"},
		`{"amzn1.alexa.endpoint.1": {}}`:                                                      {"amzn1.alexa.endpoint.1"},
		`{"id": "amzn1.alexa.unit.1", "text": "see amzn1.alexa.endpoint.1"}`:                  nil,
		`{}`: nil,
	} {
		got, err := smartprops.Parse(document(smartprops.EventSetupCompletion, payload))
		require.NoError(t, err)
		require.Equal(t, want, got.(*smartprops.SetupCompletion).EndpointIDs(), payload)
	}
	// In the header as well.
	got, err := smartprops.Parse(bytes.Replace(document(smartprops.EventSetupCompletion, "{}"), []byte(`"new": {"id": "n"}`), []byte(`"endpoint": {"id": "amzn1.alexa.endpoint.1"}`), 1))
	require.NoError(t, err)
	require.Equal(t, []string{"amzn1.alexa.endpoint.1"}, got.(*smartprops.SetupCompletion).EndpointIDs())
	require.Nil(t, new(smartprops.SetupCompletion).EndpointIDs())
}

func TestParseRefuses(t *testing.T) {
	const completion = `"eventType":{"namespace":"Alexa.Automation.Execution","name":"Completion"}`
	for data, reason := range map[string]string{
		``:                 "not a JSON object",
		`[]`:               "not a JSON object",
		`null`:             "not a JSON object",
		`{}{}`:             "something follows",
		"{\"a\":\"\xff\"}": "invalid UTF-8",
		`{"header":`:       "no JSON value",
		`{"a":1}`:          "header.eventType with namespace and name is missing",
		`{"header":{}}`:    "header.eventType with namespace and name is missing",
		`{"header":[]}`:    "header.eventType with namespace and name is missing",
		`{"header":{"eventType":"Alexa.Skill.Interaction.Failure"}}`:                       "header.eventType with namespace and name is missing",
		`{"header":{"eventType":{"namespace":"Alexa.Skill.Interaction"}}}`:                 "header.eventType with namespace and name is missing",
		`{"header":{"eventType":{"namespace":5,"name":"Failure"}}}`:                        "header.eventType with namespace and name is missing",
		`{"header":{` + completion + `},"header":{}}`:                                      "member occurs twice",
		`{"header":{` + completion + `,"eventId":{"id":"a","id":"b"}}}`:                    "member occurs twice",
		`{"header":{` + completion + `,"version":"1","version":"2"}}`:                      "member occurs twice",
		`{"header":{` + completion + `},"payload":{"result":{"status":"a","status":"b"}}}`: "member occurs twice",
		`{"eventName":"AlexaDevelopmentEvent.SkillPublish"}`:                               "header.eventType with namespace and name is missing",
	} {
		event, err := smartprops.Parse([]byte(data))
		require.Nil(t, event, data)
		require.ErrorIs(t, err, smartprops.ErrMalformed, data)
		require.ErrorContains(t, err, "smartprops: malformed event: "+reason, data)
	}
}

// An event prints as a summary without its unit.
func TestEventsPrintAsASummary(t *testing.T) {
	for eventType := range fixtures {
		data := bytes.ReplaceAll(document(eventType, `{"automation": {"id": "canary"}, "result": {"status": "canary", "errors": [{"id": "canary"}]}}`), []byte("amzn1"), []byte("canary"))
		event, err := smartprops.Parse(data)
		require.NoError(t, err)
		want := `{"type":"` + string(eventType) + `","id":"e-1","time":"2026-11-21T22:00:00Z"}`
		for _, value := range []any{event, event.Common(), *event.Common()} {
			require.Equal(t, want, fmt.Sprintf("%v", value))
			marshalled, err := json.Marshal(value)
			require.NoError(t, err)
			require.Equal(t, want, string(marshalled))
		}
		for _, value := range []any{event, []smartprops.Event{event}, map[string]any{"event": event}, struct{ Event smartprops.Event }{event}} {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("received", "event", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
			require.NotContains(t, log.String()+fmt.Sprintf("%v %+v %#v %s", value, value, value, value), "canary")
			require.NotContains(t, fmt.Sprintf("%x", value), fmt.Sprintf("%x", "canary"))
		}
	}
	require.Equal(t, "{}", fmt.Sprint(new(smartprops.Unknown)))
}

func TestReceive(t *testing.T) {
	type key struct{}
	failed := errors.New("database is down")
	for name, test := range map[string]struct {
		text     string
		fails    error
		received smartprops.Event
		err      error
	}{
		"an event":      {text: string(document(smartprops.EventSkillFailure, "{}")), received: new(smartprops.SkillFailure)},
		"unknown":       {text: string(document("A.b", "{}")), received: new(smartprops.Unknown)},
		"receive fails": {text: "{}", fails: failed, received: new(smartprops.Unknown), err: failed},
		"no event":      {text: "hello", err: smartprops.ErrMalformed},
	} {
		var received smartprops.Event
		handler := &sns.Handler{Receive: smartprops.Receive(func(ctx context.Context, event smartprops.Event) error {
			require.Equal(t, "value", ctx.Value(key{}))
			received = event
			return test.fails
		})}
		err := handler.Receive(context.WithValue(t.Context(), key{}, "value"), &sns.Message{Message: test.text})
		require.ErrorIs(t, err, test.err, name)
		require.IsType(t, test.received, received, name)
	}
	require.ErrorContains(t, smartprops.Receive(nil)(t.Context(), &sns.Message{Message: "{}"}), "the function given to Receive is nil")
}

func FuzzParse(f *testing.F) {
	for _, event := range slices.Sorted(maps.Keys(fixtures)) {
		f.Add(document(event, fixtures[event].payload))
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"header":{"eventType":{"namespace":"a","name":"b"},"eventTime":{"timestamp":-1e13}},"payload":5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		event, err := smartprops.Parse(data)
		if err != nil {
			require.Nil(t, event)
			require.ErrorIs(t, err, smartprops.ErrMalformed)
			return
		}
		e := event.Common()
		require.Equal(t, string(data), string(e.Raw()))
		// What it shows is what encoding/json finds.
		var root map[string]any
		require.NoError(t, json.Unmarshal(data, &root))
		header := object(root["header"])
		require.Equal(t, text(header["version"]), e.Version)
		require.Equal(t, text(object(header["eventId"])["id"]), e.ID)
		require.Equal(t, text(object(object(header["entities"])["unit"])["id"]), e.UnitID)
		switch event := event.(type) {
		case *smartprops.AutomationCompletion:
			result := object(object(root["payload"])["result"])
			require.Equal(t, text(result["status"]), string(event.Status))
			causes, _ := result["errors"].([]any)
			require.Len(t, event.Errors, len(causes))
			for i, cause := range causes {
				require.Equal(t, text(object(cause)["id"]), event.Errors[i].ID)
			}
		case *smartprops.SetupCompletion:
			for _, id := range event.EndpointIDs() {
				require.True(t, strings.HasPrefix(id, "amzn1.alexa.endpoint."))
			}
		}
		printed, err := json.Marshal(event)
		require.NoError(t, err)
		require.Equal(t, string(printed), fmt.Sprint(event))
	})
}

func object(value any) map[string]any { o, _ := value.(map[string]any); return o }

func text(value any) string { s, _ := value.(string); return s }
