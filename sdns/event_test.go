package sdns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// fixture is an event with every member that Amazon documents or models. No two
// members of one event have the same value, so that a test finds a mix-up.
type fixture struct {
	data string
	want sdns.Event
}

var at = time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)

var fixtures = map[sdns.EventName]fixture{
	sdns.EventManifestUpdate: {
		data: skillEvent("ManifestUpdate", "SUCCEEDED"),
		want: &sdns.ManifestUpdate{Envelope: common(sdns.EventManifestUpdate, sdns.Succeeded)},
	},
	sdns.EventSkillCertification: {
		data: skillEvent("SkillCertification", "FAILED"),
		want: &sdns.SkillCertification{Envelope: common(sdns.EventSkillCertification, sdns.Failed)},
	},
	sdns.EventSkillPublish: {
		data: skillEvent("SkillPublish", "IN_REVIEW"),
		want: &sdns.SkillPublish{Envelope: common(sdns.EventSkillPublish, "IN_REVIEW")},
	},
	sdns.EventInteractionModelUpdate: {
		data: strings.NewReplacer(`"skill"`, `"interactionModel"`, `"vendorId"`, `"locale": "de-DE", "vendorId"`).Replace(skillEvent("InteractionModelUpdate", "SUCCEEDED")),
		want: &sdns.InteractionModelUpdate{Envelope: common(sdns.EventInteractionModelUpdate, sdns.Succeeded), Locale: "de-DE"},
	},
	sdns.EventSkillReviewPublish: {
		data: `{"timestamp": "2026-11-21T22:00:00Z", "eventName": "AlexaCustomerFeedbackEvent.SkillReviewPublish", "payload": {
			"skill": {"skillId": "amzn1.ask.skill.s", "vendorId": "M1"}, "subscription": {"subscriptionId": "amzn1.ask-subscription.n"},
			"review": {"reviewId": "R1", "url": "https://www.example.com/R1", "starRating": "4"}}}`,
		want: &sdns.SkillReviewPublish{
			Envelope: sdns.Envelope{
				EventName: sdns.EventSkillReviewPublish, Timestamp: at,
				SkillID: "amzn1.ask.skill.s", VendorID: "M1", SubscriptionID: "amzn1.ask-subscription.n",
			},
			ReviewID: "R1", URL: "https://www.example.com/R1", StarRating: "4",
		},
	},
	"AlexaDevelopmentEvent.OfTomorrow": {
		data: skillEvent("OfTomorrow", "SUCCEEDED"),
		want: &sdns.Unknown{Envelope: common("AlexaDevelopmentEvent.OfTomorrow", sdns.Succeeded)},
	},
}

// skillEvent returns an event about a skill, in Amazon's form.
func skillEvent(name, status string) string {
	return fmt.Sprintf(`{"requestId": "3a8bd4ce", "timestamp": "2026-11-21T22:00:00Z", "eventName": "AlexaDevelopmentEvent.%s", "payload": {
		"status": %q, "actor": {"customerId": "amzn1.account.c"}, "subscription": {"subscriptionId": "amzn1.ask-subscription.n"},
		"skill": {"skillId": "amzn1.ask.skill.s", "vendorId": "M1"}}}`, name, status)
}

// common returns the parsed envelope of a skillEvent.
func common(name sdns.EventName, status sdns.Status) sdns.Envelope {
	return sdns.Envelope{
		EventName: name, RequestID: "3a8bd4ce", Timestamp: at, Status: status, CustomerID: "amzn1.account.c",
		SkillID: "amzn1.ask.skill.s", VendorID: "M1", SubscriptionID: "amzn1.ask-subscription.n",
	}
}

func TestEveryTypeHasAFixture(t *testing.T) {
	for name, create := range sdns.Types {
		require.Contains(t, fixtures, name)
		require.IsType(t, fixtures[name].want, create())
	}
}

func TestParse(t *testing.T) {
	for name, fixture := range fixtures {
		t.Run(string(name), func(t *testing.T) {
			data := []byte(fixture.data)
			event, err := sdns.Parse(data)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(fixture.want, event, cmpopts.IgnoreUnexported(sdns.Envelope{})))

			var members struct{ Payload json.RawMessage }
			require.NoError(t, json.Unmarshal(data, &members))
			clear(data)
			require.Equal(t, fixture.data, string(event.Common().Raw()), "its own copy")
			require.Equal(t, string(members.Payload), string(event.Common().Payload()))
		})
	}
}

