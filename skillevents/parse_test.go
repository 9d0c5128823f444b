package skillevents_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/skillevents"
)

func TestEveryTypeHasAFixture(t *testing.T) {
	for requestType, create := range skillevents.Types {
		require.Contains(t, fixtures, requestType)
		require.IsType(t, fixtures[requestType].want, create())
	}
}

func TestParse(t *testing.T) {
	for requestType, fixture := range fixtures {
		t.Run(requestType, func(t *testing.T) {
			data := document(requestType, fixture.own)
			event, err := skillevents.Parse(data)
			require.NoError(t, err)

			want := fixture.want
			*want.Common() = common(requestType)
			require.Empty(t, cmp.Diff(want, event, cmpopts.IgnoreUnexported(skillevents.Envelope{})))

			require.Equal(t, string(data), string(event.Common().Raw()))
			var members struct {
				Request struct{ Body json.RawMessage }
			}
			require.NoError(t, json.Unmarshal(data, &members))
			require.Equal(t, members.Request.Body, event.Common().Body())
		})
	}
}

func TestParseKeepsItsOwnCopy(t *testing.T) {
	data := document("Messaging.MessageReceived", `"message": {"a": 1}, "body": {"b": 2}`)
	before := string(data)
	event, err := skillevents.Parse(data)
	require.NoError(t, err)
	for i := range data {
		data[i] = 'x'
	}
	require.Equal(t, before, string(event.Common().Raw()))
	require.Equal(t, `{"b": 2}`, string(event.Common().Body()))
	require.Equal(t, `{"a": 1}`, string(event.(*skillevents.MessageReceived).Message))
	require.Equal(t, "amzn1.ask.account.u", event.Common().UserID)
}

func TestParseUnknownTypes(t *testing.T) {
	for _, requestType := range []string{
		"AlexaAudioPlayQueueEvent.PlaybackStarted", "AlexaSkillEvent.SkillAccountUnlinked", "alexaskillevent.skillenabled",
		"LaunchRequest", "IntentRequest", "SessionEndedRequest", "X",
	} {
		event, err := skillevents.Parse(document(requestType, `"intent": {"name": "Hello"}, "body": {"offsetInMilliseconds": 5}`))
		require.NoError(t, err)
		require.IsType(t, &skillevents.Unknown{}, event)
		require.Equal(t, requestType, event.Common().Type)
		require.Equal(t, "amzn1.ask.account.u", event.Common().UserID)
		require.Equal(t, `{"offsetInMilliseconds": 5}`, string(event.Common().Body()))
	}
}

// Amazon distinguishes a list that is empty from one that is not there.
func TestParseTellsAbsentFromEmpty(t *testing.T) {
	for _, test := range []struct {
		body string
		want []skillevents.Permission
	}{
		{`"body": {}`, nil},
		{`"body": null`, nil},
		{`"locale": null`, nil},
		{`"body": {"acceptedPermissions": null}`, nil},
		{`"body": {"acceptedPermissions": []}`, []skillevents.Permission{}},
		{`"body": {"acceptedPermissions": [{}]}`, []skillevents.Permission{{}}},
	} {
		data := bytes.Replace(document("AlexaSkillEvent.SkillPermissionChanged", test.body), []byte(`"locale": "de-DE",`), nil, 1)
		event, err := skillevents.Parse(data)
		require.NoError(t, err, test.body)
		changed := event.(*skillevents.SkillPermissionChanged)
		require.Empty(t, cmp.Diff(test.want, changed.AcceptedPermissions), test.body)
		require.Nil(t, changed.AcceptedPersonPermissions)
	}
}

func TestAccountLinkedFallsBackToTheContext(t *testing.T) {
	for _, body := range []string{``, `"body": null`, `"body": {}`, `"body": {"accessToken": null}`, `"body": {"accessToken": ""}`, `"body": {"accessToken": 5}`, `"body": [1]`} {
		event, err := skillevents.Parse(document("AlexaSkillEvent.SkillAccountLinked", body))
		require.NoError(t, err, body)
		require.Equal(t, "token of the account", string(event.(*skillevents.SkillAccountLinked).AccessToken), body)
	}
}

