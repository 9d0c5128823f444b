package signature_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/signature"
)

// The numbers are those that verifier_test.go explains.
func TestTime(t *testing.T) {
	at := func(age time.Duration) string { return quoted(now.Add(-age)) }
	const event, ordinary = "AlexaSkillEvent.SkillDisabled", "IntentRequest"
	for name, test := range map[string]struct {
		requestType, timestamp string
		want                   error
	}{
		"29 current":                    {ordinary, at(0), nil},
		"30 75 s past":                  {ordinary, at(75 * time.Second), nil},
		"31 75 s future":                {ordinary, at(-75 * time.Second), nil},
		"150 s past":                    {ordinary, at(150 * time.Second), nil},
		"150.001 s past":                {ordinary, at(150*time.Second + time.Millisecond), signature.ErrTime},
		"32 300 s past":                 {ordinary, at(300 * time.Second), signature.ErrTime},
		"150 s future":                  {ordinary, at(-150 * time.Second), nil},
		"33 150.2 s future":             {ordinary, at(-150*time.Second - 200*time.Millisecond), signature.ErrTime},
		"33 300 s future":               {ordinary, at(-300 * time.Second), signature.ErrTime},
		"34 null":                       {ordinary, "null", signature.ErrTime},
		"36 event, 3600 s":              {event, at(time.Hour), nil},
		"37 event, 1800 s":              {event, at(30 * time.Minute), nil},
		"38 event, 3601 s":              {event, at(time.Hour + time.Second), signature.ErrTime},
		"38 event, 3660 s":              {event, at(61 * time.Minute), signature.ErrTime},
		"38 event, 7200 s":              {event, at(2 * time.Hour), signature.ErrTime},
		"event, 150 s future":           {event, at(-150 * time.Second), nil},
		"event, 151 s future":           {event, at(-151 * time.Second), signature.ErrTime},
		"event, an hour in the future":  {event, at(-time.Hour), signature.ErrTime},
		"ProactiveSubscriptionChanged":  {"AlexaSkillEvent.ProactiveSubscriptionChanged", at(30 * time.Minute), nil},
		"list event":                    {"AlexaHouseholdListEvent.ItemsCreated", at(30 * time.Minute), nil},
		"reminder event":                {"Reminders.ReminderStarted", at(30 * time.Minute), nil},
		"audio event":                   {"AlexaAudioPlayQueueEvent.PlaybackStarted", at(30 * time.Minute), nil},
		"message":                       {"Messaging.MessageReceived", at(30 * time.Minute), nil},
		"grant":                         {"Alexa.Authorization.Grant", at(30 * time.Minute), nil},
		"data store":                    {"Alexa.DataStore.Error", at(30 * time.Minute), nil},
		"launch, 30 min":                {"LaunchRequest", at(30 * time.Minute), signature.ErrTime},
		"other interface, 30 min":       {"Alexa.Presentation.APL.UserEvent", at(30 * time.Minute), signature.ErrTime},
		"player, 30 min":                {"AudioPlayer.PlaybackStarted", at(30 * time.Minute), signature.ErrTime},
		"can fulfill, 30 min":           {"CanFulfillIntentRequest", at(30 * time.Minute), signature.ErrTime},
		"event of tomorrow, 30 min":     {"AlexaNextYear.Event", at(30 * time.Minute), nil},
		"event of tomorrow, 61 min":     {"AlexaNextYear.Event", at(61 * time.Minute), signature.ErrTime},
		"garbage":                       {ordinary, `"garbage"`, signature.ErrTime},
		"NaN":                           {ordinary, `"NaN"`, signature.ErrTime},
		"empty":                         {ordinary, `""`, signature.ErrTime},
		"an object":                     {ordinary, `{}`, signature.ErrTime},
		"the beginning of time":         {ordinary, `"0001-01-01T00:00:00Z"`, signature.ErrTime},
		"the end of time":               {event, `"9999-12-31T23:59:59Z"`, signature.ErrTime},
		"fractions":                     {ordinary, `"2026-03-01T11:59:59.52Z"`, nil},
		"another zone":                  {ordinary, `"2026-03-01T13:00:00+01:00"`, nil},
		"epoch milliseconds":            {ordinary, "1772366400000", nil},
		"epoch seconds":                 {ordinary, "1772366400", nil},
		"epoch milliseconds, 200 s old": {ordinary, "1772366200000", signature.ErrTime},
		"a number beyond every time":    {ordinary, "1e300", signature.ErrTime},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newBench().verify(request(test.requestType, test.timestamp)), test.want)
		})
	}
	t.Run("34 missing", func(t *testing.T) {
		body := bytes.Replace(intent(), []byte(`"timestamp"`), []byte(`"other"`), 1)
		require.ErrorIs(t, newBench().verify(body), signature.ErrTime)
	})
	t.Run("34 no request", func(t *testing.T) {
		body := bytes.Replace(intent(), []byte(`"request"`), []byte(`"other"`), 1)
		require.ErrorIs(t, newBench().verify(body), signature.ErrTime)
	})
}