func TestVerification(t *testing.T) {
	for _, data := range []string{`{}`, "{ }", " {\n\t}\r\n"} {
		event, err := sdns.Parse([]byte(data))
		require.NoError(t, err)
		require.IsType(t, &sdns.Verification{}, event)
		require.Equal(t, data, string(event.Common().Raw()))
	}
}

// The subscription is beside the payload in Amazon's tables, inside it in Amazon's
// examples.
func TestSubscriptionInsideOrBeside(t *testing.T) {
	const inside, beside = `"payload": {"subscription": {"subscriptionId": "inside"}}`, `"subscription": {"subscriptionId": "beside"}`
	for members, want := range map[string]string{
		inside:                                  "inside",
		beside:                                  "beside",
		inside + "," + beside:                   "inside",
		beside + "," + inside:                   "inside",
		beside + `, "payload": {"status": "x"}`: "beside",
		beside + `, "payload": {"subscription": null}`: "beside",
		beside + `, "payload": {"subscription": {}}`:   "beside",
		beside + `, "payload": null`:                   "beside",
	} {
		event, err := sdns.Parse([]byte(`{"eventName": "AlexaDevelopmentEvent.SkillPublish", ` + members + `}`))
		require.NoError(t, err)
		require.Equal(t, want, event.Common().SubscriptionID, members)
	}
}

func TestTimes(t *testing.T) {
	for form, want := range map[string]time.Time{
		`"2026-11-21T22:00:00Z"`:      at,
		`"2026-11-21T22:00:00.25Z"`:   at.Add(250 * time.Millisecond),
		`"2026-11-21T23:00:00+01:00"`: at,
		`1795298400`:                  at,
		`1795298400250`:               at.Add(250 * time.Millisecond),
		`null`:                        {},
		`"yesterday"`:                 {},
		`{}`:                          {},
	} {
		event, err := sdns.Parse([]byte(strings.Replace(skillEvent("SkillPublish", "FAILED"), `"2026-11-21T22:00:00Z"`, form, 1)))
		require.NoError(t, err, form)
		require.Empty(t, cmp.Diff(want, event.Common().Timestamp), form)
		require.Equal(t, sdns.Failed, event.Common().Status)
	}
}

func TestParseRefuses(t *testing.T) {
	for data, reason := range map[string]string{
		``:                                  "not a JSON object",
		`[]`:                                "not a JSON object",
		`"x"`:                               "not a JSON object",
		`null`:                              "not a JSON object",
		`{}{}`:                              "something follows",
		`{"eventName":"x"`:                  "no comma or brace",
		"{\"eventName\":\"\xff\"}":          "invalid UTF-8",
		`{"a":1}`:                           "eventName is missing",
		`{"eventName":null}`:                "eventName is missing",
		`{"eventName":""}`:                  "eventName is missing",
		`{"eventName":5}`:                   "eventName is missing",
		`{"EventName":"x"}`:                 "eventName is missing",
		`{"eventName":"x","eventName":"y"}`: "member occurs twice",
		`{"eventName":"x","payload":{},"payload":{}}`:                                  "member occurs twice",
		`{"eventName":"x","payload":{"status":"FAILED","status":"SUCCEEDED"}}`:         "member occurs twice",
		`{"eventName":"x","payload":{"skill":{"skillId":"a","skillId":"b"}}}`:          "member occurs twice",
		`{"eventName":"x","payload":{"actor":{"customerId":"a","customerId":"b"}}}`:    "member occurs twice",
		`{"eventName":"x","subscription":{"subscriptionId":"a","subscriptionId":"b"}}`: "member occurs twice",
		// An alarm of CloudWatch, which can come on the same topic.
		`{"AlarmName":"errors","NewStateValue":"ALARM"}`: "eventName is missing",
	} {
		event, err := sdns.Parse([]byte(data))
		require.Nil(t, event, data)
		require.ErrorIs(t, err, sdns.ErrMalformed, data)
		require.ErrorContains(t, err, "sdns: malformed event: "+reason, data)
	}
}