func TestPersistenceStatus(t *testing.T) {
	for sent, want := range map[string]skillevents.PersistenceStatus{
		`"PERSISTED"`: skillevents.Persisted, `"NOT_PERSISTED"`: skillevents.NotPersisted, `"A_NEW_ONE"`: "A_NEW_ONE", `null`: "",
	} {
		event, err := skillevents.Parse(document("AlexaSkillEvent.SkillDisabled", `"body": {"userInformationPersistenceStatus": `+sent+`}`))
		require.NoError(t, err)
		require.Equal(t, want, event.(*skillevents.SkillDisabled).UserInformationPersistenceStatus)
	}
}

func TestParseTimes(t *testing.T) {
	instant := time.Date(2026, 11, 21, 22, 0, 2, 0, time.UTC)
	for form, want := range map[string]time.Time{
		`"2026-11-21T22:00:02Z"`:      instant,
		`"2026-11-21T22:00:02.52Z"`:   instant.Add(520 * time.Millisecond),
		`"2026-11-22T00:00:02+02:00"`: instant,
		`1795298402`:                  instant,
		`1795298402250`:               instant.Add(250 * time.Millisecond),
		`null`:                        {},
	} {
		data := bytes.Replace(document("AlexaSkillEvent.SkillEnabled", ""), []byte(`"2026-11-21T22:00:02Z"`), []byte(form), 1)
		event, err := skillevents.Parse(data)
		require.NoError(t, err, form)
		require.Empty(t, cmp.Diff(want, event.Common().Timestamp), form)
	}
}

func TestTime(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	require.Equal(t, early, (&skillevents.Envelope{Timestamp: late, EventCreationTime: early}).Time())
	require.Equal(t, late, (&skillevents.Envelope{Timestamp: late}).Time())
	require.Equal(t, late, (&skillevents.Envelope{EventPublishingTime: late}).Time())
	require.Equal(t, early, (&skillevents.Envelope{EventPublishingTime: late, Timestamp: early}).Time())
	require.Zero(t, new(skillevents.Envelope).Time())
}

func TestParseRefuses(t *testing.T) {
	valid := string(document("AlexaSkillEvent.SkillEnabled", ""))
	replace := func(old, replacement string) string {
		require.Equal(t, 1, strings.Count(valid, old))
		return strings.Replace(valid, old, replacement, 1)
	}
	for name, test := range map[string]struct{ data, reason string }{
		"nothing":            {"", "not a JSON object"},
		"a list":             {`[]`, "not a JSON object"},
		"a text":             {`"AlexaSkillEvent.SkillEnabled"`, "not a JSON object"},
		"cut":                {valid[:len(valid)-2], "no comma or brace"},
		"something behind":   {valid + "{}", "something follows"},
		"invalid UTF-8":      {replace("de-DE", "\xff"), "invalid UTF-8"},
		"no request":         {`{"version": "1.0"}`, "no request.type"},
		"a directive":        {`{"directive": {"header": {"namespace": "Alexa.Discovery", "name": "Discover"}}}`, "no request.type: this is a directive to a smart home skill, for gateway.ParseDirective"},
		"request of a kind":  {`{"request": "AlexaSkillEvent.SkillEnabled"}`, "no request.type"},
		"no type":            {`{"request": {"timestamp": "2026-11-21T22:00:00Z"}}`, "no request.type"},
		"null type":          {`{"request": {"type": null}}`, "no request.type"},
		"empty type":         {`{"request": {"type": ""}}`, "no request.type"},
		"number for a type":  {`{"request": {"type": 1}}`, "request.type: not a JSON string"},
		"type twice":         {replace(`"locale"`, `"type": "X", "locale"`), "member occurs twice"},
		"user twice":         {replace(`"person"`, `"user": {"userId": "x"}, "person"`), "member occurs twice"},
		"unknown date":       {replace(`"2026-11-21T22:00:02Z"`, `"yesterday"`), "request.timestamp: neither"},
		"empty date":         {replace(`"2026-11-21T22:00:02Z"`, `""`), "request.timestamp: neither"},
		"date without zone":  {replace(`"2026-11-21T22:00:00Z"`, `"2026-11-21T22:00:00"`), "request.eventCreationTime: neither"},
		"object for a time":  {replace(`"2026-11-21T22:00:00Z"`, `{}`), "request.eventCreationTime: neither"},
		"number for a user":  {replace(`"amzn1.ask.account.u"`, `7`), "context.System.user.userId: not a JSON string"},
		"object for a skill": {replace(`"amzn1.ask.skill.s"`, `{}`), "context.System.application.applicationId: not a JSON string"},
		"session twice":      {replace(`"request"`, `"session": {}, "session": {}, "request"`), "member occurs twice"},
		"too deep":           {replace(`"version": "1.0"`, `"x": `+strings.Repeat("[", 64)+strings.Repeat("]", 64)), "more than 64 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := skillevents.Parse([]byte(test.data))
			require.Nil(t, event)
			require.ErrorIs(t, err, skillevents.ErrMalformed)
			require.ErrorContains(t, err, "skillevents: malformed event: "+test.reason)
		})
	}
}

