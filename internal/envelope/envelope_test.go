package envelope_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

const linked = `{
  "version": "1.0",
  "context": {"System": {
    "application": {"applicationId": "amzn1.ask.skill.1"},
    "user": {"userId": "amzn1.ask.account.A", "accessToken": "a", "permissions": {"consentToken": "c", "scopes": {"x": {"status": "GRANTED"}}}},
    "person": {"personId": "amzn1.ask.person.P", "accessToken": "not the user's"},
    "device": {"deviceId": "d", "supportedInterfaces": {}},
    "apiEndpoint": "https://api.amazonalexa.com", "apiAccessToken": "t"}},
  "request": {
    "type": "AlexaSkillEvent.SkillAccountLinked", "requestId": "r", "locale": "en-US",
    "timestamp": "2020-07-30T13:02:00Z", "eventCreationTime": "2020-07-30T13:01:58Z", "eventPublishingTime": 1596114119000,
    "body": {"accessToken": "b", "type": "not the request's"}}
}`

// paths says where each field stands in a request.
var paths = map[envelope.Field]string{
	envelope.Version:             "version",
	envelope.ApplicationID:       "context.System.application.applicationId",
	envelope.UserID:              "context.System.user.userId",
	envelope.AccessToken:         "context.System.user.accessToken",
	envelope.ConsentToken:        "context.System.user.permissions.consentToken",
	envelope.PersonID:            "context.System.person.personId",
	envelope.APIEndpoint:         "context.System.apiEndpoint",
	envelope.APIAccessToken:      "context.System.apiAccessToken",
	envelope.Request:             "request",
	envelope.Type:                "request.type",
	envelope.RequestID:           "request.requestId",
	envelope.Timestamp:           "request.timestamp",
	envelope.EventCreationTime:   "request.eventCreationTime",
	envelope.EventPublishingTime: "request.eventPublishingTime",
	envelope.Locale:              "request.locale",
	envelope.Body:                "request.body",
}

// reference finds the member at a path with encoding/json.
func reference(data []byte, path string) json.RawMessage {
	raw := json.RawMessage(data)
	for name := range strings.SplitSeq(path, ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return nil
		}
		raw = members[name]
	}
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func requireAgreement(t testing.TB, data []byte, found envelope.Envelope) {
	t.Helper()
	for field, path := range paths {
		want := reference(data, path)
		if !bytes.Equal(want, found[field]) {
			t.Fatalf("%s: scan found %q, encoding/json %q", path, found[field], want)
		}
	}
}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	require.Len(t, envelope.Envelope{}, len(paths)+1, "paths must name every field")
	for name, data := range map[string]string{
		"every field":        linked,
		"empty":              `{}`,
		"null objects":       `{"context":null,"request":null}`,
		"null members":       `{"version":null,"request":{"type":null,"body":null}}`,
		"wrong types":        `{"context":[{"System":1}],"request":"AlexaSkillEvent.SkillEnabled"}`,
		"escaped name":       `{"re\u0071uest":{"ty\u0070e":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}}`,
		"case":               `{"Request":{"type":"no"},"request":{"Type":"no","type":"yes"}}`,
		"deep neighbours":    `{"request":{"context":{"System":{"user":{"userId":"no"}}},"body":{"type":"no"}}}`,
		"values of all kind": ` {"a":[1,-0.5e+10,true,false,null,"x",{},[],[[]]],"request":{"body":0}} `,
		"duplicates outside": `{"request":{"body":{"a":1,"a":2}},"other":{"b":1,"b":2}}`,
		"many members":       `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"request":{"type":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			found, err := envelope.Scan([]byte(data))
			require.NoError(t, err)
			requireAgreement(t, []byte(data), found)
		})
	}
}

// The scan looks at several bytes of a text at a time: every byte that matters
// must be seen wherever it stands, whatever stands around it.
func TestScanOfTextsAgreesWithEncodingJSON(t *testing.T) {
	for _, filler := range []string{"a", " ", "!", "#", "[", "]", "\x7f", "é", "\U0001f600"} {
		for _, special := range []string{"", `"`, `\`, `\\`, `\"`, `\u00e9`, "\x00", "\x1f", "\n"} {
			for before := range 20 {
				for after := range 10 {
					text := strings.Repeat(filler, before) + special + strings.Repeat(filler, after)
					data := []byte(`{"version":"` + text + `"}`)
					found, err := envelope.Scan(data)
					require.Equal(t, json.Valid(data), err == nil, "%q: %v", data, err)
					requireAgreement(t, data, found)
				}
			}
		}
	}
}

func TestScanRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		data   string
		offset int
	}{
		"nothing":                {``, 0},
		"blank":                  {" \n", 2},
		"a list":                 {`[]`, 0},
		"two objects":            {`{}{}`, 2},
		"invalid UTF-8":          {"{\"a\":\"\xff\"}", 0},
		"byte order mark":        {"\ufeff{}", 0},
		"control character":      {"{\"a\":\"\n\"}", 6},
		"open string":            {`{"a":"b`, 7},
		"open escape":            {`{"a":"\`, 7},
		"unknown escape":         {`{"a":"\x"}`, 7},
		"short escape":           {`{"a":"\u12g4"}`, 10},
		"no name":                {`{1:2}`, 1},
		"trailing comma":         {`{"a":1,}`, 7},
		"trailing element comma": {`{"a":[1,]}`, 8},
		"no colon":               {`{"a" 1}`, 5},
		"no value":               {`{"a":}`, 5},
		"open object":            {`{"a":1`, 6},
		"open list":              {`{"a":[1`, 7},
		"leading zero":           {`{"a":01}`, 6},
		"plus":                   {`{"a":+1}`, 5},
		"bare minus":             {`{"a":-}`, 6},
		"bare point":             {`{"a":1.}`, 7},
		"bare exponent":          {`{"a":1e}`, 7},
		"NaN":                    {`{"a":NaN}`, 5},
		"cut literal":            {`{"a":tru}`, 5},
		"comment":                {`{/**/}`, 1},
		"request twice":          {`{"request":{},"request":{}}`, 14},
		"request escaped twice":  {`{"request":{},"re\u0071uest":{}}`, 14},
		"type twice":             {`{"request":{"type":"a","type":"b"}}`, 23},
		"application id twice":   {`{"context":{"System":{"application":{"applicationId":"a","applicationId":"b"}}}}`, 57},
		"unknown member twice":   {`{"x":1,"x":1}`, 7},
		"thirteenth twice":       {`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"m":1}`, 79},
		"first after thirteen":   {`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"a":1}`, 79},
		"too deep":               {`{"a":` + strings.Repeat("[", 10001), 10004},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := envelope.Scan([]byte(test.data))
			var syntax *envelope.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, test.offset, syntax.Offset, syntax.Reason)
			require.Zero(t, found)
		})
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	data := []byte(linked)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := envelope.Scan(data); err != nil {
			t.Error(err)
		}
	}))
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                 "",
		`"plain"`:            "plain",
		`"\u0041\n\ud83d"`:   "A\n\ufffd",
		`"é\/"`:              "é/",
		`"amzn1.ask.skill."`: "amzn1.ask.skill.",
	} {
		got, err := envelope.Raw(raw).Text()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := envelope.Raw(nil).Text()
	require.NoError(t, err)
	require.Empty(t, got)
	for _, raw := range []string{`1`, `{}`, `[]`, `true`} {
		_, err := envelope.Raw(raw).Text()
		require.Error(t, err, raw)
	}
}

func TestTime(t *testing.T) {
	base := time.Date(2020, 7, 30, 13, 2, 0, 0, time.UTC)
	for raw, want := range map[string]time.Time{
		`"2020-07-30T13:02:00Z"`:           base,
		`"2020-07-30T13:02:00.52Z"`:        base.Add(520 * time.Millisecond),
		`"2020-07-30T13:02:00.123456789Z"`: base.Add(123456789),
		`"2020-07-30T15:02:00+02:00"`:      base,
		`1596114120`:                       base,
		`1596114120000`:                    base,
		`1596114120.5`:                     base.Add(500 * time.Millisecond),
		`1.59611412e12`:                    base,
		`0`:                                time.Unix(0, 0).UTC(),
	} {
		got, err := envelope.Raw(raw).Time()
		require.NoError(t, err, raw)
		require.Empty(t, cmp.Diff(want, got), raw)
	}
	got, err := envelope.Raw(nil).Time()
	require.NoError(t, err)
	require.Zero(t, got)
	for _, raw := range []string{`"garbage"`, `""`, `"2020-07-30"`, `"2020-07-30T13:02:00"`, `"NaN"`, `1e400`, `1e16`, `-1e18`, `true`, `{}`, `[]`} {
		_, err := envelope.Raw(raw).Time()
		require.Error(t, err, raw)
	}
}

func TestIsSessionless(t *testing.T) {
	for _, requestType := range []string{
		"AlexaSkillEvent.SkillEnabled", "AlexaSkillEvent.NewerThanThisLibrary", "AlexaHouseholdListEvent.ItemsCreated",
		"Reminders.ReminderStarted", "AlexaAudioPlayQueueEvent.PlaybackStarted", "Messaging.MessageReceived",
		"Alexa.Authorization.Grant", "Alexa.DataStore.PackageManager.UsagesInstalled", "Alexa.DataStore.Error",
	} {
		require.True(t, envelope.IsSessionless(requestType), requestType)
	}
	for _, requestType := range []string{
		"", "LaunchRequest", "IntentRequest", "SessionEndedRequest", "Alexa.Presentation.APL.UserEvent",
		"AlexaSkillEvent", "alexaskillevent.SkillEnabled", "X.AlexaSkillEvent.SkillEnabled", "RemindersX",
	} {
		require.False(t, envelope.IsSessionless(requestType), requestType)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(linked))
	f.Add([]byte(`{"re\u0071uest":{"type":"\ud800"},"version":1e5}`))
	f.Add([]byte(`{"request":{"type":"a","type":"b"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := envelope.Scan(data)
		valid := utf8.Valid(data) && json.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
		if err != nil {
			var syntax *envelope.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.False(t, valid && syntax.Reason != "member occurs twice", "refused what encoding/json accepts: %v", err)
			return
		}
		require.True(t, valid, "accepted what encoding/json refuses")
		requireAgreement(t, data, found)
		for _, raw := range found {
			_, _ = raw.Time()
			text, err := raw.Text()
			if err == nil && raw != nil {
				var want string
				require.NoError(t, json.Unmarshal(raw, &want))
				require.Equal(t, want, text)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	data := []byte(strings.Replace(linked, `"a"`, `"`+strings.Repeat("a", 800)+`"`, 1))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := envelope.Scan(data); err != nil {
			b.Fatal(err)
		}
	}
}