// A member that is missing, null or of another JSON type changes no other field.
func TestMembersAreOptional(t *testing.T) {
	others := []string{"", "null", "true", "5", `"text"`, `[]`, `["a"]`, `{}`, `{"x": {"skillId": 1}}`}
	for name, fixture := range fixtures {
		var whole map[string]any
		require.NoError(t, json.Unmarshal([]byte(fixture.data), &whole))
		for _, path := range paths(whole) {
			if slices.Equal(path, []string{"eventName"}) {
				continue
			}
			for _, other := range others {
				data := replace(t, fixture.data, path, other)
				event, err := sdns.Parse([]byte(data))
				require.NoError(t, err, data)
				require.IsType(t, fixture.want, event)
				got, gone := texts(event), leaves(whole, path)
				for text := range texts(fixture.want) {
					require.NotEqual(t, gone[text], got[text], "%s: %s: %q", name, data, text)
				}
			}
		}
	}
}

// texts returns the texts in the exported fields of an event.
func texts(event sdns.Event) map[string]bool {
	found := map[string]bool{}
	e := event.Common()
	all := []string{string(e.EventName), e.RequestID, string(e.Status), e.CustomerID, e.SkillID, e.VendorID, e.SubscriptionID}
	if !e.Timestamp.IsZero() {
		all = append(all, e.Timestamp.Format(time.RFC3339))
	}
	switch event := event.(type) {
	case *sdns.InteractionModelUpdate:
		all = append(all, event.Locale)
	case *sdns.SkillReviewPublish:
		all = append(all, event.ReviewID, event.URL, event.StarRating)
	}
	for _, text := range all {
		if text != "" && text != "text" { // the text that stands in for another type
			found[text] = true
		}
	}
	return found
}

func paths(node any) (all [][]string) {
	object, _ := node.(map[string]any)
	for name, child := range object {
		all = append(all, []string{name})
		for _, path := range paths(child) {
			all = append(all, append([]string{name}, path...))
		}
	}
	return all
}

// leaves returns the texts at or below a path.
func leaves(node any, path []string) map[string]bool {
	for _, name := range path {
		node = node.(map[string]any)[name]
	}
	found := map[string]bool{}
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case string:
			found[node] = true
		case map[string]any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(node)
	return found
}

// replace replaces the JSON at a path of a document. It deletes it if other is "".
func replace(t *testing.T, data string, path []string, other string) string {
	var root map[string]any
	require.NoError(t, json.Unmarshal([]byte(data), &root))
	parent := root
	for _, name := range path[:len(path)-1] {
		parent = parent[name].(map[string]any)
	}
	if other == "" {
		delete(parent, path[len(path)-1])
	} else {
		parent[path[len(path)-1]] = json.RawMessage(other)
	}
	changed, err := json.Marshal(root)
	require.NoError(t, err)
	return string(changed)
}

// Added members change nothing, even with the names of other members.
func TestAddedMembersChangeNothing(t *testing.T) {
	names := []string{"status", "skillId", "vendorId", "locale", "customerId", "subscriptionId", "eventName", "reviewId", "url", "starRating", "requestId", "timestamp", "x"}
	rapid.Check(t, func(t *rapid.T) {
		fixture := fixtures[rapid.SampledFrom(slices.Sorted(maps.Keys(fixtures))).Draw(t, "event")]
		var root map[string]any
		require.NoError(t, json.Unmarshal([]byte(fixture.data), &root))
		where := rapid.SampledFrom([]string{"", "payload", "new"}).Draw(t, "where")
		object := root
		if where == "payload" {
			object = root["payload"].(map[string]any)
		}
		added := rapid.MapOfN(rapid.SampledFrom(names), rapid.SampledFrom([]any{"y", 1, nil, []any{}, map[string]any{"skillId": "y", "status": "y"}}), 0, 5).Draw(t, "added")
		if where == "new" {
			root["new"] = added
		}
		known := map[string][]string{"": {"eventName", "requestId", "timestamp"}, "payload": {"status"}}
		for name, value := range added {
			if where != "new" && !slices.Contains(known[where], name) {
				object[name] = value
			}
		}
		data, err := json.Marshal(root)
		require.NoError(t, err)
		event, err := sdns.Parse(data)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(fixture.want, event, cmpopts.IgnoreUnexported(sdns.Envelope{})))
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(fixtures)) {
		f.Add([]byte(fixtures[name].data))
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"eventName":"x","payload":[],"subscription":5,"timestamp":-1e13}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		event, err := sdns.Parse(data)
		if err != nil {
			require.Nil(t, event)
			require.ErrorIs(t, err, sdns.ErrMalformed)
			return
		}
		e := event.Common()
		require.Equal(t, string(data), string(e.Raw()))
		// What it shows is what encoding/json finds.
		var root struct{ members map[string]any }
		require.NoError(t, json.Unmarshal(data, &root.members))
		payload := object(root.members["payload"])
		skill, model := object(payload["skill"]), object(payload["interactionModel"])
		require.Equal(t, text(root.members["eventName"]), string(e.EventName))
		require.Equal(t, text(root.members["requestId"]), e.RequestID)
		require.Equal(t, text(payload["status"]), string(e.Status))
		require.Equal(t, text(object(payload["actor"])["customerId"]), e.CustomerID)
		if len(model) == 0 {
			require.Equal(t, text(skill["skillId"]), e.SkillID)
			require.Equal(t, text(skill["vendorId"]), e.VendorID)
		}
		if review, ok := event.(*sdns.SkillReviewPublish); ok {
			require.Equal(t, text(object(payload["review"])["starRating"]), review.StarRating)
		}
		printed, err := json.Marshal(event)
		require.NoError(t, err)
		require.Equal(t, string(printed), fmt.Sprint(event))
	})
}