// An event is not lost because of an invalid member that is not decisive.
func TestParseToleratesOddMembers(t *testing.T) {
	valid := string(document("AlexaSkillEvent.SkillEnabled", ""))
	for name, test := range map[string]struct {
		old, odd string
		change   func(*skillevents.Envelope)
	}{
		"number for a version":         {`"1.0"`, `1.0`, func(e *skillevents.Envelope) { e.Version = "" }},
		"list for a locale":            {`"de-DE"`, `["de-DE"]`, func(e *skillevents.Envelope) { e.Locale = "" }},
		"number for a request ID":      {`"3a8bd4ce-0d9f-4b66-9e6b-3d7d6f3c1f5b"`, `7`, func(e *skillevents.Envelope) { e.RequestID = "" }},
		"empty publishing time":        {`"2026-11-21T22:00:01Z"`, `""`, func(e *skillevents.Envelope) { e.EventPublishingTime = time.Time{} }},
		"object for a publishing":      {`"2026-11-21T22:00:01Z"`, `{}`, func(e *skillevents.Envelope) { e.EventPublishingTime = time.Time{} }},
		"object for an API token":      {`"token of the API"`, `{}`, func(e *skillevents.Envelope) { e.APIAccessToken = "" }},
		"number for an access token":   {`"token of the account"`, `7`, func(e *skillevents.Envelope) { e.AccessToken = "" }},
		"list for a consent token":     {`"token of the consent"`, `[]`, func(e *skillevents.Envelope) { e.ConsentToken = "" }},
		"number for an endpoint":       {`"https://api.eu.amazonalexa.com"`, `7`, func(e *skillevents.Envelope) { e.APIEndpoint = "" }},
		"list for a person":            {`{"personId": "amzn1.ask.person.p"}`, `[]`, func(e *skillevents.Envelope) { e.PersonID = "" }},
		"number for a device ID":       {`"amzn1.ask.device.d"`, `7`, func(e *skillevents.Envelope) { e.DeviceID = "" }},
		"number for a unit ID":         {`"amzn1.ask.unit.u"`, `7`, func(e *skillevents.Envelope) { e.UnitID = "" }},
		"unknown twice":                {`"person"`, `"Viewport": 1, "Viewport": 2, "person"`, func(*skillevents.Envelope) {}},
		"unknown twice in context":     {`"System"`, `"x": 1, "x": 1, "System"`, func(*skillevents.Envelope) {}},
		"unknown twice in the user":    {`"userId"`, `"x": 1, "x": 1, "userId"`, func(*skillevents.Envelope) {}},
		"unknown twice in request":     {`"type"`, `"x": 1, "x": 1, "type"`, func(*skillevents.Envelope) {}},
		"unknown twice at the top":     {`"context"`, `"x": 1, "x": 1, "context"`, func(*skillevents.Envelope) {}},
		"locale twice":                 {`"locale"`, `"locale": "en-US", "locale"`, func(e *skillevents.Envelope) { e.Locale = "" }},
		"person twice":                 {`"person"`, `"person": {"personId": "x"}, "person"`, func(e *skillevents.Envelope) { e.PersonID = "" }},
		"a directive beside a request": {`"context"`, `"directive": {}, "context"`, func(*skillevents.Envelope) {}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(valid, test.old))
			data := strings.Replace(valid, test.old, test.odd, 1)
			event, err := skillevents.Parse([]byte(data))
			require.NoError(t, err)
			want := common("AlexaSkillEvent.SkillEnabled")
			test.change(&want)
			require.Empty(t, cmp.Diff(&want, event.Common(), cmpopts.IgnoreUnexported(skillevents.Envelope{})))
			require.Equal(t, data, string(event.Common().Raw()))
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, requestType := range slices.Sorted(maps.Keys(fixtures)) {
		f.Add(document(requestType, fixtures[requestType].own))
	}
	f.Add([]byte(`{"request":{"type":"AlexaSkillEvent.SkillDisabled","body":[{"userInformationPersistenceStatus":1}]}}`))
	f.Add([]byte(`{"request":{"type":"Messaging.MessageReceived","message":null,"timestamp":-1e13}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		event, err := skillevents.Parse(data)
		if err != nil {
			require.Nil(t, event)
			require.ErrorIs(t, err, skillevents.ErrMalformed)
			return
		}
		require.Equal(t, string(data), string(event.Common().Raw()))
		require.NotEmpty(t, event.Common().Type)
		if body := event.Common().Body(); body != nil {
			require.True(t, json.Valid(body))
		}
		text, err := json.Marshal(event)
		require.NoError(t, err)
		require.Equal(t, string(text), fmt.Sprint(event))
	})
}

// Inside request.body the last of several members counts, as in encoding/json.
func TestBodyMemberTwice(t *testing.T) {
	event, err := skillevents.Parse([]byte(`{"request":{"type":"AlexaSkillEvent.SkillAccountLinked","body":{"accessToken":"a","accessToken":"b"}}}`))
	require.NoError(t, err)
	require.EqualValues(t, "b", event.(*skillevents.SkillAccountLinked).AccessToken)
}

// BenchmarkParse decodes events that are all different, so that no decoder
// gains from seeing a text twice.
func BenchmarkParse(b *testing.B) {
	documents := make([][]byte, 4096)
	for i := range documents {
		documents[i] = fmt.Appendf(nil, `{"version":"1.0","context":{"System":{"application":{"applicationId":"amzn1.ask.skill.%08d"},`+
			`"user":{"userId":"amzn1.ask.account.%0207d","accessToken":"%0200d"},"apiEndpoint":"https://api.amazonalexa.com","apiAccessToken":"%s%08d"}},`+
			`"request":{"type":"AlexaSkillEvent.SkillAccountLinked","requestId":"58796e94-a1e8-4b9c-aee0-%012d","timestamp":"2020-07-30T13:02:00Z",`+
			`"eventCreationTime":"2020-07-30T13:02:00Z","eventPublishingTime":"2020-07-30T13:02:00Z","body":{"accessToken":"%0200d"}}}`,
			i, i, i, strings.Repeat("x", 20), i, i, i)
	}
	b.SetBytes(int64(len(documents[0])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := skillevents.Parse(documents[i%len(documents)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