// A request of a session is never redelivered, and always has a timestamp. A request
// without a session may have another time instead.
func TestTimeInAndOutsideOfSessions(t *testing.T) {
	const event = "AlexaSkillEvent.SkillDisabled"
	at := func(name string, age time.Duration) string { return `"` + name + `":` + quoted(now.Add(-age)) }
	for name, test := range map[string]struct {
		session, times string
		want           error
	}{
		"in a session":                    {`{"sessionId":"s"}`, at("timestamp", 30*time.Minute), signature.ErrTime},
		"in a session, current":           {`{"sessionId":"s"}`, at("timestamp", 0), nil},
		"in an empty session":             {`{"attributes":{}}`, at("timestamp", 30*time.Minute), nil},
		"published":                       {`null`, at("eventPublishingTime", 30*time.Minute), nil},
		"published too early":             {`null`, at("eventPublishingTime", 61*time.Minute) + "," + at("eventCreationTime", 0), signature.ErrTime},
		"created":                         {`null`, at("eventCreationTime", 30*time.Minute), nil},
		"created too early":               {`null`, at("eventCreationTime", 61*time.Minute), signature.ErrTime},
		"created, published at odd times": {`null`, at("eventCreationTime", 30*time.Minute) + `,"eventPublishingTime":""`, nil},
		"the timestamp decides":           {`null`, at("timestamp", 61*time.Minute) + "," + at("eventCreationTime", 0) + "," + at("eventPublishingTime", 0), signature.ErrTime},
		"published in a session":          {`{"sessionId":"s"}`, at("eventPublishingTime", 0), signature.ErrTime},
	} {
		t.Run(name, func(t *testing.T) {
			body := bytes.Replace(request(event, `0`), []byte(`"timestamp":0`), []byte(test.times), 1)
			body = bytes.Replace(body, []byte(`{`), []byte(`{"session":`+test.session+`,`), 1)
			require.ErrorIs(t, newBench().verify(body), test.want)
		})
	}
}

func TestErrorTellsTheAge(t *testing.T) {
	for timestamp, want := range map[string]string{
		quoted(now.Add(-200 * time.Second)): "signature: the timestamp is outside the accepted window: 3m20s old, at most 2m30s is accepted",
		quoted(now.Add(200 * time.Second)):  "signature: the timestamp is outside the accepted window: 3m20s in the future, at most 2m30s is accepted",
		`"9999-12-31T23:59:59Z"`:            "signature: the timestamp is outside the accepted window: " + time.Duration(math.MaxInt64).String() + " in the future, at most 2m30s is accepted",
		`"0001-01-01T00:00:00Z"`:            "signature: the timestamp is outside the accepted window: it is missing",
	} {
		require.EqualError(t, newBench().verify(request("IntentRequest", timestamp)), want)
	}
}
