package envelope_test

import (
	"bytes"
	"encoding/json"
	"slices"
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
    "unit": {"unitId": "u", "persistentUnitId": "p"},
    "apiEndpoint": "https://api.amazonalexa.com", "apiAccessToken": "t"}},
  "request": {
    "type": "AlexaSkillEvent.SkillAccountLinked", "requestId": "r", "locale": "en-US",
    "timestamp": "2020-07-30T13:02:00Z", "eventCreationTime": "2020-07-30T13:01:58Z", "eventPublishingTime": 1596114119000,
    "body": {"accessToken": "b", "type": "not the request's"}}
}`

// paths says where each field stands in a request, and whether a request that
// has it twice is refused.
var paths = map[envelope.Field]struct {
	path     string
	decisive bool
}{
	envelope.Version:             {"version", false},
	envelope.Directive:           {"directive", false},
	envelope.SessionID:           {"session.sessionId", true},
	envelope.ApplicationID:       {"context.System.application.applicationId", true},
	envelope.UserID:              {"context.System.user.userId", true},
	envelope.AccessToken:         {"context.System.user.accessToken", false},
	envelope.ConsentToken:        {"context.System.user.permissions.consentToken", false},
	envelope.PersonID:            {"context.System.person.personId", false},
	envelope.DeviceID:            {"context.System.device.deviceId", false},
	envelope.UnitID:              {"context.System.unit.unitId", false},
	envelope.APIEndpoint:         {"context.System.apiEndpoint", false},
	envelope.APIAccessToken:      {"context.System.apiAccessToken", false},
	envelope.Request:             {"request", true},
	envelope.Type:                {"request.type", true},
	envelope.RequestID:           {"request.requestId", false},
	envelope.Timestamp:           {"request.timestamp", true},
	envelope.EventCreationTime:   {"request.eventCreationTime", true},
	envelope.EventPublishingTime: {"request.eventPublishingTime", false},
	envelope.Locale:              {"request.locale", false},
	envelope.Body:                {"request.body", false},
}

// reference finds the member at a path with encoding/json. A member that occurs
// twice, or that is in one, is not found.
func reference(data []byte, path string) (found json.RawMessage, repeated bool) {
	if !json.Valid(data) {
		return nil, false
	}
	found = data
	for name := range strings.SplitSeq(path, ".") {
		decoder := json.NewDecoder(bytes.NewReader(found))
		if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
			return nil, repeated
		}
		found = nil
		for count := 0; decoder.More(); {
			member, err := decoder.Token()
			if err != nil {
				panic(err)
			}
			var value json.RawMessage
			if err := decoder.Decode(&value); err != nil {
				panic(err)
			}
			if member != name {
				continue
			}
			if count++; count > 1 {
				return nil, true
			}
			found = value
		}
	}
	if string(found) == "null" {
		return nil, false
	}
	return found, false
}

// The documented limits.
const (
	maxDepth   = 64
	maxMembers = 256
)

// depth counts the levels of a valid document.
func depth(data []byte) (deepest int) {
	open := 0
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
			deepest = max(deepest, open)
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
}

func requireAgreement(t testing.TB, data []byte, found envelope.Envelope) {
	t.Helper()
	for field, at := range paths {
		want, repeated := reference(data, at.path)
		if repeated && at.decisive {
			t.Fatalf("%s occurs twice", at.path)
		}
		if !bytes.Equal(want, found[field]) {
			t.Fatalf("%s: scan found %q, encoding/json %q", at.path, found[field], want)
		}
	}
}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	for name, data := range map[string]string{
		"every field":        linked,
		"empty":              `{}`,
		"null objects":       `{"context":null,"request":null}`,
		"null members":       `{"version":null,"request":{"type":null,"body":null}}`,
		"wrong types":        `{"context":[{"System":1}],"request":"AlexaSkillEvent.SkillEnabled"}`,
		"escaped name":       `{"re\u0071uest":{"ty\u0070e":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}}`,
		"case":               `{"Request":{"type":"no"},"request":{"Type":"no","type":"yes"}}`,
		"unknown twice":      `{"x":1,"x":2,"context":{"x":1,"x":2,"System":{"user":{"x":1,"x":2},"x":{}}}}`,
		"not decisive twice": `{"version":"1","version":"2","request":{"locale":"a","locale":"a","body":{"a":1},"body":{"b":2},"type":"x"}}`,
		"objects twice": `{"context":{"System":{"person":{"personId":"a"},"person":{},"device":{"deviceId":"b"},"device":1,
			"unit":{"unitId":"c"},"unit":{"unitId":"d"},"user":{"permissions":{"consentToken":"e"},"permissions":null,"userId":"f"}}}}`,
		"deepest":            nested(maxDepth),
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
// must be found at each position, with any bytes around it.
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
		"too deep":               {nested(maxDepth + 1), 216},
		"too deep in a request":  {`{"context":{"x":` + strings.Repeat(`[`, 63) + strings.Repeat(`]`, 63) + `}}`, 78},
		"list closed by brace":   {`{"a":[1}`, 7},
		"object closed by list":  {`{"a":{"b":1]}`, 11},
		"comment":                {`{/**/}`, 1},
		"request twice":          {`{"request":{},"request":{}}`, 14},
		"request escaped twice":  {`{"request":{},"re\u0071uest":{}}`, 14},
		"type twice":             {`{"request":{"type":"a","type":"b"}}`, 23},
		"application id twice":   {`{"context":{"System":{"application":{"applicationId":"a","applicationId":"b"}}}}`, 57},
		"user twice":             {`{"context":{"System":{"user":{},"user":null}}}`, 32},
		"session twice":          {`{"session":{},"session":{}}`, 14},
		"timestamp twice":        {`{"request":{"timestamp":1,"timestamp":1}}`, 26},
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

// A request is refused if it has a decisive member, or an object that one is in,
// twice. Any other member that occurs twice is absent.
func TestScanOfMembersThatOccurTwice(t *testing.T) {
	decisive := map[string]bool{}
	for _, at := range paths {
		for path := at.path; at.decisive; {
			decisive[path] = true
			end := strings.LastIndexByte(path, '.')
			if end < 0 {
				break
			}
			path = path[:end]
		}
	}
	for field, at := range paths {
		names := strings.Split(at.path, ".")
		for twice := range names {
			data := `1`
			for i, name := range slices.Backward(names) {
				data = `"` + name + `":` + data
				if i == twice {
					data += `,"` + name + `":null`
				}
				data = `{` + data + `}`
			}
			found, err := envelope.Scan([]byte(data))
			require.Equal(t, decisive[strings.Join(names[:twice+1], ".")], err != nil, data)
			require.Nil(t, found[field], data)
		}
	}
}

func TestMemberLimit(t *testing.T) {
	for name, wrap := range map[string]struct {
		data   string // %s is the inside of an object
		looked bool
	}{
		"request":   {`{"request":{%s}}`, true},
		"document":  {`{%s}`, true},
		"user":      {`{"context":{"System":{"user":{%s}}}}`, true},
		"body":      {`{"request":{"body":{%s}}}`, false},
		"a list":    {`{"request":[{%s}]}`, false},
		"elsewhere": {`{"request":{"x":{%s}}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			for count, refused := range map[int]bool{maxMembers: false, maxMembers + 1: wrap.looked} {
				data := []byte(strings.Replace(wrap.data, "%s", strings.TrimSuffix(strings.Repeat(`"a":{},`, count), ","), 1))
				_, err := envelope.Scan(data)
				require.Equal(t, refused, err != nil, err)
				err = envelope.Find(data, []envelope.Node{
					{Name: "request"},
					{Name: "context", Members: []envelope.Node{{Name: "System", Members: []envelope.Node{{Name: "user", Members: []envelope.Node{{Name: "x"}}}}}}},
				})
				require.Equal(t, refused && name != "request", err != nil, err)
				err = envelope.Members(data, func([]byte, envelope.Raw) bool { return false })
				require.Equal(t, refused && name == "document", err != nil, err)
			}
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
		`99999999999`:                      time.Unix(99999999999, 0).UTC(), // the last second
		`100000000000`:                     time.Unix(100000000, 0).UTC(),   // the first millisecond
		`253402300799999`:                  time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	} {
		got, err := envelope.Raw(raw).Time()
		require.NoError(t, err, raw)
		require.Empty(t, cmp.Diff(want, got), raw)
	}
	got, err := envelope.Raw(nil).Time()
	require.NoError(t, err)
	require.Zero(t, got)
	for _, raw := range []string{`"garbage"`, `""`, `"2020-07-30"`, `"2020-07-30T13:02:00"`, `"NaN"`, `1e400`, `1` + strings.Repeat(`0`, 300), `"2020-07-30T13:02:00.` + strings.Repeat(`0`, 300) + `Z"`, `253402300800000`, `-253402300800000`, `1e16`, `-1e18`, `true`, `{}`, `[]`} {
		_, err := envelope.Raw(raw).Time()
		require.Error(t, err, raw)
	}
}