func object(value any) map[string]any { o, _ := value.(map[string]any); return o }

func text(value any) string { s, _ := value.(string); return s }

func TestEventsPrintAsASummary(t *testing.T) {
	const summary = `{"eventName":"AlexaDevelopmentEvent.SkillPublish","status":"FAILED","requestId":"3a8bd4ce","time":"2026-11-21T22:00:00Z","skillId":"amzn1.ask.skill.s"}`
	event, err := sdns.Parse([]byte(skillEvent("SkillPublish", "FAILED")))
	require.NoError(t, err)
	for _, value := range []any{event, *event.(*sdns.SkillPublish), event.Common()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.Equal(t, summary, fmt.Sprintf(verb, value), verb)
		}
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, summary, string(data))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
		require.Contains(t, log.String(), "event.eventName=AlexaDevelopmentEvent.SkillPublish event.status=FAILED event.requestId=3a8bd4ce "+
			"event.time=2026-11-21T22:00:00Z event.skillId=amzn1.ask.skill.s\n")
	}
	require.Equal(t, "{}", fmt.Sprint(new(sdns.Verification)))
}

// Events print no personal data and no unknown members.
func TestEventsDoNotLeak(t *testing.T) {
	for name, fixture := range fixtures {
		data := strings.NewReplacer(
			"amzn1.account.c", "canary", "https://www.example.com/R1", "canary", `"payload": {`, `"payload": {"other": "canary", `,
		).Replace(fixture.data)
		event, err := sdns.Parse([]byte(data))
		require.NoError(t, err)
		require.Contains(t, string(event.Common().Raw()), "canary")
		for _, value := range []any{event, event.Common(), []sdns.Event{event}, map[string]any{"event": event}, struct{ Event sdns.Event }{event}} {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("received", "event", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("received", "event", value)
			marshalled, err := json.Marshal(value)
			require.NoError(t, err)
			printed := fmt.Sprintf("%v %+v %#v %s %x", value, value, value, value, value)
			require.NotContains(t, log.String()+string(marshalled)+printed, "canary", name)
			require.NotContains(t, printed, fmt.Sprintf("%x", "canary"), name)
		}
	}
}

func TestReceive(t *testing.T) {
	type key struct{}
	failed := errors.New("database is down")
	for name, test := range map[string]struct {
		text     string
		fails    error
		received sdns.Event
		err      error
	}{
		"an event":      {text: skillEvent("SkillPublish", "FAILED"), received: new(sdns.SkillPublish)},
		"unknown":       {text: skillEvent("New", "FAILED"), received: new(sdns.Unknown)},
		"verification":  {text: "{}", received: new(sdns.Verification)},
		"receive fails": {text: "{}", fails: failed, received: new(sdns.Verification), err: failed},
		"no event":      {text: "hello", err: sdns.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var received sdns.Event
			handler := &sns.Handler{Receive: sdns.Receive(func(ctx context.Context, event sdns.Event) error {
				require.Equal(t, "value", ctx.Value(key{}))
				received = event
				return test.fails
			})}
			err := handler.Receive(context.WithValue(t.Context(), key{}, "value"), &sns.Message{Message: test.text})
			require.ErrorIs(t, err, test.err)
			require.IsType(t, test.received, received)
		})
	}
	require.ErrorContains(t, sdns.Receive(nil)(t.Context(), &sns.Message{Message: "{}"}), "the function given to Receive is nil")
}