func TestIsImmediate(t *testing.T) {
	for _, requestType := range []string{
		"LaunchRequest", "IntentRequest", "SessionEndedRequest", "CanFulfillIntentRequest", "AudioPlayer.PlaybackStarted",
		"PlaybackController.NextCommandIssued", "Alexa.Presentation.APL.UserEvent", "Display.ElementSelected", "Connections.Response",
	} {
		require.True(t, envelope.IsImmediate(requestType), requestType)
	}
	for _, requestType := range []string{
		"", "AlexaSkillEvent.SkillEnabled", "AlexaHouseholdListEvent.ItemsCreated", "AlexaAudioPlayQueueEvent.PlaybackStarted",
		"Reminders.ReminderStarted", "Messaging.MessageReceived", "Alexa.Authorization.Grant", "Alexa.DataStore.Error",
		"Event.OfTomorrow", "IntentRequest.OfTomorrow", "LaunchRequests", "AudioPlayer", "X.AudioPlayer.PlaybackStarted", "Alexa.PresentationX",
	} {
		require.False(t, envelope.IsImmediate(requestType), requestType)
	}
}

func TestSentAt(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0).UTC() }
	for name, test := range map[string]struct {
		members string
		want    time.Time
		fails   bool
	}{
		"timestamp first":             {`"request":{"timestamp":1,"eventPublishingTime":2,"eventCreationTime":3}`, at(1), false},
		"then the publishing time":    {`"request":{"eventPublishingTime":2,"eventCreationTime":3}`, at(2), false},
		"then the creation time":      {`"request":{"timestamp":null,"eventCreationTime":3}`, at(3), false},
		"an odd publishing time":      {`"request":{"eventPublishingTime":"","eventCreationTime":3}`, at(3), false},
		"an odd publishing time only": {`"request":{"eventPublishingTime":{}}`, time.Time{}, false},
		"an odd creation time only":   {`"request":{"eventCreationTime":""}`, time.Time{}, true},
		"an odd timestamp":            {`"request":{"timestamp":"","eventPublishingTime":2,"eventCreationTime":3}`, time.Time{}, true},
		"none":                        {`"request":{}`, time.Time{}, false},
		"in a session":                {`"session":{"sessionId":"s"},"request":{"eventPublishingTime":2,"eventCreationTime":3}`, time.Time{}, false},
		"in an empty session":         {`"session":{"attributes":{}},"request":{"eventPublishingTime":2,"eventCreationTime":3}`, at(2), false},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := envelope.Scan([]byte("{" + test.members + "}"))
			require.NoError(t, err)
			got, err := found.SentAt()
			require.Equal(t, test.fails, err != nil)
			require.Equal(t, test.want, got)
		})
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(linked))
	f.Add([]byte(`{"re\u0071uest":{"type":"\ud800"},"version":1e5}`))
	f.Add([]byte(`{"request":{"type":"a","type":"b"}}`))
	f.Add([]byte(`{"context":{"x":1,"x":2,"System":{"person":{"personId":"a"},"person":[{"personId":"b"}],"user":{}}}}`))
	f.Add([]byte(nested(maxDepth)))
	f.Add([]byte(nested(maxDepth + 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := envelope.Scan(data)
		valid := acceptable(data)
		if err != nil {
			var syntax *envelope.SyntaxError
			require.ErrorAs(t, err, &syntax)
			refused := repeatsDecisive(data) || bytes.Count(data, []byte(":")) > maxMembers
			require.Equal(t, valid, valid && refused, "refused what encoding/json accepts: %v", err)
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

// acceptable reports whether encoding/json accepts the bytes as a document that
// is one object in valid UTF-8, of no more levels than the limit.
func acceptable(data []byte) bool {
	return utf8.Valid(data) && json.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && depth(data) <= maxDepth
}

func repeatsDecisive(data []byte) bool {
	for _, at := range paths {
		if _, repeated := reference(data, at.path); repeated && at.decisive {
			return true
		}
	}
	return false
}

// nested returns a request whose deepest list or object is at this level.
func nested(levels int) string {
	inner := levels - 2
	return `{"request":{"type":"x","body":` + strings.Repeat(`[{"a":`, inner/2) + strings.Repeat(`[`, inner%2) + `0` +
		strings.Repeat(`]`, inner%2) + strings.Repeat(`}]`, inner/2) + `}}`
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
